"""Files that are slightly damaged, have unusual metadata or an unusual format."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from benchmarks.fuzz_pictures import HEIC
from udfs.picture_files import without_metadata
from udfs.picture_formats import unsupported_format
from udfs.pictures import decode
from udfs.thumbnails import thumbnail


def drawing(width: int = 400, height: int = 400, mode: str = "RGB") -> Image.Image:
    """Noise, red above and blue below, so that the length of a JPEG grows with its rows."""
    values = np.random.default_rng(2).integers(0, 60, (height, width, 3))
    values[: height // 2, :, 0] += 180
    values[height // 2 :, :, 2] += 180
    return Image.fromarray(values.astype(np.uint8)).convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def status_of(data: bytes) -> tuple[str, str | None]:
    batch = decode([data], height=32, width=32, max_pixels=10**6, blank_deviation=4.0, keep_aspect=True)
    assert (batch.status[0] == "ok") == (thumbnail(data, 32, 10**6) is not None)
    return batch.status[0], batch.formats[0]


def colours(data: bytes) -> tuple[list[int], list[int]]:
    """The colours near the upper and the lower edge."""
    batch = decode([data], height=32, width=32, max_pixels=10**6, blank_deviation=4.0)
    assert batch.status == ["ok"]
    upper, lower = batch.pixels[0, 2:6].mean(axis=(0, 1)), batch.pixels[0, -6:-2].mean(axis=(0, 1))
    return upper.round().astype(int).tolist(), lower.round().astype(int).tolist()


def cut(data: bytes, share: float) -> bytes:
    """A JPEG without the last part of its pixels' data."""
    start = data.rindex(b"\xff\xda")
    return data[: start + int((len(data) - start) * share)]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("height", [400, 1600])
def test_a_jpeg_of_which_almost_all_rows_are_there_is_used(height: int, mode: str) -> None:
    data = saved(drawing(height, height, mode), "JPEG", quality=90)
    assert status_of_large(cut(data, 0.98)) == "ok"
    assert status_of_large(cut(data, 0.90)) == "corrupt"
    assert status_of_large(data[:-2]) == "ok", "only the mark of its end is missing"


def status_of_large(data: bytes) -> str:
    return decode([data], height=64, width=64, max_pixels=10**7, blank_deviation=4.0).status[0]


def test_the_missing_rows_of_a_jpeg_are_cut_off() -> None:
    data = saved(drawing(), "JPEG", quality=90)
    upper, lower = colours(cut(data, 0.97))
    assert upper[0] > 180 > upper[2] + 50
    assert lower[2] > 180 > lower[0] + 50, "neither black nor grey"
    black = Image.new("RGB", (400, 400))
    black.paste(drawing(400, 200), (0, 0))
    assert status_of(cut(saved(black, "JPEG", quality=90), 0.999))[0] == "ok", "black rows count as decoded"


def test_a_progressive_jpeg_that_is_cut_off_is_corrupt() -> None:
    assert status_of(cut(saved(drawing(), "JPEG", progressive=True), 0.5)) == ("corrupt", None)


def test_a_png_with_large_or_damaged_metadata_is_used() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a long description " * 100_000, zip=True)
    large = saved(drawing(), "PNG", pnginfo=text)
    with pytest.raises(ValueError, match="MAX_TEXT_CHUNK"):
        Image.open(io.BytesIO(large)).load()
    assert status_of(large) == ("ok", "PNG")
    plain = saved(drawing(), "PNG")
    chunk = b"iTXt" + b"damaged"
    behind = plain[:33] + struct.pack(">I", 7) + chunk + struct.pack(">I", zlib.crc32(chunk) ^ 1) + plain[33:]
    assert status_of(behind) == ("ok", "PNG")
    assert without_metadata(large) == without_metadata(plain) == plain


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upper, lower = colours(saved(drawing(), "JPEG", exif=exif))
    assert upper[0] > 180 > lower[0]


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12" * 9]
)
def test_damaged_metadata_of_a_jpeg_change_nothing(exif: bytes) -> None:
    data = saved(drawing(), "JPEG")
    damaged = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    assert colours(damaged) == colours(data)


def test_a_heic_file_is_read() -> None:
    upper, lower = colours(HEIC)
    assert upper[0] > 150 > upper[2] + 50
    assert lower[2] > 150 > lower[0] + 50
    assert status_of(HEIC[: len(HEIC) // 2]) == ("corrupt", None)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("SVG", b"<?xml version='1.0'?>\n<!-- drawn -->\n<svg xmlns='http://www.w3.org/2000/svg'></svg>"),
        ("SVG", "\ufeff<svg width='3'/>".encode("utf-16-le")),
        ("HTML", b"\n<!DOCTYPE html>\n<html><body>Not found</body></html>"),
        ("ICO", b"\0\0\1\0\1\0\x10\x10"),
        ("PDF", b"%PDF-1.7\n"),
        ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
        ("PSD", b"8BPS\0\1"),
        ("RAW", b"II*\0\x10\0\0\0CR\2\0"),
        ("RAW", b"\0\0\0\x18ftypcrx "),
        ("MP4", b"\0\0\0\x20ftypisom"),
        ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
        ("ZIP", b"PK\3\4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_format_that_is_not_read_is_named(name: str, data: bytes) -> None:
    assert status_of(data) == ("unsupported_format", name)


@pytest.mark.parametrize("data", [b"", b"\0", b"a plain text about <html>", b"\xff\xd8\xff\xe0 cut off", HEIC[:40]])
def test_a_damaged_file_has_no_format_that_is_not_read(data: bytes) -> None:
    assert unsupported_format(data) is None
