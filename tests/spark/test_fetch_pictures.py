"""The pictures of web servers: fetched once, read by the other commands, and erased with their listings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import functions as F
from rich.console import Console

from conf.load import load_settings
from jobs.console.job import Job
from jobs.console.summary import Summary
from jobs.erase import erase
from jobs.fetch_pictures import fetch
from jobs.fetching.picture_folder import PictureFolder
from schemas.errors import UsageError
from schemas.tables import FEATURES, LISTINGS, PICTURE_FETCHES, TAXONOMY
from tests.spark.frames import rows_of
from tests.spark.shop import Shop, picture
from tests.web_server import WebServer, data, status, web_server
from udfs.fetched_pictures import fetched_name


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as found:
        yield found


def run(shop: Shop, server: WebServer, later: dt.timedelta = dt.timedelta(0), limit: int | None = None) -> Summary:
    allowed = (f"fetch.hosts=[{server.host}]", "fetch.networks=[127.0.0.0/8]", "fetch.retries=0")
    return fetch(job(shop, later, *allowed), limit=limit)


def job(shop: Shop, later: dt.timedelta, *overrides: str) -> Job:
    settings, now = load_settings("test", overrides), dt.datetime.now(dt.UTC) + later
    warehouse = shop.warehouse
    return Job("fetch-pictures", settings, warehouse.address, lambda: warehouse, now, Console(quiet=True))


def statuses(shop: Shop) -> dict[str, str]:
    """Last part of the address -> status."""
    rows = shop.warehouse.read(PICTURE_FETCHES).select(F.substring_index("uri", "/", -1).alias("name"), "status")
    return {row.name: row.status for row in rows.collect()}


def test_pictures_are_fetched_once_read_by_encode_and_forgotten(  # noqa: PLR0915 - a session for all of it
    shop: Shop, server: WebServer, tmp_path: Path
) -> None:
    warehouse, week = shop.warehouse, dt.timedelta(days=7)
    assert warehouse.folder is not None
    server.routes = {f"/{red}.png": data(picture(red)) for red in (40, 90, 140, 190)}
    server.routes["/busy.png"] = status(503)
    names = ("40", "90", "140", "190", "gone", "busy")
    shop.add(*((f"shop-item-{name}", f"h-{name}", None, server.uri(f"/{name}.png")) for name in names))
    shop.add(("twin", "h-twin", None, server.uri("/40.png")), ("else", "h-else", None, "https://else.example/a.png"))
    shop.add(("bytes", "h-bytes", picture(60), server.uri("/bytes.png")))
    warehouse.create(TAXONOMY)
    with pytest.raises(UsageError, match=rf"waiting at {server.host} \(6\), else.example:443 \(1\).*fetch.hosts=\["):
        fetch(job(shop, week * 0))
    shop.encode()
    assert dict(shop.stored("image_status"))["shop-item-40"] == "not_fetched"

    first = run(shop, server, limit=2)
    refused = (first.facts["pictures_left"], first.facts["pictures_of_other_hosts"])
    assert (server.asked.total(), refused) in ((2, (5, 0)), (2, (4, 1))), "by the order of the addresses"
    rest = run(shop, server)
    assert statuses(shop) == {
        **dict.fromkeys(("40.png", "90.png", "140.png", "190.png"), "ok"),
        "gone.png": "not_found", "busy.png": "unreadable",
    }  # fmt: skip
    assert set(server.asked.values()) == {1}, "nothing is asked twice"
    assert rest.facts["pictures_of_other_hosts"] == 1
    assert any("else.example:443 (1)" in hint for hint in rest.hints)
    stored = {row.uri: row for row in warehouse.read(PICTURE_FETCHES).collect()}
    listed = warehouse.read(LISTINGS).where("listing_id = 'L40'").collect()[0]
    assert stored[server.uri("/40.png")].sha256 == listed.image_hash, "the same bytes"

    # Statuses that were read before are forgotten, so the pictures are read now, without the server.
    server.routes = {}
    shop.now = dt.datetime.now(dt.UTC)
    shop.encode()
    read = dict(shop.stored("image_status"))
    assert {name: read[f"shop-item-{name}"] for name in names} == {
        "40": "ok", "90": "ok", "140": "ok", "190": "ok", "gone": "not_found", "busy": "not_fetched",
    }  # fmt: skip
    assert (read["twin"], read["else"], read["bytes"]) == ("ok", "not_fetched", "ok")
    assert shop.vector("shop-item-40", "h-40") == shop.vector("L40", "h40")

    # Only those without a picture are asked again, after a while; a run that was killed has left a file without a row.
    server.asked.clear()
    server.routes = {"/busy.png": data(picture(20))}
    warehouse.table(PICTURE_FETCHES).delete(F.col("uri") == server.uri("/190.png"))
    run(shop, server, later=week)
    outside = PictureFolder(str(tmp_path / "outside"))
    outside.keep(server.uri("/140.png"), picture(140))
    moved = F.col("uri") == server.uri("/140.png")
    warehouse.table(PICTURE_FETCHES).update(moved, {"folder": F.lit(str(tmp_path / "outside"))})
    assert server.asked == {"/busy.png": 1, "/gone.png": 1}
    assert statuses(shop)["190.png"] == "ok"
    again = warehouse.read(FEATURES).where("listing_id = 'shop-item-busy'")
    assert rows_of(again, "image_status") == [], "it is read again"

    # A row that is erased may stand in a file with others.
    warehouse.overwrite(PICTURE_FETCHES, warehouse.read(PICTURE_FETCHES).coalesce(1))
    # A listing that goes takes its picture with it, unless another one has the same address.
    warehouse.table(LISTINGS).delete("listing_id = 'shop-item-90'")
    assert run(shop, server).facts["pictures_removed"] == 1
    erasing = Job("erase", load_settings("test"), warehouse.address, lambda: warehouse, shop.now, Console(quiet=True))
    summary = erase(erasing, listing=["shop-item-40", "shop-item-140"])
    assert (summary.facts["pictures_removed"], summary.facts["files_left"]) == (2, 0)
    assert outside.names() == [], "fetch.folder had another value when it was fetched"
    left = {path.name for path in (warehouse.folder / "_pictures").rglob("*") if path.is_file()}
    kept = {name: fetched_name(server.uri(f"/{name}.png"))[3:] for name in ("40", "190", "busy", "gone")}
    assert left == {kept["40"], kept["190"], kept["busy"], f"{kept['gone']}.status", "README"}
    assert set(statuses(shop)) == {"40.png", "190.png", "busy.png", "gone.png"}
    history = [path.read_bytes() for path in Path(warehouse.folder, "picture_fetches").rglob("*") if path.is_file()]
    assert not any(b"/140.png" in content for content in history), "nor does its history name it"
