"""The commands that are killed, each with the warehouse that it finds. A new command is a function and a word more."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
from pyspark.sql import functions as F

from jobs.lifecycle.publications import find_publication
from jobs.lifecycle.run_context import STAGED_ARCHIVES
from jobs.reviewing.answering import Answer, store_answers, undo
from jobs.reviewing.database import Store
from jobs.reviewing.showing import Filters, Reviewer, show_next
from jobs.store import read_published
from schemas.tables import LISTINGS, RUNS
from tests.end_to_end.conftest import Workspace
from tests.web_server import data, web_server

NIGHT = "2026-11-11"
_SERVERS = ExitStack()
"""Web servers that stay until the process ends."""
Words = tuple[str, ...]
Prepare = Callable[[Workspace, Path], Words]
"""Changes a copy of a published warehouse into what the command finds; returns the command's words. Files that they
name are written into the folder."""


def ingest(workspace: Workspace, folder: Path) -> Words:
    """A full delivery: new titles, pictures and categories, a new listing, a missing one and a row without a time."""

    def change(listings: pd.DataFrame) -> pd.DataFrame:
        rows = listings.sort_values("listing_id").iloc[1:].reset_index(drop=True)
        pictures = rows.image.to_numpy(copy=True)
        pictures[[2, 3]] = pictures[[6, 7]]
        rows["image"] = pictures
        rows.loc[:11, "updated_at"] = pd.Timestamp("2026-01-01T10:00:00Z")
        rows.loc[:5, "title"] = rows.title[:6].fillna("") + " again"
        rows.loc[8:11, "category"] = rows.category[8:12].to_numpy()[::-1]
        new = rows.iloc[[0]].assign(listing_id="new-listing")
        broken = rows.iloc[[1]].assign(listing_id="broken", updated_at=None)
        return pd.concat([rows, new, broken], ignore_index=True)

    path = workspace.delivery(folder, change)
    return ("ingest", str(path), "--taxonomy", str(workspace.source / "taxonomy.csv"), "--full")


def nightly(workspace: Workspace, folder: Path) -> Words:
    """A night after a delivery."""
    workspace.run(*ingest(workspace, folder))
    return ("nightly", "--run-date", NIGHT)


def encode(workspace: Workspace, folder: Path) -> Words:
    """New pictures."""
    workspace.run(*ingest(workspace, folder))
    return ("encode",)


def fetch_pictures(workspace: Workspace, folder: Path) -> Words:
    """Pictures at a web server of this process, some of them missing."""
    server = _SERVERS.enter_context(web_server())

    def change(listings: pd.DataFrame) -> pd.DataFrame:
        rows = listings[listings.image.notna()].sort_values("listing_id").head(12).reset_index(drop=True)
        server.routes = {f"/{n}.jpg": data(image) for n, image in enumerate(rows.image) if n % 4}
        rows["image_uri"] = [server.uri(f"/{n}.jpg") for n in range(len(rows))]
        return rows.assign(image=None, updated_at=pd.Timestamp("2026-01-01T10:00:00Z"))

    workspace.ingest(workspace.delivery(folder, change))
    return (
        "fetch-pictures", "--set", f"fetch.hosts=[{server.host}]", "--set", "fetch.networks=[127.0.0.0/8]",
    )  # fmt: skip


def train(_workspace: Workspace, _folder: Path) -> Words:
    """A second model."""
    return ("train",)


def review(workspace: Workspace, folder: Path) -> Words:
    """Decisions about four listings, one of which does not exist."""
    ids = read_published(workspace.warehouse, "flagged_items").orderBy("listing_id").limit(3).toPandas().listing_id
    rows = pd.DataFrame({"listing_id": [*ids, "none-such"], "decision": "skip", "reviewer": "ada"})
    rows["decided_at"] = "2026-11-10T12:00:00Z"
    rows.to_csv(folder / "decisions.csv", index=False)
    return ("review", "apply", str(folder / "decisions.csv"))


def sync(workspace: Workspace, _folder: Path) -> Words:
    """Answers on the review page wait, and one of those that were written before is taken back."""
    noon = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
    ada = Reviewer("window", "page", "ada", "reviewer")
    words = ("review", "sync")
    workspace.run(*words)
    store = Store(workspace.path / "_review")
    for number in range(2):
        shown = show_next(store, ada, Filters(reason="wrong_category"), [], 3, noon)
        store_answers(store, ada, [Answer(each.showing_id, "accept") for each in shown], noon)
        if not number:
            workspace.run(*words)
            undo(store, ada, "undo-1", noon)
    store.close()
    return words


def backfill(workspace: Workspace, folder: Path) -> Words:
    """Two dates after a delivery."""
    workspace.run(*ingest(workspace, folder))
    today = dt.datetime.now(dt.UTC).date()
    return ("backfill", "--from", str(today - dt.timedelta(days=1)), "--to", str(today))


def archive(workspace: Workspace, folder: Path) -> Words:
    """Old listings that were never delivered, as two files, under the catalogue's categories."""
    files = folder / "archive"
    files.mkdir()
    listings = pd.read_parquet(workspace.source / "listings.parquet").drop_duplicates("listing_id").head(40)
    listings["listing_id"] = "old-" + listings.listing_id
    for name, rows in (("a", listings[:20]), ("b", listings[20:])):
        rows.to_parquet(files / f"{name}.parquet", index=False, coerce_timestamps="us")
    return ("backfill", "--listings", str(files))


def apply(workspace: Workspace, folder: Path) -> Words:
    """The listings of one category are judged anew after a delivery, as a publication."""
    workspace.run(*ingest(workspace, folder))
    labels = workspace.warehouse.read(LISTINGS).groupBy("category").count().where("category IS NOT NULL")
    return ("backfill", "--apply", "--category", labels.orderBy(F.desc("count"), "category").collect()[0].category)


def revert(workspace: Workspace, folder: Path) -> Words:
    """The second night is taken back."""
    workspace.run(*nightly(workspace, folder))
    return ("revert", find_publication(workspace.warehouse).run_id)


def corrections(_workspace: Workspace, _folder: Path) -> Words:
    """The model's corrections are stopped."""
    return ("corrections", "off", "--note", "wrong shoes")


def maintain(workspace: Workspace, folder: Path) -> Words:
    """After two nights, with many small files, abandoned ones, and a staged archive that nobody needs."""
    workspace.run(*nightly(workspace, folder))
    return neglected(workspace)


def neglected(workspace: Workspace) -> Words:
    """Work for `maintain`."""
    warehouse = workspace.warehouse
    rows = warehouse.read(RUNS).where("status = 'done'").limit(1)
    for _ in range(22):
        warehouse.append(RUNS, rows)
    warehouse.stage(f"{STAGED_ARCHIVES}of-nobody", rows)
    month_ago = time.time() - 30 * 24 * 3600
    for table in ("predictions", "clean_listings"):
        abandoned = workspace.path / table / "part-00000-abandoned.snappy.parquet"
        abandoned.touch()
        os.utime(abandoned, (month_ago, month_ago))
    return ("maintain",)


def erase(workspace: Workspace, _: Path) -> Words:
    """A listing, and a seller that the model knows."""
    rows = read_published(workspace.warehouse, "clean_listings").where("seller_id IS NOT NULL")
    sellers = rows.groupBy("seller_id").agg(F.min("listing_id"), F.count("*").alias("n")).orderBy("n", "seller_id")
    found = sellers.collect()
    return ("erase", "--listing", found[0][1], "--seller", found[-1].seller_id)


CASES: dict[str, Prepare] = {
    each.__name__: each
    for each in (
        nightly,
        ingest,
        fetch_pictures,
        encode,
        train,
        review,
        sync,
        backfill,
        archive,
        apply,
        revert,
        corrections,
        maintain,
        erase,
    )
}
ALREADY_DONE = "taken back already"
"""What a command that cannot be repeated says if the killed one had done everything."""
ENDS_PUBLICATIONS = ("erase",)
"""Commands that end all publications before they publish, so that readers may find none."""
CLEANS_UP_LATER = ("fetch-pictures", "encode", "train", "backfill")
"""Commands that run beside others, so that what a killed one has left is removed by the next run that locks all:
`maintain` at the latest, which also removes what backfills have staged."""
