"""`python -m benchmarks.fuzz_pictures`: damaged pictures of all formats through the functions that run in executors.

Prints the statuses, the slowest file and the memory before and after. A crash or a file over the time limit ends the
program with the file's number; `--first NUMBER --files 1` repeats it.
"""

from __future__ import annotations

import base64
import faulthandler
import io
import time
from collections import Counter
from typing import Annotated

import numpy as np
import psutil
import typer
from PIL import Image

from udfs.near_duplicates import picture_key
from udfs.picture_sizes import picture_size
from udfs.pictures import decode
from udfs.thumbnails import thumbnail

MAX_PIXELS = 4_000_000
HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0004fZDn*}000000000XXk=`10000000000aA{+700000000000000000000B57=IV*mgE07O6l0RR"
    "C200001p#T8@00000001fg001LtX>Mi!000000RR916=`l}WdZ;I000310BCk&F#rGn01j|zbZr0t000010002}X>f9I0002pX>en20001XXm(>m0"
    "RwOV0058x000009`FGC{rLC*01pFT0096PKmiN^|NjGU00093kN^M!000939=ZZRVE_RDDnbDP18@KU0|1Z!00RI30{|YNAb|yz>g1-mxCm%4AOHXZ"
    "10VnZ0{|gn00967L;=Bbz=;3=025<xY;ta6Y<K_x01W^JfB*mh6lrsCWdHyG00000KmY&$KmY&$C}V74Z~y=RKmY&$0RR91FaQ7m0RR9100000"
    "0{{R2@Bjb+0ssI25O8UDX#fBK00RgJ2mk;87-?{AVE_OC000000RRC7fdT^sga7~lGHqmGbN~PVCMW@~6M*G0_y4_7Kh-}!#4=`1pu{iw3O?w2z"
    "o7uJ2KQ#)iw*n"
)
"""A HEIC file of 64 x 48 pixels, red above and blue below: the library that reads them cannot write them."""
_SIDE = 64
_WARM_UP = 2000
"""Files after which memory is measured first: until then, libraries load and allocators grow."""


def main(
    files: Annotated[int, typer.Option("--files", min=1, help="Number of damaged pictures.")] = 10_000,
    first: Annotated[int, typer.Option("--first", min=0, help="Number of the first one.")] = 0,
    limit: Annotated[float, typer.Option("--limit", min=0.1, help="Seconds that a picture may take.")] = 10.0,
) -> None:
    """Decode damaged pictures and print what became of them."""
    faulthandler.enable()
    process, pictures = psutil.Process(), seed_pictures()
    statuses: Counter[str] = Counter()
    slowest, before = (0.0, 0), 0
    for number in range(first, first + files):
        if number - first == min(_WARM_UP, files // 2):
            before = process.memory_info().rss
        if (number - first) % 1000 == 0:
            typer.echo(f"{number:>8,}  {process.memory_info().rss / 2**20:7.1f} MiB", err=True)
        data = damaged(pictures, number)
        # A decoder that hangs holds the interpreter; the watchdog is a thread of its own and ends the process.
        faulthandler.dump_traceback_later(limit, exit=True)
        began = time.perf_counter()
        try:
            statuses[judge(data)] += 1
        except BaseException:
            typer.echo(f"file {number} failed", err=True)
            raise
        slowest = max(slowest, (time.perf_counter() - began, number))
        faulthandler.cancel_dump_traceback_later()
    after = process.memory_info().rss
    typer.echo(f"{files:,} files: {', '.join(f'{name} {count:,}' for name, count in statuses.most_common())}")
    typer.echo(f"slowest: {slowest[0]:.2f} s, file {slowest[1]}")
    typer.echo(f"memory: {before / 2**20:.1f} MiB, then {after / 2**20:.1f} MiB")


def judge(data: bytes) -> str:
    """Send a picture through all functions that open pictures in executors; returns its status."""
    batch = decode([data], height=_SIDE, width=_SIDE, max_pixels=MAX_PIXELS, blank_deviation=4.0, keep_aspect=True)
    shown = thumbnail(data, _SIDE, MAX_PIXELS)
    picture_key(data, MAX_PIXELS, 4.0)
    size = picture_size(data)
    status = batch.status[0]
    assert (status == "ok") == bool(batch.present[0]) == bool(batch.pixels.any())
    if status == "ok":
        assert size is not None
        assert size == tuple(batch.sizes[0])
        assert shown is not None
    return status


def seed_pictures() -> list[bytes]:
    """Pictures of all formats and modes that are read, a few kilobytes each."""
    random = np.random.default_rng(1)
    noise = np.kron(random.integers(0, 256, (12, 9, 3), np.uint8), np.ones((6, 6, 1), np.uint8))
    rgb = Image.fromarray(noise)
    grey = rgb.convert("L")
    rgba = rgb.copy()
    rgba.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey, np.uint16) * 250)
    exif = Image.Exif()
    exif[0x0112] = 6  # on its side
    frames = [rgb.rotate(angle) for angle in (90, 180)]
    animated = {"save_all": True, "append_images": frames}

    def save(image: Image.Image, kind: str, **options: object) -> bytes:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    return [
        save(rgb, "JPEG", quality=85, exif=exif),
        save(rgb, "JPEG", progressive=True),
        save(rgb.convert("CMYK"), "JPEG"),
        save(grey, "JPEG", restart_marker_blocks=4),
        save(rgb, "MPO", save_all=True, append_images=frames[:1]),
        save(rgb, "PNG"),
        save(rgba, "PNG"),
        save(rgb.convert("P"), "PNG", transparency=b"\x00\x80" * 50),
        save(deep, "PNG"),
        save(rgb, "PNG", **animated),
        save(rgb, "GIF", **animated),
        save(rgb.convert("P"), "GIF", interlace=True, transparency=3),
        save(rgba, "WEBP", lossless=True),
        save(rgb, "WEBP", quality=60),
        save(rgb, "WEBP", **animated),
        save(rgb, "AVIF", speed=10),
        HEIC,
        save(rgb, "BMP"),
        save(rgb.convert("P"), "BMP"),
        save(rgb, "TIFF"),
        save(rgba, "TIFF", compression="tiff_lzw"),
        save(rgb.convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
        save(rgb, "TIFF", compression="jpeg"),
        save(deep, "TIFF", compression="packbits"),
        save(grey.convert("F"), "TIFF"),
        save(grey.convert("1"), "TIFF", compression="group4"),
        save(rgb, "JPEG2000", irreversible=True),
        save(rgba, "JPEG2000", tile_size=(32, 32)),
        save(rgb, "PPM"),
        save(rgba, "TGA", compression="tga_rle"),
        save(rgb, "PCX"),
    ]


def damaged(pictures: list[bytes], number: int) -> bytes:
    """One of the pictures with one to three kinds of damage; the same for the same number."""
    random = np.random.default_rng(number)
    data = bytearray(pictures[number % len(pictures)])
    for kind in random.integers(0, len(_DAMAGES), random.integers(1, 4)):
        if data:
            data = _DAMAGES[kind](data, random)
    return bytes(data)


def _flip_bits(data: bytearray, random: np.random.Generator) -> bytearray:
    for place in random.integers(0, len(data), random.integers(1, 20)):
        data[place] ^= 1 << int(random.integers(0, 8))
    return data


def _change_header(data: bytearray, random: np.random.Generator) -> bytearray:
    """Set bytes of the header to values at which lengths and sizes overflow."""
    for place in random.integers(0, min(len(data), 128), random.integers(1, 5)):
        data[place] = int(random.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF]))
    return data


def _change_number(data: bytearray, random: np.random.Generator) -> bytearray:
    """Replace four bytes anywhere, as those of a length."""
    place = int(random.integers(0, len(data)))
    value = int(random.choice([0, 1, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
    data[place : place + 4] = value.to_bytes(4, "big" if random.integers(2) else "little")
    return data


def _truncate(data: bytearray, random: np.random.Generator) -> bytearray:
    return data[: random.integers(0, len(data))]


def _repeat_block(data: bytearray, random: np.random.Generator) -> bytearray:
    start, length = int(random.integers(0, len(data))), int(random.integers(1, 400))
    block = data[start : start + length] * int(random.integers(1, 20))
    return data[:start] + block + data[start:]


def _remove_block(data: bytearray, random: np.random.Generator) -> bytearray:
    start = int(random.integers(0, len(data)))
    return data[:start] + data[start + int(random.integers(1, 100)) :]


def _overwrite_block(data: bytearray, random: np.random.Generator) -> bytearray:
    start, length = int(random.integers(0, len(data))), int(random.integers(1, 100))
    data[start : start + length] = random.bytes(length)
    return data


_DAMAGES = (
    _flip_bits,
    _change_header,
    _change_number,
    _truncate,
    _repeat_block,
    _remove_block,
    _overwrite_block,
)

if __name__ == "__main__":
    typer.run(main)
