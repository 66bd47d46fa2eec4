"""Rows of pictures become vectors and statuses; the network is the mean colour of a picture."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from udfs.encoders.picture_encoder import PictureEncoder
from udfs.encoders.spec import EncoderSpec
from udfs.picture_features import COLUMNS, Encoding, _tasks, encode_batches

ENCODER = PictureEncoder(EncoderSpec("mean", 1, "0" * 64, 8, 3), lambda pixels: pixels.mean(axis=(1, 2)))


def encoding(prefixes: tuple[str, ...] = (), batch_rows: int = 4) -> Encoding:
    return Encoding(8, batch_rows, 1, prefixes, 10_000, 10_000, 1.0)


def picture(red: int, width: int = 12, height: int = 12) -> bytes:
    """A picture of two colours, red in its mean."""
    image = Image.new("RGB", (width, height), (red - 20, 0, 80))
    image.paste((red + 20, 0, 80), (0, height // 2, width, height))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def batch(*rows: tuple[bytes | None, str | None], start: int = 0) -> pa.RecordBatch:
    names = [f"L{start + i}" for i in range(len(rows))]
    return pa.RecordBatch.from_pydict(
        {
            "listing_id": names,
            "content_hash": [f"hash of {name}" for name in names],
            "image_uri": pa.array([uri for _, uri in rows], pa.string()),
            "image": pa.array([image for image, _ in rows], pa.binary()),
        }
    )


def test_each_row_has_a_vector_or_the_reason_why_not(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(100, 30, 10))
    flat = io.BytesIO()
    Image.new("RGB", (9, 7), (5, 5, 5)).save(flat, "PNG")
    rows = batch(
        (picture(200), None),
        (None, "a.png"),
        (None, str(tmp_path / "gone.png")),
        (None, "/elsewhere/c.png"),
        (b"junk", None),
        (flat.getvalue(), None),
        (None, None),
    )
    found = pa.Table.from_batches(encode_batches([rows], lambda: ENCODER, encoding((str(tmp_path),)))).to_pydict()
    assert list(found) == [column.name for column in COLUMNS]
    assert found["listing_id"] == [f"L{i}" for i in range(7)]
    assert found["content_hash"][6] == "hash of L6"
    statuses = ["ok", "ok", "not_found", "not_allowed", "corrupt", "blank", "missing"]
    assert found["image_status"] == statuses
    assert found["image_width"] == [12, 30, None, None, None, 9, None]
    assert found["image_height"] == [12, 10, None, None, None, 7, None]
    vectors = [None if each is None else np.frombuffer(each, "<f2").tolist() for each in found["vector"]]
    assert vectors[0] == pytest.approx([200, 0, 80], abs=1)
    # A picture of 30 x 10 pixels is 8 x 3 pixels in the middle of white.
    assert vectors[1] == pytest.approx([(3 * 100 + 5 * 255) / 8, 5 * 255 / 8, (3 * 80 + 5 * 255) / 8], abs=1)
    assert vectors[2:] == [None] * 5
    assert found["image_hash"][0] == hashlib.sha256(picture(200)).hexdigest()
    assert found["image_hash"][4] == hashlib.sha256(b"junk").hexdigest()
    assert [row for row, value in enumerate(found["image_hash"]) if value is None] == [2, 3, 6]


def test_a_store_that_is_away_is_a_status_that_differs_from_a_missing_picture(tmp_path: Path) -> None:
    store = tmp_path / "store"
    found = next(encode_batches([batch((None, "a.png"))], lambda: ENCODER, encoding((str(store),)))).to_pydict()
    assert (found["image_status"], found["vector"]) == (["unreadable"], [None])


def test_batches_keep_their_order_and_are_cut_to_the_limit() -> None:
    reds = [30 + 10 * i for i in range(11)]
    batches = [
        batch(*((picture(red), None) for red in reds[:6])),
        batch(*((picture(red), None) for red in reds[6:]), start=6),
    ]
    found = list(encode_batches(iter(batches), lambda: ENCODER, encoding(batch_rows=4)))
    assert [each.num_rows for each in found] == [4, 2, 4, 1]
    rows = pa.Table.from_batches(found).to_pydict()
    assert rows["listing_id"] == [f"L{i}" for i in range(11)]
    assert [float(np.frombuffer(each, "<f2")[0]) for each in rows["vector"]] == pytest.approx(reds, abs=1)


def test_the_encoder_is_loaded_only_for_a_picture() -> None:
    def fail() -> Any:  # noqa: ANN401 - it returns nothing
        raise AssertionError("loaded")

    assert list(encode_batches([], fail, encoding())) == []
    (found,) = encode_batches([batch((None, None), (b"junk", None))], fail, encoding())
    assert found.column("image_status").to_pylist() == ["missing", "corrupt"]
    with pytest.raises(AssertionError, match="loaded"):
        list(encode_batches([batch((picture(90), None))], fail, encoding()))


def test_a_task_repays_loading_the_encoder() -> None:
    assert [_tasks(rows, 4) for rows in (0, 1, 150, 1_000, 40_000, 40_001)] == [1, 1, 2, 4, 4, 8]
