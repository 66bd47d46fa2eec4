from __future__ import annotations

from pathlib import Path

import pytest

from jobs.console.target import check_target, written_atomically
from schemas.errors import FailedError, UsageError


def check(file: Path) -> None:
    check_target(file, "--html", "report.html")


def write(file: Path, text: str) -> None:
    with written_atomically(file) as out:
        out.write(text)


def test_a_file_in_an_existing_folder_is_accepted(tmp_path: Path) -> None:
    check(tmp_path / "report.html")
    (tmp_path / "report.html").write_text("old")
    check(tmp_path / "report.html")


def test_a_folder_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--html .*: is a folder; give a file in it, such as .*report\.html"):
        check(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*missing"):
        check(tmp_path / "missing" / "report.html")


def test_a_device_is_never_replaced() -> None:
    with pytest.raises(UsageError, match="not a regular file"):
        check(Path("/dev/null"))


def test_a_read_only_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(UsageError, match="is not writable"):
        check(tmp_path / "report.html")


def test_a_page_replaces_the_previous_one_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("old")
    write(file, "néw")
    assert file.read_text(encoding="utf-8") == "néw"
    assert list(tmp_path.iterdir()) == [file]


def test_a_symbolic_link_is_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_text("old")
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_failed_write_keeps_the_previous_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.html"
    file.write_text("old")

    def fail(*_: object) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(FailedError, match="no space left"):
        write(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
