"""The side of the encoder's input is chosen from the pictures, and kept."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pytest
from PIL import Image

from jobs.features.encoders import choose_size, size_of
from udfs.encoders.spec import EFFICIENTNET_LITE0, VERSION, WEIGHTS_DIGEST, EncoderSpec
from udfs.picture_sizes import make_sizes, picture_size


@pytest.mark.parametrize(
    ("longer_sides", "size"),
    [([32, 40, 48], 96), ([49], 128), ([10, 64, 2_000], 128), ([80] * 3, 160), ([1_500, 800], 160), ([], 160)],
)
def test_small_pictures_are_enlarged_twice(longer_sides: list[int], size: int) -> None:
    assert choose_size(longer_sides) == size


def test_only_vectors_of_the_same_network_and_version_fix_the_size() -> None:
    def identity(name: str = EFFICIENTNET_LITE0, version: int = VERSION, digest: str = WEIGHTS_DIGEST) -> str:
        return EncoderSpec(name, version, digest, 128, 1280).identity

    others = [identity("my.keras"), identity(version=VERSION + 1), identity(digest="0" * 64), identity() + "-more"]
    assert size_of(others) is None
    assert size_of([*others, identity(), identity().replace("128px", "160px")]) == 128


def png(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, "PNG")
    return stream.getvalue()


def test_sizes_come_from_the_headers_of_readable_pictures() -> None:
    assert picture_size(png(30, 20)[:60]) == (30, 20), "the header alone is enough"
    read: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(4):
            read.append(number)
            images = pa.array([png(10 + number, 5), b"junk", None], pa.binary())
            yield pa.record_batch([images, pa.nulls(3, pa.string())], names=["image", "image_uri"])

    (found,) = make_sizes(2, (), 1_000)(batches())
    assert found.to_pydict() == {"width": [10, 11], "height": [5, 5]}
    assert read == [0, 1], "no more pictures are read than are needed"
    (nothing,) = make_sizes(2, (), 1_000)([])
    assert nothing.num_rows == 0
