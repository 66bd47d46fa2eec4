from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from udfs.pictures import decode, load_images, to_rgb

SETTINGS: dict[str, Any] = {"height": 8, "width": 6, "max_pixels": 10_000, "blank_deviation": 4.0}


def drawing(width: int = 60, height: int = 80, mode: str = "RGB") -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", (width, height), (200, 30, 40))
    image.paste((20, 40, 220), (0, height // 2, width, height))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def one(data: bytes | None, **changed: float) -> tuple[Any, bool, str]:
    batch = decode([data], **{**SETTINGS, **changed})
    return batch.pixels[0], bool(batch.present[0]), batch.status[0]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "LA"),
        ("PNG", "1"), ("PNG", "I;16"), ("GIF", "P"), ("WEBP", "RGB"), ("WEBP", "RGBA"), ("BMP", "RGB"),
        ("TIFF", "CMYK"), ("TIFF", "F"), ("PPM", "RGB"), ("TGA", "RGB"), ("JPEG2000", "RGB"),
    ],
)  # fmt: skip
def test_formats_and_modes(kind: str, mode: str) -> None:
    deep = Image.fromarray(np.asarray(drawing(mode="L"), np.uint16) * 200)
    pixels, present, status = one(encoded(deep if mode == "I;16" else drawing(mode=mode), kind))
    assert (present, status) == (True, "ok")
    top, bottom = pixels[:3].mean(axis=(0, 1)), pixels[5:].mean(axis=(0, 1))
    if mode in ("RGB", "RGBA", "P", "CMYK"):
        assert top[0] > top[2] + 100, top
        assert bottom[2] > bottom[0] + 100, bottom
    else:
        assert np.abs(top - bottom).max() > 10


@pytest.mark.parametrize("size", [(1, 1), (7, 200), (300, 3), (99, 101)])
def test_any_size_is_stretched(size: tuple[int, int]) -> None:
    pixels, _, status = one(encoded(drawing(*size), "PNG"), blank_deviation=0.0)
    assert status == "ok"
    assert pixels.shape == (8, 6, 3)


@pytest.mark.parametrize("size", [(1, 1), (7, 200), (300, 3), (99, 101), (4, 8)])
def test_a_picture_that_keeps_its_aspect_is_padded_with_white(size: tuple[int, int]) -> None:
    data = encoded(Image.new("RGB", size, (200, 30, 40)), "PNG")
    pixels, _, status = one(data, height=16, width=16, blank_deviation=0.0, keep_aspect=True)
    assert status == "ok"
    red = (pixels == (200, 30, 40)).all(axis=-1)
    assert (red | (pixels == 255).all(axis=-1)).all()
    rows, columns = red.any(axis=1), red.any(axis=0)
    longer = 16 / max(size)
    assert (columns.sum(), rows.sum()) == tuple(max(1, round(n * longer)) for n in size)
    for filled in (rows, columns):
        before, after = int(filled.argmax()), int(filled[::-1].argmax())
        assert after - before in (0, 1), "it is centred"


def test_padding_is_judged_after_turning_and_not_by_the_test_for_blank_pictures() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # on its side
    data = encoded(drawing(400, 200), "JPEG", exif=exif, quality=95)
    pixels, _, _ = one(data, height=40, width=40, max_pixels=10**6, keep_aspect=True)
    assert (pixels[:, :10] == 255).all()
    assert (pixels[:, 30:] == 255).all()
    assert pixels[:, 10:30].std() > 50
    flat = encoded(Image.new("RGB", (60, 80), (20, 20, 20)), "PNG")
    assert one(flat, keep_aspect=True)[2] == "blank"


def test_the_channels_are_red_green_blue() -> None:
    pixels, _, _ = one(encoded(drawing(), "PNG"))
    assert pixels[0, 0].tolist() == [200, 30, 40]
    assert pixels[-1, -1].tolist() == [20, 40, 220]


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    pixels, _, _ = one(encoded(drawing(), "JPEG", exif=exif, quality=95))
    assert pixels[0, 0, 2] > 180
    assert pixels[-1, 0, 0] > 180


def test_transparent_pixels_become_white() -> None:
    image = drawing(mode="RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    assert np.asarray(to_rgb(image)).min() == 255
    assert one(encoded(image, "PNG"))[2] == "blank"


def test_an_animation_gives_its_first_frame() -> None:
    frames = [drawing(mode="P"), Image.new("P", (60, 80))]
    pixels, present, _ = one(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert present
    assert pixels[0, 0, 0] > 180


@pytest.mark.parametrize("data", [None, b""])
def test_no_bytes_are_a_missing_picture(data: bytes | None) -> None:
    pixels, present, status = one(data)
    assert (present, status, pixels.max()) == (False, "missing", 0)


JPEG = encoded(drawing(), "JPEG")
PNG = encoded(drawing(), "PNG")


@pytest.mark.parametrize(
    "data",
    [
        JPEG[: len(JPEG) // 2],
        PNG[: len(PNG) // 2],
        JPEG[:30],
        b"\x00",
        b"not a picture",
        bytes(range(256)) * 20,
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_truncated_and_random_bytes_are_corrupt(data: bytes) -> None:
    pixels, present, status = one(data)
    assert (present, status, pixels.max()) == (False, "corrupt", 0)


def test_random_damage_never_raises() -> None:
    random = np.random.default_rng(7)
    for data in (JPEG, PNG, encoded(drawing(mode="P"), "GIF"), encoded(drawing(), "TIFF"), encoded(drawing(), "WEBP")):
        for _ in range(100):
            damaged = bytearray(data)
            for place in random.integers(0, len(damaged), 8):
                damaged[place] = random.integers(0, 256)
            pixels, present, status = one(bytes(damaged))
            assert present == (status == "ok")
            assert present or pixels.max() == 0


def test_a_postscript_file_is_not_executed() -> None:
    assert one(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\nshowpage\n")[2] == "unsupported_format"


def test_a_flat_colour_is_blank() -> None:
    assert one(encoded(Image.new("RGB", (60, 80), (250, 250, 250)), "JPEG"))[1:] == (False, "blank")


def test_too_many_pixels_are_not_decoded() -> None:
    # 20,000 x 20,000 from a header of a few bytes: decoding it would take 1.2 GB.
    bomb = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    assert one(bomb)[2] == "too_large"
    assert one(encoded(drawing(200, 51), "PNG"))[2] == "too_large"
    assert one(encoded(drawing(200, 50), "PNG"))[2] == "ok"


def test_threads_change_nothing() -> None:
    images = [encoded(drawing(20 + i, 30), "PNG") for i in range(20)] + [None, b"x"]
    alone, together = (decode(images, **SETTINGS, threads=threads) for threads in (1, 4))
    assert (alone.pixels == together.pixels).all()
    assert alone.status == together.status


def test_bytes_come_before_the_uri_and_a_uri_must_be_allowed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "pictures", tmp_path / "else"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.png").write_bytes(PNG)
    uris = [str(inside / "a.png"), str(inside / "a.png"), str(outside / "a.png"), str(inside / "b.png"), None]
    loaded = list(load_images([JPEG, None, None, None, None], uris, (str(inside),), 10**6))
    assert [data for data, _ in loaded] == [JPEG, PNG, None, None, None]
    assert [status for _, status in loaded] == [None, None, "not_allowed", "not_found", None]


def test_the_size_is_that_of_the_header() -> None:
    pictures = [encoded(drawing(60, 81), "JPEG"), b"junk", None, encoded(drawing(200, 90), "PNG")]
    batch = decode(pictures, **SETTINGS)
    assert batch.sizes.tolist() == [[60, 81], [0, 0], [0, 0], [200, 90]]
    assert batch.status[3] == "too_large"
