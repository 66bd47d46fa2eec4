from __future__ import annotations

import os
from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem

from conf.load import load_settings
from schemas.reasons import ImageStatus
from udfs import picture_uris
from udfs.picture_uris import locate, read_uri


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"picture a")
    (folder / "deep" / "b c.jpg").write_bytes(b"picture b")
    (folder / "100%2e.jpg").write_bytes(b"percent")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "pictures-of-others").mkdir()
    (tmp_path / "pictures-of-others" / "a.jpg").write_bytes(b"secret")
    return folder


def test_paths_and_file_uris_under_a_prefix_are_read(pictures: Path) -> None:
    for prefix in (str(pictures), f"{pictures}/", f"file://{pictures}"):
        for uri, content in {
            f"{pictures}/a.jpg": b"picture a",
            f"file://{pictures}/a.jpg": b"picture a",
            f"file://{pictures}/deep/b%20c.jpg": b"picture b",
            f"{pictures}/deep/b c.jpg": b"picture b",
            f"{pictures}/deep/../a.jpg": b"picture a",
            f"{pictures}/100%2e.jpg": b"percent",
            "deep/b c.jpg": b"picture b",
        }.items():
            assert read_uri(uri, (prefix,), 100) == (content, ImageStatus.OK), (prefix, uri)


def test_nothing_outside_a_prefix_is_read(pictures: Path) -> None:
    (pictures / "link.jpg").symlink_to(pictures.parent / "secret")
    (pictures / "up").symlink_to(pictures.parent)
    outside = [
        f"{pictures.parent}/secret",
        f"{pictures}/../secret",
        f"{pictures}/deep/../../secret",
        "../secret",
        f"file://{pictures}/%2e%2e/secret",
        f"file://{pictures}/..%2fsecret",
        f"file://elsewhere{pictures}/a.jpg",
        f"{pictures}/link.jpg",
        f"{pictures}/up/secret",
        f"{pictures.parent}/pictures-of-others/a.jpg",
        f"http://localhost{pictures}/a.jpg",
        f"{pictures}",
        f"{pictures}/a.jpg\0",
        "",
    ]
    for uri in outside:
        assert read_uri(uri, (str(pictures),), 100) == (None, ImageStatus.NOT_ALLOWED), uri


def test_without_prefixes_nothing_is_read(pictures: Path) -> None:
    assert read_uri(f"{pictures}/a.jpg", (), 100) == (None, ImageStatus.NOT_ALLOWED)


def test_a_picture_that_cannot_be_read_has_a_status(pictures: Path) -> None:
    os.mkfifo(pictures / "pipe.jpg")
    (pictures / "empty.jpg").touch()
    for name, status in {
        "absent.jpg": ImageStatus.NOT_FOUND,
        "a.jpg/b.jpg": ImageStatus.NOT_FOUND,
        "deep": ImageStatus.NOT_FOUND,
        "pipe.jpg": ImageStatus.NOT_FOUND,
        "empty.jpg": ImageStatus.MISSING,
        "a.jpg": ImageStatus.TOO_LARGE,
    }.items():
        assert read_uri(f"{pictures}/{name}", (str(pictures),), 8) == (None, status), name


def test_a_picture_in_an_unmounted_folder_is_unreadable_and_not_missing(tmp_path: Path) -> None:
    store = tmp_path / "store"
    picture = f"{store}/a.jpg"
    assert read_uri(picture, (str(store),), 100) == (None, ImageStatus.UNREADABLE)
    store.mkdir()
    assert read_uri(picture, (str(store),), 100) == (None, ImageStatus.UNREADABLE)
    (store / "b.jpg").write_bytes(b"another picture")
    assert read_uri(picture, (str(store),), 100) == (None, ImageStatus.NOT_FOUND)
    (store / "a.jpg").write_bytes(b"picture a")
    assert read_uri(picture, (str(store),), 100) == (b"picture a", ImageStatus.OK)


@pytest.mark.parametrize("error", [PermissionError("denied"), TimeoutError("timed out"), OSError("I/O error")])
def test_a_local_file_that_cannot_be_read_now_may_be_read_later(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def fail(*_: object) -> int:
        raise error

    with monkeypatch.context() as failing:
        failing.setattr(os, "open", fail)
        assert read_uri("a.jpg", (str(pictures),), 100) == (None, ImageStatus.UNREADABLE)
    assert read_uri("a.jpg", (str(pictures),), 100) == (b"picture a", ImageStatus.OK)


def test_a_remote_file_is_not_found_or_unreadable_depending_on_the_error(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefixes = ("s3://shop/pictures",)
    with monkeypatch.context() as answering:
        answering.setattr(picture_uris, "_storage", lambda _: (LocalFileSystem(), str(pictures)))
        assert read_uri("s3://shop/pictures/a.jpg", prefixes, 100) == (b"picture a", ImageStatus.OK)
        assert read_uri("s3://shop/pictures/absent.jpg", prefixes, 100) == (None, ImageStatus.NOT_FOUND)
    with monkeypatch.context() as without_bucket:
        without_bucket.setattr(picture_uris, "_storage", lambda _: (LocalFileSystem(), f"{pictures}/no-such-bucket"))
        assert read_uri("s3://shop/pictures/a.jpg", prefixes, 100) == (None, ImageStatus.UNREADABLE)

    def refuse(_: str) -> None:
        raise OSError("could not connect")

    monkeypatch.setattr(picture_uris, "_storage", refuse)
    assert read_uri("s3://shop/pictures/a.jpg", prefixes, 100) == (None, ImageStatus.UNREADABLE)


def test_a_remote_uri_gives_only_its_key_below_the_prefix() -> None:
    prefixes = ("s3://shop/pictures",)
    assert locate("s3://shop/pictures/a/b.jpg", prefixes) == ("s3://shop/pictures/", "a/b.jpg")
    assert locate("a.jpg", prefixes) == ("s3://shop/pictures/", "a.jpg")
    for uri in (
        "s3://shop/picturesque/a.jpg",
        "s3://other/pictures/a.jpg",
        "s3://shop/pictures/../secret",
        "s3://shop/pictures/%2e%2e/secret",
        "s3://shop/pictures/%252e%252e/secret",
        "s3://shop/pictures//a.jpg",
        "/etc/passwd",
        "gs://shop/pictures/a.jpg",
    ):
        assert locate(uri, prefixes) is None, uri


def test_s3a_is_s3() -> None:
    """Spark calls the store s3a, PyArrow s3."""
    for prefix in ("s3://shop/pictures", "s3a://shop/pictures/"):
        for uri in ("s3://shop/pictures/a.jpg", "s3a://shop/pictures/a.jpg", "a.jpg"):
            assert locate(uri, (prefix,)) == ("s3://shop/pictures/", "a.jpg")
        assert locate("s3a://other/pictures/a.jpg", (prefix,)) is None
        assert locate("xs3a://shop/pictures/a.jpg", (prefix,)) is None
    assert load_settings("local", ["ingest.image_prefixes=[s3a://shop/pictures]"]).ingest.image_prefixes


class Clock:
    """A clock that only the reads move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def dead_store(monkeypatch: pytest.MonkeyPatch) -> tuple[Clock, list[str]]:
    """A store that fails after 90 seconds a read; the keys that it was asked for."""
    clock, asked = Clock(), list[str]()
    monkeypatch.setattr(picture_uris, "time", clock)
    monkeypatch.setattr(picture_uris, "_pauses", picture_uris._Pauses())

    def hang(_: str, key: str) -> None:
        asked.append(key)
        clock.now += 90.0
        raise OSError("timeout was reached")

    monkeypatch.setattr(picture_uris, "_open", hang)
    return clock, asked


def test_a_dead_store_costs_minutes_and_not_a_time_out_for_each_picture(dead_store: tuple[Clock, list[str]]) -> None:
    clock, asked = dead_store
    for number in range(10_000):
        assert read_uri(f"{number}.jpg", ("s3://shop/pictures",), 100) == (None, ImageStatus.UNREADABLE)
    assert asked == ["0.jpg", "1.jpg", "2.jpg"]
    assert clock.now == 1270.0
    clock.now += 61.0
    read_uri("later.jpg", ("s3://shop/pictures",), 100)
    read_uri("too soon.jpg", ("s3://shop/pictures",), 100)
    assert asked[3:] == ["later.jpg"]


def test_only_the_dead_store_is_left_alone_and_it_may_come_back(
    dead_store: tuple[Clock, list[str]], pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, _ = dead_store
    prefixes = ("s3://shop/pictures",)
    for number in range(4):
        read_uri(f"{number}.jpg", prefixes, 100)
    monkeypatch.setattr(picture_uris, "_open", lambda *_: (pictures / "a.jpg").open("rb"))
    assert read_uri("gs://other/a.jpg", ("gs://other",), 100) == (b"picture a", ImageStatus.OK)
    assert read_uri("a.jpg", prefixes, 100) == (None, ImageStatus.UNREADABLE)
    clock.now += 61.0
    for _ in range(5):
        assert read_uri("a.jpg", prefixes, 100) == (b"picture a", ImageStatus.OK)


def test_files_without_permission_do_not_make_a_store_dead(
    dead_store: tuple[Clock, list[str]], pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: str, key: str) -> object:
        if key == "a.jpg":
            return (pictures / "a.jpg").open("rb")
        raise OSError("access denied")

    monkeypatch.setattr(picture_uris, "_open", answer)
    prefixes = ("s3://shop/pictures",)
    for number in range(9):
        assert read_uri(f"{number}.jpg", prefixes, 100) == (None, ImageStatus.UNREADABLE)
    assert read_uri("a.jpg", prefixes, 100) == (b"picture a", ImageStatus.OK)
    assert not dead_store[1]
