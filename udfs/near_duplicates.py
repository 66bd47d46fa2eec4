"""Keys of near duplicates: the normalised title, and a perceptual hash of the picture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import cast

import imagehash
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

from udfs.markup import plain_text
from udfs.pictures import decode, load_images

_SIDE = 32  # pHash works on 32 x 32 pixels
_ASCII_GAPS = re.compile(r"[\W_]+", re.ASCII)


def normalized_title(title: str) -> str:
    """The title without markup, in Unicode NFKC and case folded; punctuation and whitespace become single spaces.

    Letters, digits and combining marks of any script are kept; the result is empty if there are none.
    """
    text = unicodedata.normalize("NFKC", plain_text(title)).casefold()
    if text.isascii():
        return _ASCII_GAPS.sub(" ", text).strip()
    return " ".join("".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text).split())


def picture_key(image: bytes | None, max_pixels: int, blank_deviation: float) -> int | None:
    """The perceptual hash (pHash, 64 bits) of a picture, as a signed integer.

    Re-encoded copies of a picture usually have the same hash. None if there is no picture, or if it is corrupt, blank
    or too large.
    """
    batch = decode([image], height=_SIDE, width=_SIDE, max_pixels=max_pixels, blank_deviation=blank_deviation)
    return _phash(batch.pixels[0]) if batch.present[0] else None


def _phash(pixels: NDArray[np.uint8]) -> int:
    bits = imagehash.phash(Image.fromarray(pixels)).hash
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big", signed=True)


def near_duplicate_keys(
    prefixes: tuple[str, ...], max_bytes: int, max_pixels: int, blank_deviation: float
) -> Callable[[Column, Column, Column], Column]:
    """Make a UDF: title, picture bytes, picture URI -> `normalized_title` and `image_key` of each row.

    The URI is read if there are no bytes. A key is null if there is no usable title or picture.
    """

    def keys(batches: Iterator[tuple[pd.Series, pd.Series, pd.Series]]) -> Iterator[pd.DataFrame]:
        for titles, images, uris in batches:
            loaded = load_images(list(images), list(uris), prefixes, max_bytes)
            plain = [normalized_title(title) or None if title is not None else None for title in titles]
            found = [picture_key(data, max_pixels, blank_deviation) for data, _ in loaded]
            yield pd.DataFrame({"normalized_title": plain, "image_key": pd.array(found, dtype="Int64")})

    # The type stubs require the function type as an argument, but pyspark advises against it.
    udf = pandas_udf(keys, "normalized_title STRING, image_key BIGINT")  # type: ignore[call-overload]
    return cast("Callable[[Column, Column, Column], Column]", udf)
