"""htmx is kept only if it is the recorded package."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from scripts import htmx
from scripts.console import SetupError
from udfs.cache_folder import cache_folder


def test_the_page_has_the_files_of_the_recorded_package(tmp_path: Path) -> None:
    cache = cache_folder() / "htmx"
    assert not htmx.missing(cache)
    assert htmx.missing(cache, tmp_path)
    htmx.fetch(cache, tmp_path)
    assert not htmx.missing(cache, tmp_path)
    assert "Permission to use, copy, modify" in (tmp_path / "htmx.LICENSE.txt").read_text()
    assert htmx.VERSION in (tmp_path / "htmx.min.js").read_text()
    (tmp_path / "htmx.min.js").write_text("changed")
    assert htmx.missing(cache, tmp_path)


def test_another_package_of_the_same_name_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("package/dist/htmx.min.js"))
    (tmp_path / htmx._PACKAGE).write_bytes(content.getvalue())
    with pytest.raises(SetupError, match=r"the SHA-512 of htmx\.org-"):
        htmx.fetch(tmp_path, tmp_path / "target")
    assert htmx.missing(tmp_path)
