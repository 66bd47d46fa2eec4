"""The formats of picture files: those that Pillow reads, and the names of others, which a reviewer should know."""

from __future__ import annotations

import re

import pi_heif
from PIL import Image, TiffImagePlugin

Image.init()
pi_heif.register_heif_opener(thumbnails=False)
# Pillow also opens formats that run other programs (EPS runs Ghostscript), so only raster formats are allowed. ICO is
# not: the picture inside may be larger than the header says.
_RASTER = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "BMP", "DIB", "TIFF", "JPEG2000", "PPM", "TGA", "PCX")
FORMATS = tuple(kind for kind in _RASTER if kind in Image.OPEN)
# Otherwise Pillow keeps a list of the tiles of an uncompressed TIFF, which can take a hundred times the file's size.
TiffImagePlugin.READ_LIBTIFF = True

_HEAD = 1024
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "PDF": (b"%PDF-",),
    "PostScript": (b"%!PS", b"\xc5\xd0\xd3\xc6"),
    "ICO": (b"\0\0\1\0", b"\0\0\2\0"),
    "PSD": (b"8BPS",),
    "JPEG XL": (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
    "JPEG XR": (b"II\xbc\x01",),
    "RAW": (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM", b"FOVb"),
    "WMF or EMF": (b"\xd7\xcd\xc6\x9a", b"\1\0\0\0\x6c\0\0\0", b"\1\0\x09\0\0\3"),
    "GIMP XCF": (b"gimp xcf",),
    "DjVu": (b"AT&TFORM",),
    "gzip": (b"\x1f\x8b\x08",),
    "ZIP": (b"PK\3\4",),
    "WebM": (b"\x1aE\xdf\xa3",),
}
_AT_EIGHT = {b"CR\2\0": "RAW", b"AVI ": "AVI"}
"""Four bytes at offset 8: the marks of Canon's RAW files, which begin like a TIFF, and of AVI, like a WebP."""
_BOXES = {b"crx ": "RAW", **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"))}
"""Brands of files that begin with a box `ftyp`: None for HEIC and AVIF, which are read; those with others are films."""
_SVG = re.compile(rb"<(?:[A-Za-z]+:)?svg[\s>]", re.IGNORECASE)
_HTML = re.compile(rb"^(?:<!--.*?-->|\s)*<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE | re.DOTALL)


def unsupported_format(data: bytes) -> str | None:
    """The name of the format of a file that `FORMATS` cannot open; None if it is of none that is known.

    Args:
        data: the bytes of the file, of which the first thousand are looked at.
    """
    head = data[:_HEAD]
    for name, beginnings in _BEGINNINGS.items():
        if head.startswith(beginnings):
            return name
    if head[8:12] in _AT_EIGHT:
        return _AT_EIGHT[head[8:12]]
    if head[4:8] == b"ftyp":
        return _BOXES.get(head[8:12], "MP4")
    # UTF-16 has a zero byte beside each ASCII character.
    text = head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")
    if _SVG.search(text):
        return "SVG"
    return "HTML" if _HTML.search(text.lstrip(b"\xff\xfe")) else None
