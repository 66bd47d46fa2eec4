from __future__ import annotations

import pytest

from udfs.markup import plain_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<p>Soft <b>wool</b><br/>hat</p>", "Soft wool hat"),
        ("<a href=\"shop?a=1&amp;b=2\" title='now'>Look</a>", "Look"),
        ("Salt &amp; pepper&nbsp;mill, 5&quot;", 'Salt & pepper mill, 5"'),
        ("Caf&eacute; &#8364;5 &#x27;new&#x27;", "Café €5 'new'"),
        ("&lt;ul&gt;&lt;li&gt;Soft&lt;/li&gt;&lt;/ul&gt;", "Soft"),
        ("Q&amp;amp;A", "Q&A"),
        ("<style>p { color: red }</style><script>alert('<p>')</script>Soft", "Soft"),
        ("<!DOCTYPE html><?xml version='1.0'?><!-- <p>old</p> -->Soft", "Soft"),
        ("Soft <script>alert(1)", "Soft"),
        ("5 < 6 and 7 > 6, I <3 it, M&M, R&D; a <- b", "5 < 6 and 7 > 6, I <3 it, M&M, R&D; a <- b"),
        ("Soft <b", "Soft <b"),
        ("", ""),
    ],
)
def test_the_words_that_a_reader_of_the_page_sees(text: str, words: str) -> None:
    assert " ".join(plain_text(text).split()) == words
