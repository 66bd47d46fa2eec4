from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

from jobs.console.summary import Named
from jobs.reporting.examples import Examples
from jobs.reporting.figures import Queues
from jobs.reporting.page import render
from tests.unit.report_samples import AUDIT, EXAMPLES, FIGURES, NO_AUDIT, example

HOSTILE = "<script>alert('x')</script><img src=http://evil.example/p.png onerror=alert(1)>"
VOID = {"meta", "img", "br", "rect", "circle", "path", "use"}


class Reader(HTMLParser):
    """Collects tags with their attributes and the text, and checks that what is opened is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_shows_the_figures() -> None:
    text = re.sub(r"\s+", " ", Reader(render(FIGURES, EXAMPLES, {})).text)
    for said in (
        "The catalogue on 2 March 2026",
        "The model estimates that 228 of 1,000 listings had a wrong category or none before this run, and that 31",
        "These estimates are not audited. 400 listings were drawn at random for people to review, and none is",
        "What is known about the wrong labels. About 21.0% (15.0% to 27.0%) of the sellers' categories were wrong when",
        "An audit of 400 listings would narrow the estimate to about ± 4.1 points, one of 1,000 to ± 2.6.",
        "Wrong before22.8%the model's estimate, not audited",
        "catalog-cleaner review apply FILE",
        "22.8%",
        "3.1%",
        "20.0% of the listings; mean confidence 97.0%",
        "in this run; 1 changed, 3 ended",
        "Uncertain category: 90 listings",
        "Other reasons: 21 listings",
        "This may belong in Shoes rather than in Boots: the word 'low' says so. ",
        "2 min 5 s",
        "unchanged, prediction kept",
    ):
        assert said in text


def test_a_page_says_that_its_publication_was_taken_back() -> None:
    back = Reader(render(dataclasses.replace(FIGURES, taken_back_by="revert-1"), EXAMPLES, {})).text
    assert "This publication was taken back. revert-1 has restored the state before it" in back
    assert "taken back" not in Reader(render(FIGURES, EXAMPLES, {})).text


def test_an_audit_comes_first_with_its_interval_and_the_estimate_beside_it() -> None:
    text = re.sub(r"\s+", " ", Reader(render(dataclasses.replace(FIGURES, audit=AUDIT), EXAMPLES, {})).text)
    for said in (
        "People have reviewed 389 of 1,000 listings, drawn at random. According to this audit, 23.1% of the catalogue",
        "Wrong before23.1%19.2% to 27.6% (95% interval, 389 audited listings)the model's estimate: 22.8%",
        "Wrong after3.6%2.2% to 6.0%",
        "11 more listings of the audit are still to be reviewed.",
    ):
        assert said in text
    assert "These estimates are not audited" not in text
    # The table of the categories.
    assert "Boots30031.0%12.0%toofewaudits" in text.replace(" ", "")
    assert "Shoes70020.0%2.0%3.0%(1.0%to7.0%)" in text.replace(" ", "")


def test_with_too_few_audits_the_page_shows_the_model_and_says_so() -> None:
    few = dataclasses.replace(AUDIT, answered=12, before=None, left=None)
    text = re.sub(r"\s+", " ", Reader(render(dataclasses.replace(FIGURES, audit=few), EXAMPLES, {})).text)
    assert "Wrong after3.1%the model's estimate, too few audits" in text
    assert "drawn at random for people to review, and only 12 are reviewed so far." in text


def test_without_an_audit_the_page_names_the_setting() -> None:
    figures = dataclasses.replace(FIGURES, audit=dataclasses.replace(NO_AUDIT, open=0))
    assert (
        "No listings are drawn for an audit; see the setting review.audit_listings."
        in Reader(render(figures, EXAMPLES, {})).text
    )


def test_each_kind_of_example_shows_its_own_details() -> None:
    text = re.sub(r"\s+", " ", Reader(render(FIGURES, EXAMPLES, {})).text)
    assert "Boots → Shoes very likely, 97.2% Text and picture both suggest Shoes" in text
    assert "seller: Boots Shoes58.0%Boots (seller's)31.0% Text and picture suggest another category" in text
    assert "listed as Shoespicture looks like Bags & cases likely, 90.0%" in text
    assert "(no title) Shoes The picture cannot be read." in text
    assert "seller s-9 · l-2" in text


def test_pictures_are_embedded_and_missing_ones_have_a_placeholder() -> None:
    page = Reader(render(FIGURES, EXAMPLES, {"l-1": b"jpeg"}))
    (image,) = page.attributes("img")
    assert image["src"] == "data:image/jpeg;base64,anBlZw=="
    assert image["alt"] == "Picture delivered for Trail shoes"
    placeholders = [a["aria-label"] for a in page.attributes("div") if "empty" in (a.get("class") or "")]
    assert placeholders == [
        "No picture to show: usable",
        "No picture to show: usable",
        "No picture to show: cannot be read",
    ]


def test_texts_of_the_catalogue_are_escaped() -> None:
    evil = Named(HOSTILE, HOSTILE)
    listing = example(
        HOSTILE,
        title=HOSTILE,
        seller_id=HOSTILE,
        seller_category=evil,
        shown_category=evil,
        suggestions=((evil, 0.5),),
        text=(evil, 0.5),
        image=(evil, 0.4),
        image_status=HOSTILE,
    )
    everywhere = Examples([listing], [listing], [listing], [listing], [listing])
    figures = dataclasses.replace(
        FIGURES,
        categories=[dataclasses.replace(FIGURES.categories[0], segment=evil)],
        sellers=[dataclasses.replace(FIGURES.sellers[0], seller_id=HOSTILE)],
        changes=[dataclasses.replace(FIGURES.changes[0], seller_category=evil, corrected_category=evil)],
        image_status={HOSTILE: 3},
        run_id=HOSTILE,
        model_version=HOSTILE,
    )
    page = Reader(render(figures, everywhere, {HOSTILE: b"jpeg"}))
    assert HOSTILE in page.text
    assert page.attributes("script") == []
    assert all((a["src"] or "").startswith("data:image/jpeg") for a in page.attributes("img"))
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_the_page_loads_nothing_and_has_a_content_security_policy() -> None:
    source = render(FIGURES, EXAMPLES, {"l-1": b"jpeg"})
    assert "http:" not in source
    assert "https:" not in source
    assert "url(" not in re.sub(r"url\(#\w+\)", "", source)
    page = Reader(source)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "embed", "base"})
    policy = [a["content"] for a in page.attributes("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_every_chart_has_a_description_and_a_table() -> None:
    page = Reader(render(FIGURES, EXAMPLES, {}))
    drawings = [a for a in page.attributes("div") if a.get("role") == "img" and "empty" not in (a.get("class") or "")]
    assert len(drawings) == len(page.attributes("figure")) == len(page.attributes("details")) == 12
    assert all(len(a["aria-label"] or "") > 20 for a in drawings)


def test_links_lead_somewhere() -> None:
    page = Reader(render(FIGURES, EXAMPLES, {}))
    places = {a["id"] for _, a in page.tags if "id" in a}
    wanted = [(a["href"] or "").removeprefix("#") for a in page.attributes("a")]
    assert len(wanted) == 7
    assert set(wanted) <= places


def test_a_first_night_without_work_gives_a_page() -> None:
    figures = dataclasses.replace(
        FIGURES,
        confidence=None,
        categories=[],
        departments=[],
        seller_sizes=[],
        sellers=[],
        changes=[],
        certainty={},
        queues=Queues({}, 0, 0),
        image_status={},
        publications=FIGURES.publications[-1:],
    )
    page = Reader(render(figures, Examples([], [], [], [], []), {}))
    for said in ("This publication has no corrections", "The work list is empty", "This is the first publication"):
        assert said in page.text
    assert page.attributes("figure") == []
