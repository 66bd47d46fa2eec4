from __future__ import annotations

import pytest
from pyarrow.fs import FileSystem

from udfs.object_stores import open_store, plain_scheme


@pytest.mark.parametrize("uri", ["gs://anonymous@shop/pictures/", "gcs://anonymous@shop/pictures/"])
def test_googles_client_does_not_try_for_a_quarter_of_an_hour(uri: str) -> None:
    store, base = open_store(uri)
    assert base.rstrip("/") == "shop/pictures"
    assert store == FileSystem.from_uri("gs://anonymous@shop/?retry_limit_seconds=60")[0]
    assert store != FileSystem.from_uri("gs://anonymous@shop/")[0]


def test_a_limit_that_an_address_names_itself_holds() -> None:
    store, base = open_store("gs://anonymous@shop/pictures?retry_limit_seconds=5")
    assert base == "shop/pictures"
    assert store == FileSystem.from_uri("gs://anonymous@shop/?retry_limit_seconds=5")[0]


def test_s3a_is_the_scheme_s3() -> None:
    assert plain_scheme("s3a://shop/pictures") == "s3://shop/pictures"
    assert plain_scheme("/pictures/s3a://shop") == "/pictures/s3a://shop"
