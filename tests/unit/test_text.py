from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from udfs.text import featurize, normalize, read_texts

SETTINGS: dict[str, Any] = {"hash_size": 1 << 18, "word_ngrams": 2, "char_ngrams": [3, 4], "max_chars": 100}


def features(title: str | None, description: str | None = None, **changed: object) -> dict[int, float]:
    batch = featurize([title], [description], **{**SETTINGS, **changed})
    return dict(zip(batch.ids.tolist(), batch.weights.tolist(), strict=True))


def words(found: dict[int, float]) -> dict[int, float]:
    return {i: n for i, n in found.items() if i < SETTINGS["hash_size"] // 2}


def test_words_pairs_and_characters_are_counted_in_two_blocks() -> None:
    found = features("red shoe red shoe")
    assert sorted(words(found).values()) == [1.0, 2.0, 2.0, 2.0]  # shoe red; red, shoe, red shoe
    characters = {i: n for i, n in found.items() if i not in words(found)}
    # " red ": 3 + 2 grams; " shoe ": 4 + 3 grams, twice each
    assert len(characters) == 12
    assert set(characters.values()) == {2.0}


def test_title_and_description_share_their_words() -> None:
    assert words(features("red", "shoe")) == words(features("red shoe"))
    assert words(features(None, "red shoe")) == words(features("red shoe", None))


@pytest.mark.parametrize(
    ("one", "other"),
    [("RED SHOE", "red shoe"), ("ｒｅｄ shoe", "red shoe"), ("Straße", "STRASSE"), ("café", "cafe\u0301")],  # noqa: RUF001
)
def test_case_and_unicode_form_do_not_matter(one: str, other: str) -> None:
    assert features(one) == features(other)


@pytest.mark.parametrize("title", ["红色 鞋子", "красные туфли", "أحذية حمراء", "靴"])
def test_any_script_gives_features(title: str) -> None:
    assert words(features(title))


@pytest.mark.parametrize("title", [None, "", "   ", "\x00\ud800!?"])
def test_an_empty_title_gives_no_features(title: str | None) -> None:
    assert words(features(title)) == {}


def test_rows_keep_their_order_and_their_own_features() -> None:
    batch = featurize(["red shoe", None, "blue hat"], [None, None, "wool"], **SETTINGS)
    assert np.diff(batch.splits).tolist() == [len(features("red shoe")), 0, len(features("blue hat", "wool"))]
    assert dict(zip(batch.ids[batch.splits[2] :], batch.weights[batch.splits[2] :], strict=True)) == features(
        "blue hat", "wool"
    )


def test_rows_can_be_taken_in_any_order() -> None:
    batch = featurize(["red shoe", None, "blue hat"], [None] * 3, **SETTINGS)
    taken = batch.take(np.array([2, 0, 2]))
    assert (
        taken.splits.tolist()
        == np.cumsum([0, *(len(features(t)) for t in ("blue hat", "red shoe", "blue hat"))]).tolist()
    )
    assert dict(zip(taken.ids[: taken.splits[1]], taken.weights[: taken.splits[1]], strict=True)) == features(
        "blue hat"
    )


def test_bytes_that_are_not_utf8_do_not_fail_a_batch() -> None:
    column = pa.array([b"red \xff shoe", None, b"hat"], pa.binary()).view(pa.string())
    assert read_texts(column) == ["red \ufffd shoe", None, "hat"]


def test_an_empty_batch_gives_no_features() -> None:
    batch = featurize([], [], **SETTINGS)
    assert (len(batch.ids), len(batch.weights), batch.splits.tolist()) == (0, 0, [0])


def test_a_long_text_is_cut_off() -> None:
    assert features("red " * 1000, max_chars=8) == features("red red ", max_chars=8)
    assert normalize("ABCDEF", 3) == "abc"


def test_all_ids_lie_in_the_feature_space() -> None:
    batch = featurize(
        [" ".join(f"word{i}" for i in range(10_000))], [None], **{**SETTINGS, "hash_size": 64, "max_chars": 10**6}
    )
    assert batch.ids.min() == 0
    assert batch.ids.max() == 63


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("red shoe " * 1_200_000, "red shoe " * 30),
        ("red\x00shoe", "red shoe"),
        ("red \u202eshoe\u202c", "red shoe"),
        ("حذاء أحمر", "حذاء أحمر"),
    ],
    ids=["10 MB", "NUL", "changed direction", "right to left"],
)
def test_unusual_texts_have_the_words_that_a_person_reads(text: str, same: str) -> None:
    assert words(features(text)) == words(features(same))
    assert words(features(None, text)) == words(features(None, same))
    assert words(features(text))


def test_a_word_with_invisible_characters_is_another_word_but_no_error() -> None:
    hidden = features("sh\u200boe\ufeff\u00ad \ud800boot")
    assert set(words(features("boot"))) <= set(words(hidden))


@pytest.mark.parametrize(
    "text",
    ["<p class='a'>red</p><P>shoe</P>", "red&nbsp;shoe", "&lt;b&gt;red&lt;/b&gt; shoe", "red<!-- big --><br/>shoe"],
)
def test_markup_is_no_word(text: str) -> None:
    assert words(features(text)) == words(features(None, text)) == words(features("red shoe"))


def test_an_open_tag_ends_with_its_text_and_long_markup_leaves_room_for_words() -> None:
    assert set(words(features("shoe"))) <= set(words(features("red <!-- open", "shoe")))
    assert words(features("<i> " * 190 + "red shoe")) == words(features("red shoe"))
