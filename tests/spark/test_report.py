from __future__ import annotations

import datetime as dt
import html
import io
import json
import re
from pathlib import Path

import pytest
import typer
from PIL import Image
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from typer.testing import CliRunner

from conf.load import load_settings
from jobs import report
from jobs.cleaning.audit import Audit
from jobs.cleaning.label_errors import LabelErrors
from jobs.console.summary import Estimate, Named
from jobs.reporting.error_rates import SegmentError
from jobs.reporting.examples import Example, read_examples
from jobs.reporting.figures import BANDS, Change, Figures, PublicationFigures, SellerError, read_figures
from jobs.reporting.pictures import read_thumbnails
from jobs.reporting.publication_snapshot import find_snapshot
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.reasons import Reason
from tests.spark.frames import frame
from tests.spark.published import FAILED, FIRST, SECOND, TITLE, write_published

NAMES = {"boots": "Boots", "shoes": "Shoes", "bags": "Bags", "bras": "Bras"}
BOOTS, SHOES, BAGS, BRAS = (Named(code, name) for code, name in NAMES.items())


@pytest.fixture(scope="module")
def warehouse(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    published = open_warehouse(spark, str(tmp_path_factory.mktemp("published") / "warehouse"))
    write_published(published)
    return published


@pytest.fixture(scope="module")
def newest(warehouse: Warehouse) -> Figures:
    return read_figures(find_snapshot(warehouse, None), NAMES)


def call(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command."""
    app = typer.Typer()
    app.command()(report.main)
    result = CliRunner().invoke(app, [*arguments, "--profile", "test"])
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


def ids(examples: object) -> list[str]:
    assert isinstance(examples, list)
    return [example.listing_id for example in examples]


def near(value: float) -> Estimate:
    """An audited estimate as `tests.spark.published.metric` writes it."""
    return Estimate(value, value - 0.05, value + 0.05)


def test_the_figures_are_those_of_the_newest_publication(newest: Figures) -> None:
    figures = newest
    assert (figures.run_id, figures.run_date, figures.model_version) == (SECOND, dt.date(2026, 3, 2), "7")
    assert (figures.seconds, figures.listings, figures.quality) == (30.0, 10, 87.5)
    assert figures.counts == {"rows_in": 10, "rows_current": 2, "rows_unchanged": 8}
    assert figures.shares["category_error_rate_before"].share == Estimate(0.4)
    assert figures.shares["category_error_rate_left"].share == Estimate(0.2)
    assert figures.shares["corrected_share"].listings == pytest.approx(3)
    assert figures.confidence == Estimate(0.855)
    assert figures.audit == Audit(4, 1, near(0.5), near(0.25))
    assert figures.label_errors == LabelErrors(Estimate(0.45, 0.4, None), "sellers, at least")
    assert figures.events == {"begun": 2, "changed": 1, "ended": 0}
    assert figures.categories == [
        SegmentError(SHOES, 3, Estimate(0.4), Estimate(0.3), None),
        SegmentError(BAGS, 3, Estimate(0.2), Estimate(0.2), None),
        SegmentError(BOOTS, 3, Estimate(0.5), Estimate(0.1), None),
    ]
    assert figures.sellers == [
        SellerError("s-2", 1, Estimate(0.6, 0.1, 0.9)),
        SellerError("s-1", 9, Estimate(0.4, 0.3, 0.5)),
    ]
    assert figures.changes == [Change(BOOTS, SHOES, 2), Change(None, BAGS, 1)]
    assert figures.certainty == dict(zip(BANDS, (1, 1, 0, 1, 0), strict=True))
    assert figures.image_status == {"ok": 9, "corrupt": 1}


def test_the_open_work_list_is_counted_by_reason_and_queue(newest: Figures) -> None:
    queues = newest.queues
    assert queues.by_reason == {
        Reason.WRONG_CATEGORY: 2,
        Reason.IMAGE_MISMATCH: 2,
        Reason.LOW_CONFIDENCE: 1,
        Reason.SENSITIVE_CATEGORY: 1,
        Reason.CORRUPT_IMAGE: 1,
        Reason.MISSING_TITLE: 1,
        Reason.AUDIT_SAMPLE: 1,
    }
    assert (queues.category, queues.other) == (3, 4)
    # A listing in the audit sample has no problem.


def test_publications_are_compared_and_failed_runs_are_none(newest: Figures) -> None:
    assert newest.publications == [
        PublicationFigures(FIRST, dt.date(2026, 3, 1), 90.0, 0.4, 0.0, 0.6),
        PublicationFigures(SECOND, dt.date(2026, 3, 2), 30.0, 0.2, 0.3, 0.6),
    ]


def test_an_earlier_publication_is_shown_as_it_was(warehouse: Warehouse) -> None:
    snapshot = find_snapshot(warehouse, FIRST)
    figures = read_figures(snapshot, NAMES)
    assert figures.shares["category_error_rate_left"].share == Estimate(0.4)
    assert figures.audit == Audit(0, 0, None, None)
    assert figures.label_errors is None
    assert figures.changes == []
    assert sum(figures.certainty.values()) == 0
    assert figures.queues.by_reason == {Reason.IMAGE_MISMATCH: 1}
    assert [seller.seller_id for seller in figures.sellers] == ["s-2"]
    assert [night.run_id for night in figures.publications] == [FIRST]
    examples = read_examples(snapshot, figures.changes, NAMES)
    assert examples.corrections == []
    assert ids(examples.work_list) == ["odd-1"]


def test_examples_are_the_most_urgent_and_those_with_one_reason_come_first(
    spark: SparkSession, warehouse: Warehouse, newest: Figures
) -> None:
    snapshot = find_snapshot(warehouse, None)
    assert snapshot.names() == NAMES
    examples = read_examples(snapshot, newest.changes, NAMES)
    hashes = frame(spark, "id string", ("fix-1",), ("fix-2",)).withColumn("hash", F.xxhash64("id"))
    drawn = hashes.orderBy("hash").collect()[0].id
    assert ids(examples.corrections) == [drawn, "fix-3"]
    assert ids(examples.work_list) == ["ask-2", "ask-1", "odd-1", "fix-3", "ask-3", "odd-2", "odd-3"]
    assert ids(examples.referrals) == ["ask-2", "ask-1", "ask-3"]
    assert ids(examples.mismatches) == ["odd-1", "ask-1"]
    assert ids(examples.others) == ["odd-2", "odd-3"]
    assert sorted(examples.listing_ids) == sorted(
        {drawn, "fix-3", "ask-1", "ask-2", "ask-3", "odd-1", "odd-2", "odd-3"}
    )


def test_an_example_has_all_details_of_the_listing(warehouse: Warehouse) -> None:
    snapshot = find_snapshot(warehouse, None)
    examples = read_examples(snapshot, [], NAMES)
    assert examples.work_list[1] == Example(
        listing_id="ask-1",
        title="title of ask-1",
        seller_id="s-1",
        seller_category=BOOTS,
        shown_category=BOOTS,
        confidence=0.1,
        suggestions=((SHOES, 0.85), (BOOTS, 0.1)),
        reasons=(Reason.IMAGE_MISMATCH, Reason.WRONG_CATEGORY),
        priority=0.9,
        text=(BOOTS, 0.9),
        image=(BAGS, 0.7),
        image_status="ok",
    )
    assert examples.work_list[1].suggestion == (SHOES, 0.85)
    assert examples.work_list[4].suggestion == (BOOTS, 0.3)


def test_pictures_are_small_and_of_the_published_moment(warehouse: Warehouse) -> None:
    got = read_thumbnails(find_snapshot(warehouse, None), ["fix-1", "odd-2", "fine"], load_settings("test"))
    assert set(got) == {"fix-1", "fine"}
    small = Image.open(io.BytesIO(got["fix-1"]))
    assert (small.format, small.size) == ("JPEG", (160, 120))
    assert small.getpixel((80, 60)) == pytest.approx((200, 30, 30), abs=4)


def test_the_report_gives_a_page_or_json_and_does_not_change_the_warehouse(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    assert warehouse.folder is not None
    before = sorted(warehouse.folder.rglob("*"))
    file = tmp_path / "report.html"
    code, out, _ = call("--warehouse", warehouse.location, "--html", str(file), "--json")
    assert code == 0
    got = json.loads(out)
    assert (got["run_id"], got["listings"], got["corrected"], got["referred"]) == (SECOND, 10, 3, 3)
    assert got["category_error_rate_before_by_model"] == {"value": 0.4, "lower": None, "upper": None}
    assert got["category_error_rate_before"] == {"value": 0.5, "lower": 0.45, "upper": 0.55}
    assert got["most frequent corrections"][1] == {"from": None, "to": "bags", "listings": 1}
    assert [row["listing_id"] for row in got["top of the work list"]][:2] == ["ask-2", "ask-1"]
    assert got["html"] == str(file)
    page = file.read_text(encoding="utf-8")
    assert html.escape(TITLE) in page.replace("&#34;", "&quot;")
    assert "<script" not in page
    assert not re.search(r"(src|href)=.?https?:", page)
    assert page.count("data:image/jpeg;base64,") == len(re.findall("<img ", page)) == 8
    assert page.count("No picture to show: cannot be read") == 1
    assert sorted(warehouse.folder.rglob("*")) == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_letter_says_what_was_changed_and_an_unknown_seller_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "letter.html"
    words = ("--warehouse", warehouse.location, "--seller")
    code, out, _ = call(*words, " s-1", "--html", str(file), "--json")
    got = json.loads(out)
    assert (code, got["run_id"], got["listings"], got["changed"]) == (0, SECOND, 10, 3)
    # The audit is no fault of a listing, and one item is answered.
    assert got["flagged"] == {
        "image_mismatch": 2,
        "wrong_category": 2,
        "corrupt_image": 1,
        "low_confidence": 1,
        "missing_title": 1,
        "sensitive_category": 1,
    }
    letter = " ".join(got["letter"].split())
    first = "title of fix-2 (fix-2): from Boots to Shoes. Text and picture both suggest Shoes (90.0% and 80.0%)."
    assert f"of these had no category. - {first} - title of fix-1 (fix-1): from Boots to Shoes." in letter
    assert "You chose Boots, we show Shoes: 2 listings." in letter
    assert "in the last 30 days" not in letter, "the trend is within chance"
    assert html.escape(TITLE) in file.read_text(encoding="utf-8").replace("&#34;", "&quot;")
    code, _, errors = call(*words, "S-1")
    assert code == 2
    assert f"--seller 'S-1': the publication of {SECOND} has no listing of this seller. Write the id as" in errors


def test_a_run_that_published_nothing_is_refused(warehouse: Warehouse) -> None:
    code, _, errors = call("--warehouse", warehouse.location, "--run", FAILED)
    assert code == 2
    assert f"run {FAILED!r} was not published; the newest publication is {SECOND}" in errors


def test_without_a_publication_the_next_step_is_named(warehouse: Warehouse, tmp_path: Path) -> None:
    code, _, errors = call("--warehouse", str(tmp_path / "new"))
    assert code == 2
    assert "catalog-cleaner ingest" in errors
    half = open_warehouse(warehouse.spark, str(tmp_path / "half"))
    for name in ("listings", "taxonomy"):
        warehouse.spark.read.load(f"{warehouse.location}/{name}").write.format("delta").save(f"{half.location}/{name}")
    code, _, errors = call("--warehouse", half.location)
    assert code == 2
    assert "catalog-cleaner nightly --run-date" in errors


def test_a_file_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    code, _, errors = call("--warehouse", str(tmp_path / "w"), "--html", str(tmp_path / "missing" / "r.html"))
    assert code == 2
    assert "there is no folder" in errors
    code, _, errors = call("--warehouse", str(tmp_path / "w"), "--html", str(tmp_path))
    assert code == 2
    assert "is a folder" in errors
