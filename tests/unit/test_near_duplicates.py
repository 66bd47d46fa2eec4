from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from udfs.near_duplicates import normalized_title, picture_key


@pytest.mark.parametrize(
    ("title", "same"),
    [
        ("Red  Shoes!", "red shoes"),
        (" RED-shoes ", "red shoes"),
        ("red_shoes", "red shoes"),
        ("\uff32\uff45\uff44 shoes\u2122", "red shoestm"),
        ("Straße", "strasse"),
        ("café", "cafe\u0301"),
        ("कुर्ता - लाल", "कुर्ता लाल"),
        ("👟", ""),
        ("???", ""),
        ("<b>Tom &amp; Jerry</b>", "tom jerry"),
    ],
)
def test_titles_that_differ_only_in_form_are_equal(title: str, same: str) -> None:
    assert normalized_title(title) == normalized_title(same)
    assert normalized_title(normalized_title(title)) == normalized_title(title)


def test_titles_with_other_words_differ() -> None:
    titles = ["red shoes", "redshoes", "red shoe", "shoes red", "कुर्ता", "करता", "red shoes 2"]
    assert len({normalized_title(title) for title in titles}) == len(titles)


def _picture(seed: int, form: str = "PNG", **options: int) -> bytes:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    out = io.BytesIO()
    coarse.resize((60, 80), Image.Resampling.BICUBIC).save(out, form, **options)
    return out.getvalue()


def test_a_picture_encoded_again_has_the_same_key_and_other_pictures_do_not() -> None:
    pictures = [_picture(1), _picture(1, "JPEG", quality=85), _picture(2), _picture(3)]
    keys = [picture_key(picture, 10_000, 4.0) for picture in pictures]
    assert keys[0] == keys[1]
    assert len({*keys}) == 3
    assert all(key is not None and -(2**63) <= key < 2**63 for key in keys)


def test_a_blank_picture_has_no_key() -> None:
    flat = io.BytesIO()
    Image.new("RGB", (60, 80), (10, 200, 30)).save(flat, "JPEG")
    bad = [None, b"", b"not a picture", _picture(1)[:200], flat.getvalue()]
    assert [picture_key(data, 10_000, 4.0) for data in bad] == [None] * 5
    assert picture_key(_picture(1), 60 * 80 - 1, 4.0) is None
