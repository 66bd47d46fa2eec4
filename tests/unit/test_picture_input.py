"""Every kind of bad or unusual picture becomes a status on its row, and the rows beside it are encoded."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from benchmarks.fuzz_pictures import damaged, judge, seed_pictures
from udfs import pictures
from udfs.encoders.picture_encoder import PictureEncoder
from udfs.encoders.spec import EncoderSpec
from udfs.picture_features import Encoding, encode_batches
from udfs.picture_formats import FORMATS
from udfs.pictures import resize_to_rgb, to_rgb

SIZE = 16
ENCODER = PictureEncoder(EncoderSpec("mean", 1, "0" * 64, SIZE, 3), lambda pixels: pixels.mean(axis=(1, 2)))
MAX_BYTES = 20_000_000


def noise(width: int = 40, height: int = 30, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(4).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values).convert(mode)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def encoding(prefixes: tuple[str, ...] = (), max_pixels: int = 1_000_000) -> Encoding:
    return Encoding(SIZE, 64, 1, prefixes, MAX_BYTES, max_pixels, 4.0)


def statuses(rows: Sequence[tuple[bytes | None, str | None]], parameters: Encoding) -> list[str]:
    """The statuses of the rows, which lie between two good pictures; the good ones must have vectors."""
    good = (saved(noise()), None)
    rows = (good, *rows, good)
    batch = pa.RecordBatch.from_pydict(
        {
            "listing_id": [f"L{i}" for i in range(len(rows))],
            "content_hash": ["hash"] * len(rows),
            "image_uri": pa.array([uri for _, uri in rows], pa.string()),
            "image": pa.array([image for image, _ in rows], pa.binary()),
        }
    )
    (found,) = encode_batches([batch], lambda: ENCODER, parameters)
    columns = found.to_pydict()
    for status, vector in zip(columns["image_status"], columns["vector"], strict=True):
        assert (status == "ok") == (vector is not None)
    assert columns["image_status"][0] == columns["image_status"][-1] == "ok"
    return list(columns["image_status"][1:-1])


def animation() -> bytes:
    return saved(noise(), "GIF", save_all=True, append_images=[noise().rotate(90)])


def on_its_side() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(noise(), "JPEG", exif=exif)


def not_a_number() -> bytes:
    values = np.random.default_rng(4).normal(size=(30, 40)).astype(np.float32)
    values[3:9] = np.nan
    values[20, 3], values[20, 4] = np.inf, -np.inf
    return saved(Image.fromarray(values), "TIFF")


def many_scans() -> bytes:
    """A JPEG whose last scan, of a few bytes, is repeated: each goes through all pixels."""
    data = saved(Image.new("RGB", (800, 800)), "JPEG", progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 500 + data[-2:]


def large_icon() -> bytes:
    """An icon of 16 x 16 pixels by its header, and of many more inside."""
    inside = saved(Image.new("1", (5000, 5000)))
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(inside), 22) + inside


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: saved(noise(), "JPEG")[:-300], "corrupt"),
        (lambda: saved(noise())[:-300], "corrupt"),
        (lambda: np.random.default_rng(1).bytes(5000), "corrupt"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9'/></svg>", "unsupported_format"),
        (lambda: b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>", "unsupported_format"),
        (lambda: b"", "missing"),
        (lambda: saved(Image.new("1", (20_000, 20_000))), "too_large"),
        (many_scans, "too_large"),
        (large_icon, "unsupported_format"),
        (lambda: saved(noise()) + bytes(100_000_000), "too_large"),
        (lambda: saved(Image.new("RGB", (40, 30), (9, 9, 9))), "blank"),
        (lambda: saved(noise(4, 1).resize((30_000, 1))), "ok"),
        (lambda: saved(noise(1, 4).resize((1, 30_000)), "JPEG"), "ok"),
        (animation, "ok"),
        (lambda: saved(noise(mode="CMYK"), "JPEG"), "ok"),
        (lambda: saved(Image.fromarray(np.asarray(noise(mode="L"), np.uint16) * 200)), "ok"),
        (not_a_number, "ok"),
        (lambda: saved(noise(mode="P"), transparency=b"\x00\xff" * 99), "ok"),
        (on_its_side, "ok"),
    ],
    ids=[
        "truncated JPEG", "truncated PNG", "random bytes", "SVG", "HTML", "zero bytes", "bomb", "many scans", "icon",
        "100 MB", "one colour", "30,000 x 1", "1 x 30,000", "animated", "CMYK", "16-bit", "NaN", "transparent palette",
        "EXIF rotation",
    ],
)  # fmt: skip
def test_each_picture_has_a_status_and_its_neighbours_are_encoded(make: Callable[[], bytes], status: str) -> None:
    assert statuses([(make(), None)], encoding()) == [status]


def test_each_file_has_a_status_and_its_neighbours_are_encoded(tmp_path: Path) -> None:
    inside = tmp_path / "pictures"
    inside.mkdir()
    (tmp_path / "secret.png").write_bytes(saved(noise()))
    (inside / "a.png").write_bytes(saved(noise()))
    (inside / "link.png").symlink_to(tmp_path / "secret.png")
    (inside / "empty.png").touch()
    with (inside / "huge.png").open("wb") as huge:
        huge.truncate(100_000_000)
    expected = {
        "a.png": "ok",
        "link.png": "not_allowed",
        "../secret.png": "not_allowed",
        f"file://{tmp_path}/secret.png": "not_allowed",
        "file:///etc/passwd": "not_allowed",
        "http://169.254.169.254/latest/meta-data": "not_allowed",
        "https://shop.example/a.png": "not_allowed",
        "data:image/png;base64,AAAA": "not_allowed",
        "s3://other/a.png": "not_allowed",
        "a" * 10_000: "not_found",
        "empty.png": "missing",
        "huge.png": "too_large",
        "gone.png": "not_found",
    }
    assert statuses([(None, uri) for uri in expected], encoding((str(inside),))) == list(expected.values())


def test_an_uncompressed_tiff_of_many_tiny_strips_takes_no_list_of_them() -> None:
    strips = 200_000
    entries = {256: 1, 257: strips, 258: 8, 259: 1, 262: 1, 277: 1, 278: 1}
    table, start = struct.pack("<H", len(entries) + 2), 8 + 2 + 12 * (len(entries) + 2) + 4
    for tag, value in entries.items():
        table += struct.pack("<HHII", tag, 4, 1, value)
        if tag == 262:
            table += struct.pack("<HHII", 273, 4, strips, start)
    table += struct.pack("<HHII", 279, 4, strips, start + 4 * strips) + bytes(4)
    data = b"II*\0" + struct.pack("<I", 8) + table + struct.pack("<I", 8) * strips + struct.pack("<I", 1) * strips
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        assert image.size == (1, strips)
        assert len(image.tile) == 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1", "CMYK", "I;16", "F"])
def test_strips_change_nothing(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = Image.fromarray(np.random.default_rng(5).integers(0, 60_000, (397, 301), np.uint16))
    image = deep if mode == "I;16" else noise(301, 397, mode)
    if mode == "P":
        image.info["transparency"] = b"\x00\x80" * 99
    whole = to_rgb(image).resize((31, 23), Image.Resampling.BILINEAR, reducing_gap=2.0)
    monkeypatch.setattr(pictures, "_STRIP_PIXELS", 5000)
    assert (np.asarray(resize_to_rgb(image, (31, 23), Image.Resampling.BILINEAR)) == np.asarray(whole)).all()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_pictures_have_a_status() -> None:
    seeds = seed_pictures()
    found = [judge(data) for data in seeds]
    assert found == ["ok"] * len(seeds)
    found = [judge(damaged(seeds, number)) for number in range(300)]
    assert {"ok", "corrupt"} <= set(found) <= {"ok", "corrupt", "blank", "too_large", "missing"}
