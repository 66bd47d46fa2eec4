from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

from udfs.thumbnails import make_thumbnails, thumbnail


def encoded(size: tuple[int, int], colour: object = (200, 30, 30), kind: str = "PNG", mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind)  # type: ignore[arg-type]
    return out.getvalue()


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(data))


def test_a_large_picture_becomes_a_small_jpeg_of_its_own_proportions() -> None:
    small = opened(thumbnail(encoded((800, 400)), 160, 10**6))
    assert (small.format, small.size, small.mode) == ("JPEG", (160, 80), "RGB")
    assert small.getpixel((80, 40)) == pytest.approx((200, 30, 30), abs=4)


def test_a_small_picture_is_not_enlarged() -> None:
    assert opened(thumbnail(encoded((60, 80), kind="JPEG"), 160, 10**6)).size == (60, 80)


def test_transparency_is_shown_over_white() -> None:
    small = opened(thumbnail(encoded((20, 20), (0, 0, 0, 0), mode="RGBA"), 160, 10**6))
    assert small.getpixel((10, 10)) == pytest.approx((255, 255, 255), abs=3)


@pytest.mark.parametrize("data", [None, b"", b"no picture at all", encoded((60, 80))[:60]])
def test_data_that_is_no_picture_gives_none(data: bytes | None) -> None:
    assert thumbnail(data, 160, 10**6) is None


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    assert thumbnail(encoded((100, 101)), 160, 10_000) is None
    assert thumbnail(encoded((100, 100)), 160, 10_000) is not None


def test_bytes_are_preferred_and_uris_need_an_allowed_prefix(tmp_path: Path) -> None:
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    for folder in (allowed, other):
        folder.mkdir()
        (folder / "a.png").write_bytes(encoded((30, 40)))
    shrink = make_thumbnails(160, 10**6, (str(allowed),), 10**6)
    batch = pa.RecordBatch.from_pydict(
        {
            "listing_id": ["bytes", "uri", "elsewhere", "nothing", "broken"],
            "image": [encoded((10, 10)), None, None, None, b"broken"],
            "image_uri": [None, str(allowed / "a.png"), str(other / "a.png"), None, str(allowed / "a.png")],
        }
    )
    (got,) = shrink([batch])
    sizes = {row["listing_id"]: opened(row["thumbnail"]).size if row["thumbnail"] else None for row in got.to_pylist()}
    assert sizes == {"bytes": (10, 10), "uri": (30, 40), "elsewhere": None, "nothing": None, "broken": None}
