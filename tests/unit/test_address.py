"""Parsing a warehouse's address: folders, URIs, schemas, and messages for everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.load import load_settings
from jobs.warehouse.address import Address, parse_address
from schemas.errors import UsageError
from training.registry import RegistryError, open_registry

CATALOGS = {"main", "my-catalog", "spark_catalog"}


def parse(text: str) -> Address:
    return parse_address(text, CATALOGS.__contains__)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: some folders, a file, and links."""
    place = tmp_path.resolve() / "here"
    for folder in ("w", "main.sales", "a:b", "my w"):
        (place / folder).mkdir(parents=True)
    (place / "notes.txt").touch()
    (place / "link").symlink_to(place / "w")
    (place / "dangling.v2").symlink_to(place / "later")
    (place / "circle").symlink_to(place / "circle")
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize(
    "text",
    [
        "w",
        "w/",
        "./w",
        "w/.",
        "../here/w",
        "main.sales/../w",
        "link",
        "link/",
        "{here}/w",
        "/{here}/w",
        "{here}//w//",
        "file:{here}/w",
        "file://{here}/w",
        "file://localhost{here}/w",
        "file:///{here}/w/",
        "FILE:{here}/link",
    ],
)
def test_all_spellings_of_a_folder_are_one_warehouse(here: Path, text: str) -> None:
    typed = text.format(here=here)
    got = parse(typed)
    assert got == Address(typed.rstrip("/"), folder=here / "w")
    assert got.path("runs") == f"file:{here}/w/runs"
    assert got.sql_name("runs") == f"delta.`file:{here}/w/runs`"


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("new", "new"),
        ("new-warehouse_2", "new-warehouse_2"),
        ("new/v1.2", "new/v1.2"),
        ("./warehouse.v2", "warehouse.v2"),
        ("main.sales", "main.sales"),  # An existing folder has priority over a catalogue.
        ("./main.other", "main.other"),
        ("a:b", "a:b"),
        ("./c:d", "c:d"),
        ("my w", "my w"),
        ("file:{here}/my%20w", "my w"),
        ("dangling.v2", "later"),
        (".", ""),
        ("..", ".."),
    ],
)
def test_a_word_or_a_path_is_a_local_folder(here: Path, text: str, folder: str) -> None:
    assert parse(text.format(here=here)).folder == (here / folder).resolve()


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("s3a://bucket/w", "s3a://bucket/w"),
        ("s3a://bucket/w/", "s3a://bucket/w"),
        ("hdfs:/w", "hdfs:/w"),
        ("dbfs:/w", "dbfs:/w"),
        ("abfss://c@account.dfs.core.windows.net/w", "abfss://c@account.dfs.core.windows.net/w"),
    ],
)
def test_a_scheme_other_than_file_makes_a_uri(text: str, uri: str) -> None:
    got = parse(text)
    assert got == Address(uri, uri=uri)
    assert got.path("runs") == f"{uri}/runs"
    assert got.sql_name("runs") == f"delta.`{uri}/runs`"


@pytest.mark.parametrize(
    ("text", "parts", "name"),
    [
        ("main.shop", ("main", "shop"), "`main`.`shop`.`runs`"),
        ("spark_catalog.shop", ("spark_catalog", "shop"), "`spark_catalog`.`shop`.`runs`"),
        ("my-catalog.sales", ("my-catalog", "sales"), "`my-catalog`.`sales`.`runs`"),
        ("`my-catalog`.`sales`", ("my-catalog", "sales"), "`my-catalog`.`sales`.`runs`"),
        ("main.europe.shop", ("main", "europe", "shop"), "`main`.`europe`.`shop`.`runs`"),
    ],
)
def test_a_catalogue_that_spark_knows_makes_a_schema(text: str, parts: tuple[str, ...], name: str) -> None:
    got = parse(text)
    assert got == Address(text, schema=parts)
    assert (got.path("runs"), got.sql_name("runs")) == (None, name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "--warehouse is empty"),
        ("warehouse.v2", r"no catalogue 'warehouse'; .*or write \./warehouse\.v2 for a folder"),
        ("a.b.c", r"no catalogue 'a'; .*or write \./a\.b\.c for a folder"),
        ("main.", r"or write \./main\. for a folder"),
        ("main..shop", r"or write \./main\.\.shop for a folder"),
        (".hidden", r"or write \./\.hidden for a folder"),
        ("hdfs:w", r"Write hdfs:/PATH or hdfs://HOST/PATH for a URI, or \./hdfs:w for a folder"),
        ("file:w", r"file: must be followed by a path"),
        ("file://server/w", "server is another machine; write file:///PATH"),
        ("notes.txt", "notes.txt is a file; give a folder"),
        ("notes.txt/w", "notes.txt is a file; give a folder"),
        ("circle", "form a loop"),
        ("some`thing", "cannot use a path with a backtick"),
        ("s3a://bucket/some`thing", "cannot use a path with a backtick"),
    ],
)
def test_any_other_address_is_refused_with_a_message(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(text)


def test_models_are_kept_in_the_folder_and_other_addresses_need_a_tracking_server(here: Path) -> None:
    settings = load_settings("test").registry
    address = parse("file://localhost" + str(here / "w"))
    open_registry(address.folder, address.text, settings)
    assert (here / "w" / "mlflow").is_dir()
    for text in ("hdfs:/w", "main.shop"):
        address = parse(text)
        with pytest.raises(RegistryError, match=f"warehouse {text} is not a folder of this machine"):
            open_registry(address.folder, address.text, settings)
