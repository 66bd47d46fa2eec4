"""A small warehouse with two publications, written from literal rows in the way of a run."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from jobs.lifecycle.pins import Pins
from jobs.lifecycle.run_log import RunRecord, record
from jobs.warehouse.tables import Warehouse
from schemas.tables import LISTINGS, TABLES, TAXONOMY, Table

FIRST, SECOND, FAILED = (f"nightly-2026-03-0{day}-1" for day in (1, 2, 3))
TITLE = '<script>alert("x")</script> Trail & Road'

Rows = Sequence[Mapping[str, Any]]

CATEGORIES = (("boots", "Boots", False), ("shoes", "Shoes", False), ("bags", "Bags", False), ("bras", "Bras", True))


def picture(colour: tuple[int, int, int]) -> bytes:
    """A PNG of 400 x 300 pixels."""
    out = io.BytesIO()
    Image.new("RGB", (400, 300), colour).save(out, "PNG")
    return out.getvalue()


def listing(
    listing_id: str, seller: str | None, ours: str, action: str = "kept", confidence: float = 0.99, **more: object
) -> dict[str, Any]:
    """A row with the columns of listings, clean_listings and predictions."""
    return {
        "listing_id": listing_id,
        "title": f"title of {listing_id}",
        "category": seller,
        "seller_id": "s-1",
        "content_hash": "h",
        "effective_category": ours,
        "category_action": action,
        "category_source": "model" if action == "corrected" else "seller",
        "category_confidence": confidence,
        "model_version": "7",
        "text_category": ours,
        "text_confidence": 0.9,
        "image_category": ours,
        "image_confidence": 0.8,
        "image_status": "ok",
        "image": picture((200, 30, 30)),
        **more,
    }


CATALOGUE: Rows = (
    listing("fix-1", "boots", "shoes", "corrected", 0.97),
    listing("fix-2", "boots", "shoes", "corrected", 0.995),
    listing("fix-3", None, "bags", "corrected", 0.6, title=TITLE),
    listing("ask-1", "boots", "boots", "referred", 0.1, image_category="bags", image_confidence=0.7),
    listing("ask-2", "bras", "bras", "referred", 0.05),
    listing("ask-3", "shoes", "shoes", "referred", 0.7),
    listing("odd-1", "shoes", "shoes", image_category="bags", image_confidence=0.95),
    listing("odd-2", "boots", "boots", image_status="corrupt", image=b"no picture"),
    listing("odd-3", "boots", "boots", title=None),
    listing("fine", "bags", "bags"),
)


def flag(listing_id: str, priority: float, *reasons: str, status: str = "open", **suggested: float) -> dict[str, Any]:
    return {
        "listing_id": listing_id,
        "priority": priority,
        "reasons": sorted(reasons),
        "status": status,
        "suggested_categories": list(suggested.items()),
    }


FLAGS: Rows = (
    flag("ask-1", 0.9, "wrong_category", "image_mismatch", shoes=0.85, boots=0.1),
    flag("ask-2", 0.95, "wrong_category", "sensitive_category", shoes=0.95, bras=0.05),
    flag("ask-3", 0.3, "low_confidence", shoes=0.7, boots=0.3),
    flag("odd-1", 0.45, "image_mismatch", shoes=0.99),
    flag("odd-2", 0.3, "corrupt_image", boots=0.99),
    flag("odd-3", 0.3, "missing_title", boots=0.99),
    flag("fix-3", 0.35, "audit_sample", bags=0.6),
    flag("fine", 0.99, "wrong_category", "audit_sample", status="rejected", bags=0.9),
)


def metric(
    name: str, value: float, dimension: str = "all", segment: str = "all", count: int = 10, source: str | None = None
) -> dict[str, Any]:
    """A metric of an earlier version, which had bounds and no source, or of the given source."""
    return {
        "metric": name,
        "dimension": dimension,
        "segment": segment,
        "value": value,
        "numerator": value * count,
        "denominator": float(count),
        "lower": value - 0.05,
        "upper": value + 0.05,
        "source": source,
    }


def metrics(before: float, left: float, corrected: float) -> Rows:
    """The metrics of a night with ten listings."""
    return (
        {"metric": "listings", "dimension": "all", "segment": "all", "value": 10.0, "numerator": 10.0},
        metric("expected_error_before", before),
        metric("expected_error_left", left),
        metric("corrected_share", corrected),
        metric("referred_share", 0.3),
        metric("kept_share", 0.4),
        metric("flagged_share", 0.6),
        metric("mean_correction_confidence", 0.855, count=3),
        metric("mean_quality_score", 87.5),
        *(metric("expected_error_before", value, "category", code, 3) for code, value in BEFORE.items()),
        *(metric("expected_error_left", value, "category", code, 3) for code, value in LEFT.items()),
        metric("image_status_share", 0.9, "image_status", "ok"),
        metric("image_status_share", 0.1, "image_status", "corrupt"),
        metric("image_status_share", 0.0, "image_status", "blank"),
    )


AUDITED: Rows = (
    {"metric": "audited_listings", "dimension": "all", "segment": "all", "value": 4.0, "numerator": 4.0},
    metric("audited_error_before", 0.5, source="audit"),
    metric("audited_error_left", 0.25, source="audit"),
    {**metric("wrong_label_share", 0.45, source="evidence"), "basis": "sellers, at least", "upper": None},
)
BEFORE = {"boots": 0.5, "shoes": 0.4, "bags": 0.2}
LEFT = {"boots": 0.1, "shoes": 0.3, "bags": 0.2}
SELLERS: Rows = (
    {
        "seller_id": "s-1",
        "listings": 9,
        "error_rate": 0.4,
        "lower": 0.3,
        "upper": 0.5,
        "mistakes": [("boots", "shoes", 2)],
        "trend": 0.1,
        "trend_lower": -0.1,
        "trend_upper": 0.3,
    },
    {"seller_id": "s-2", "listings": 1, "error_rate": 0.6, "lower": 0.1, "upper": 0.9},
)


class Writer:
    """Writes a warehouse's tables and counts the version of each without asking Delta."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.versions: dict[str, int] = {}

    def write(self, table: Table, values: Rows, mode: str = "overwrite") -> None:
        """Write one commit."""
        rows = [tuple(value.get(name) for name in table.names) for value in values]
        frame = self.warehouse.spark.createDataFrame(rows, table.ddl).coalesce(1)
        frame.write.format("delta").mode(mode).save(f"{self.warehouse.location}/{table.name}")
        self.versions[table.name] = self.versions.get(table.name, -1) + 1

    def night(self, run_id: str, tables: Mapping[str, Rows], seconds: int, published: bool = True) -> None:
        """Write a run's tables (states are overwritten, facts appended), and then its row in runs."""
        date = dt.date.fromisoformat(run_id.removeprefix("nightly-")[:10])
        began = dt.datetime(date.year, date.month, date.day, 2, tzinfo=dt.UTC)
        for name, values in tables.items():
            table = TABLES[name]
            stamped = [{**value, "job": "nightly", "run_id": run_id, "run_date": date} for value in values]
            self.write(table, stamped, "append" if table.kind == "fact" else "overwrite")
        pins = Pins("7", self.versions[LISTINGS.name], self.versions[TAXONOMY.name], None, None)
        ended = RunRecord(
            run_id=run_id,
            job="nightly",
            run_date=date,
            status="published" if published else "failed",
            settings_hash="settings",
            counts={"rows_in": 10, "rows_current": 2, "rows_unchanged": 8},
            started_at=began,
            finished_at=began + dt.timedelta(seconds=seconds),
            pins=pins,
            published_versions=self.versions if published else None,
        )
        record(self.warehouse, ended)


def write_published(warehouse: Warehouse) -> None:
    """Write two publications, then listings of a later delivery and an unfinished run."""
    writer = Writer(warehouse)
    writer.write(TAXONOMY, [{"category": c, "label": label, "sensitive": s} for c, label, s in CATEGORIES])
    writer.write(LISTINGS, CATALOGUE)
    before = [{**row, "category_action": "kept", "effective_category": row["category"] or "bags"} for row in CATALOGUE]
    first: dict[str, Rows] = {
        "predictions": CATALOGUE,
        "clean_listings": before,
        "flagged_items": FLAGS[3:4],
        "sellers": SELLERS[1:],
        "quality_metrics": metrics(0.5, 0.4, 0.0),
    }
    writer.night(FIRST, first, seconds=90)
    events = (("fix-1", "begun", "shoes"), ("fix-2", "begun", "shoes"), ("fix-3", "changed", "bags"))
    second: dict[str, Rows] = {
        "corrections": [{"listing_id": i, "event": e, "corrected_category": c} for i, e, c in events],
        "clean_listings": CATALOGUE,
        "flagged_items": FLAGS,
        "sellers": SELLERS,
        "quality_metrics": (*metrics(0.4, 0.2, 0.3), *AUDITED),
    }
    writer.night(SECOND, second, seconds=30)
    writer.write(LISTINGS, [{**row, "image": picture((0, 0, 255))} for row in CATALOGUE])
    half: dict[str, Rows] = {"clean_listings": [], "flagged_items": [], "quality_metrics": metrics(0.9, 0.9, 0.9)}
    writer.night(FAILED, half, seconds=5, published=False)
