"""What `review serve` and `review users` refuse and print, without a server and without Spark."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conf.review_settings import ReviewSettings
from jobs.cli import app
from jobs.reviewing.place import store_folder
from jobs.warehouse.address import Address
from schemas.errors import UsageError


def run(warehouse: Path, *words: str, typed: str = "") -> tuple[int, dict[str, object]]:
    """Exit code and JSON of `review WORDS`."""
    options = ["--warehouse", str(warehouse), "--profile", "test", "--json"]
    result = CliRunner().invoke(app, ["review", *words, *options], input=typed)
    return result.exit_code, json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A folder that looks like a warehouse with listings."""
    for table in ("listings", "taxonomy"):
        (tmp_path / table / "_delta_log").mkdir(parents=True)
        (tmp_path / table / "_delta_log" / f"{0:020}.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.com"])  # noqa: S104 - refused
def test_the_page_listens_on_this_machine_only(warehouse: Path, host: str) -> None:
    code, said = run(warehouse, "serve", "--host", host)
    assert code == 2
    assert "this machine only" in str(said["error"])
    assert not (warehouse / "_review").exists()


def test_a_used_port_and_an_empty_reviewer_are_refused(warehouse: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, said = run(warehouse, "serve", "--port", str(other.getsockname()[1]))
    assert code == 2
    assert "cannot listen there" in str(said["error"])
    code, said = run(warehouse, "serve", "--reviewer", " ")
    assert code == 2
    assert "--reviewer is empty" in str(said["error"])


def test_users_are_added_listed_and_removed(warehouse: Path) -> None:
    assert run(warehouse, "users", "add", "ada", "--role", "lead", typed="correct horse battery\n")[1]["role"] == "lead"
    assert run(warehouse, "users", "add", "bob", typed="short\n")[0] == 2
    assert run(warehouse, "users", "list")[1]["users"] == [{"user": "ada", "role": "lead"}]
    assert run(warehouse, "users", "remove", "ada")[0] == 0
    code, said = run(warehouse, "users", "remove", "ada")
    assert code == 2
    assert "there is no user 'ada'; the users are none." in str(said["error"])


def test_a_warehouse_that_is_no_local_folder_needs_a_folder_for_the_store(tmp_path: Path) -> None:
    elsewhere = Address("s3a://bucket/w", uri="s3a://bucket/w")
    with pytest.raises(UsageError, match=r"--set review\.store="):
        store_folder(elsewhere, ReviewSettings())
    assert store_folder(elsewhere, ReviewSettings(store=str(tmp_path / "store"))) == tmp_path / "store"
    assert store_folder(Address("w", folder=tmp_path), ReviewSettings()) == tmp_path / "_review"
