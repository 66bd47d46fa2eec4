"""Parses the address of a warehouse: a local folder, a URI, or a schema of a catalogue."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from schemas.errors import UsageError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_PART = r"(?:`[^`]+`|[^`.\s]+)"
_SESSION_CATALOG = "spark_catalog"
_CATALOG_SCHEMA = re.compile(rf"{_PART}(?:\.{_PART})+")


@dataclass(frozen=True)
class Address:
    """The address of a warehouse. Exactly one of `folder`, `uri` and `schema` is set.

    Attributes:
        text: the address as given, for messages.
        folder: real path of a local folder, which need not exist. It is the same for all spellings (relative, through
            a symbolic link, as a file: URI), so that they share one lock.
        uri: URI of another folder, without a trailing slash.
        schema: name of the catalogue and the parts of the schema's name.
    """

    text: str
    folder: Path | None = None
    uri: str | None = None
    schema: tuple[str, ...] = ()

    def path(self, name: str) -> str | None:
        """The path of a table's folder for Spark; None in a catalogue."""
        if self.schema:
            return None
        # With a scheme, because Spark's default file system may not be the local one.
        root = f"file:{self.folder}" if self.folder is not None else self.uri
        return f"{root}/{name}"

    def sql_name(self, name: str) -> str:
        """The quoted name of a table for Spark SQL."""
        path = self.path(name)
        return f"delta.`{path}`" if path is not None else quote_name(*self.schema, name)


def quote_name(*parts: str) -> str:
    """Quote each part of a name with backticks for Spark SQL."""
    return ".".join(f"`{part}`" for part in parts)


def parse_address(text: str, knows_catalog: Callable[[str], bool]) -> Address:
    """Parse the value of `--warehouse`.

    Args:
        text: a path, a URI, or `catalog.schema`.
        knows_catalog: tells whether Spark has a catalogue with a given name.

    Raises:
        UsageError: the text is none of these, or the path of a file.
    """
    shown = text.rstrip("/") or text[:1]
    if not text.strip():
        raise UsageError("--warehouse is empty: give a folder, a URI or catalog.schema.")
    scheme, rest = match.groups() if (match := _SCHEME.fullmatch(text)) else ("", "")
    if rest.startswith("/"):
        if scheme.lower() == "file":
            return Address(shown, folder=_local_folder(text, _path_of_file_uri(text, rest)))
        _refuse_backtick(text)
        return Address(shown, uri=shown)
    if not os.path.lexists(text):
        if scheme:
            raise UsageError(
                f"--warehouse {text}: {scheme}: must be followed by a path. Write {scheme}:/PATH or "
                f"{scheme}://HOST/PATH for a URI, or ./{text} for a folder."
            )
        if "/" not in text and "." in text:
            return Address(text, schema=_catalog_schema(text, knows_catalog))
    return Address(shown, folder=_local_folder(text, text))


def find_address(spark: SparkSession, text: str) -> Address:
    """Parse the value of `--warehouse`, and check that Spark has its file system or schema.

    Raises:
        UsageError: the address is invalid, Spark has no file system for the scheme, the URI needs a host, or the schema
            does not exist.
    """
    address = parse_address(text, lambda name: _knows_catalog(spark, name))
    if address.uri is not None:
        _require_file_system(spark, address.uri)
    if address.schema:
        _require_schema(spark, address)
    return address


def schema_folder(spark: SparkSession, address: Address) -> str | None:
    """The folder in which Spark's own catalogue puts the tables of a schema; None for all other addresses."""
    if address.schema[:1] != (_SESSION_CATALOG,):
        return None
    return str(spark.catalog.getDatabase(quote_name(*address.schema)).locationUri).rstrip("/")


def table_folder(spark: SparkSession, address: Address, name: str) -> str | None:
    """The folder of a table, which need not exist; None in a catalogue that does not say where it is."""
    folder = schema_folder(spark, address)
    return address.path(name) if folder is None else f"{folder}/{name}"


def _path_of_file_uri(text: str, rest: str) -> str:
    if not rest.startswith("//"):
        return unquote(rest)
    host, _, path = rest.removeprefix("//").partition("/")
    if host not in ("", "localhost"):
        raise UsageError(f"--warehouse {text}: {host} is another machine; write file:///PATH for a local folder.")
    return unquote(f"/{path}")


def _local_folder(text: str, path: str) -> Path:
    try:
        # Two leading slashes would give a different path for the same folder.
        folder = Path(re.sub("^//+", "/", path)).resolve()
    except RuntimeError:
        raise UsageError(
            f"--warehouse {text}: its symbolic links form a loop; repair them or give another folder."
        ) from None
    _refuse_backtick(str(folder))
    for path_part in (folder, *folder.parents):
        if path_part.exists() and not path_part.is_dir():
            raise UsageError(f"--warehouse {text}: {path_part} is a file; give a folder, a URI or catalog.schema.")
    return folder


def _refuse_backtick(text: str) -> None:
    if "`" in text:
        raise UsageError(f"--warehouse {text}: Spark SQL cannot use a path with a backtick; use another name.")


def _catalog_schema(text: str, knows_catalog: Callable[[str], bool]) -> tuple[str, ...]:
    parts = tuple(part.strip("`") for part in re.findall(_PART, text)) if _CATALOG_SCHEMA.fullmatch(text) else ()
    if not parts or not knows_catalog(parts[0]):
        catalog = parts[0] if parts else text.split(".", maxsplit=1)[0]
        raise UsageError(
            f"--warehouse {text}: Spark has no catalogue {catalog!r}; configure spark.sql.catalog.{catalog}, or write "
            f"./{text} for a folder."
        )
    return parts


def _knows_catalog(spark: SparkSession, name: str) -> bool:
    if spark.conf.get(f"spark.sql.catalog.{name}", None) is not None:
        return True
    # The built-in catalogue has no setting, and a platform may provide others without one.
    return name in {catalog.name for catalog in spark.catalog.listCatalogs()}


def _require_file_system(spark: SparkSession, uri: str) -> None:
    scheme = uri.split(":", 1)[0]
    jvm: Any = spark.sparkContext._jvm  # noqa: SLF001
    hadoop = spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001
    try:
        jvm.org.apache.hadoop.fs.FileSystem.getFileSystemClass(scheme, hadoop)
    except Py4JJavaError as error:
        raise UsageError(
            f"--warehouse {uri}: Spark has no file system for {scheme}: add its jar to the session (--jars), or write "
            f"./{uri} for a local folder."
        ) from error
    if re.match(r"[^:]+:/(?!/[^/])", uri):
        _require_host(uri, jvm.org.apache.hadoop.fs.Path(uri), hadoop)


def _require_host(uri: str, path: Any, hadoop: Any) -> None:  # noqa: ANN401 - Java objects behind Py4J
    """Refuse a URI without a host if neither the file system nor Spark's default one supplies it."""
    try:
        path.getFileSystem(hadoop)
    except Py4JJavaError as error:
        scheme, rest = uri.split(":", 1)
        written = f"{scheme}://HOST:PORT/{rest.lstrip('/')}"
        raise UsageError(
            f"--warehouse {uri}: the URI has no host, and Spark's default file system is {hadoop.get('fs.defaultFS')}: "
            f"write {written}, or set the default with "
            f"--set 'spark.extra={{spark.hadoop.fs.defaultFS: {scheme}://HOST:PORT}}'."
        ) from error


def _require_schema(spark: SparkSession, address: Address) -> None:
    name = quote_name(*address.schema)
    try:
        exists = spark.catalog.databaseExists(name)
    except (PySparkException, Py4JJavaError) as error:
        reason = str(error.java_exception) if isinstance(error, Py4JJavaError) else str(error)
        raise UsageError(
            f"--warehouse {address.text}: Spark cannot use catalogue {address.schema[0]!r}: {reason.splitlines()[0]}"
        ) from error
    if not exists:
        raise UsageError(
            f"--warehouse {address.text}: catalogue {address.schema[0]!r} has no such schema; create it in Spark SQL "
            f"(CREATE SCHEMA {name}), or write ./{address.text} for a folder."
        )
