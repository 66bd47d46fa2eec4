"""The warehouse: Delta tables in a folder or a schema of a catalogue. Only this module imports Delta."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameReader, DataFrameWriter, Row, SparkSession
from pyspark.sql import functions as F

from jobs.warehouse.address import Address, find_address, table_folder
from jobs.warehouse.commits import Commit, commits_of, first_kept_change, retention_properties
from jobs.warehouse.evolution import (
    as_declared,
    conform,
    declared_schema,
    missing_columns,
    properties_clause,
    stored_version,
)
from jobs.warehouse.folders import LOG_FOLDER, delete_folder, is_committed, list_folder
from jobs.warehouse.signing import Fences, once
from jobs.warehouse.sql import literal, safe_name
from jobs.warehouse.staged_names import (
    STAGED,
    STAGING_FOLDER,
    all_stored_names,
    plain_name,
    remove_staged,
    stored_name,
    stored_names,
)
from jobs.warehouse.table_log import TableLog
from schemas.tables import Table

_NOT_KEPT = (
    "FAILED_READ_FILE.FILE_NOT_EXIST",
    "java.io.FileNotFoundException",
    "Cannot time travel Delta table to version",
)
"""What Spark says about a version whose files have been removed, and Delta about one that its log lacks."""


@dataclass(frozen=True)
class Warehouse:
    """The tables of a marketplace.

    Attributes:
        spark: the Spark session.
        address: a folder or URI with one subfolder per table, or a schema of a catalogue.
        fences: the fence of the lease with which this process writes, if it has one.
    """

    spark: SparkSession
    address: Address
    fences: Fences = field(default_factory=Fences, init=False, repr=False, compare=False)
    _checked: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _known: dict[object, tuple[object, list[Row]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def location(self) -> str:
        """The address as given, for messages."""
        return self.address.text

    @property
    def folder(self) -> Path | None:
        """The real path of the warehouse's folder; None if it is not a local folder."""
        return self.address.folder

    def identifier(self, table: Table) -> str:
        """The table's name for Spark SQL."""
        return self.address.sql_name(table.name)

    def exists(self, table: Table) -> bool:
        """Whether the table has been created."""
        return self._is_stored(table.name)

    def _is_stored(self, name: str) -> bool:
        path = self.address.path(name)
        if path is None:
            return self.spark.catalog.tableExists(self.address.sql_name(name))
        return is_committed(self.spark, path)

    def table(self, table: Table) -> DeltaTable:
        """Open the table for one MERGE, DELETE or UPDATE. It is created if it does not exist."""
        self.create(table)
        self.fences.number_next(self.spark)
        return self._open(table)

    def _open(self, table: Table) -> DeltaTable:
        path = self.address.path(table.name)
        name = self.identifier(table)
        return DeltaTable.forName(self.spark, name) if path is None else DeltaTable.forPath(self.spark, path)

    def _load(self, reader: DataFrameReader, name: str) -> DataFrame:
        path = self.address.path(name)
        return reader.table(self.address.sql_name(name)) if path is None else reader.load(path)

    def _save(self, writer: DataFrameWriter, name: str) -> None:
        writer = writer.options(**self.fences.options())
        path = self.address.path(name)
        if path is None:
            writer.saveAsTable(self.address.sql_name(name))
        else:
            writer.save(path)

    def version(self, table: Table) -> int | None:
        """The table's newest Delta version; None if the table does not exist."""
        return self.log(table).version() if self.exists(table) else None

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """Read the declared columns of a table at a version; default: the newest. No rows if it does not exist.

        Columns that the table lacks at that version are null.

        Raises:
            FailedError: a column has another type, or a newer version of this program wrote the table.
        """
        if not self.exists(table):
            return self.empty(table)
        if table.name not in self._checked:  # once per command, because it takes longer than opening the table
            self.properties(table)
            self._checked.add(table.name)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return as_declared(self._load(reader, table.name), table)

    def collect_newest(self, table: Table, query: Callable[[DataFrame], DataFrame]) -> list[Row]:
        """The rows of a query on a table's newest version, remembered until it has a newer one.

        Args:
            table: a table; no rows if it does not exist.
            query: a function, by which the rows are remembered.
        """
        version, (known, rows) = self.version(table), self._known.get((table.name, query), (None, []))
        if version != known:
            rows = [] if version is None else query(self.read(table, version)).collect()
            self._known[table.name, query] = version, rows
        return rows

    def read_if_kept(self, table: Table, version: int) -> DataFrame | None:
        """Read a table at a version, as `read`; None if Delta has removed some of its files (VACUUM) or its log.

        To find out, every file is opened, but no column is read.
        """
        try:
            rows = self.read(table, version)
            rows.select(F.input_file_name().alias("file")).agg(F.max("file")).collect()
        except (PySparkException, Py4JJavaError) as error:
            if any(condition in str(error) for condition in _NOT_KEPT):
                return None
            raise
        return rows

    def log(self, table: Table) -> TableLog:
        """The log of a stored table."""
        return TableLog(self.spark, self._open(table)._jdt.deltaLog())  # noqa: SLF001

    def commits(self, table: Table) -> list[Commit]:
        """The commits that the log of a stored table still has, oldest first."""
        return commits_of(self._open(table).history())

    def changes(self, table: Table, after: int, until: int) -> DataFrame | None:
        """Read the rows that were inserted or updated in the versions (after, until], with `_commit_version`.

        Columns that the table lacks at a row's version are null.

        Returns:
            The rows; None if the table has no change data feed, or some of these versions are no longer in Delta's log,
            or their files may be gone, because a VACUUM has removed files of that time.

        Raises:
            FailedError: a column has another type, or a newer version of this program wrote the table.
        """
        if after >= until:
            return self.empty(table).withColumn("_commit_version", F.lit(0).cast("bigint"))
        if self.properties(table).get("delta.enableChangeDataFeed") != "true":
            return None
        if first_kept_change(self.commits(table)) > after + 1:
            return None
        reader = (
            self.spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", after + 1)
            .option("endingVersion", until)
        )
        new = self._load(reader, table.name).where(F.col("_change_type").isin("insert", "update_postimage"))
        return as_declared(new, table, "_commit_version")

    def empty(self, table: Table) -> DataFrame:
        """A frame with the table's columns and no rows."""
        return self.spark.createDataFrame([], declared_schema(table))

    def create(self, table: Table) -> None:
        """Create the table, or add the declared columns that the stored table lacks.

        Raises:
            FailedError: a column has another type, or a newer version of this program wrote the table.
        """
        if not self.exists(table):
            self._create(table)
            return
        version = stored_version(table, self.properties(table))
        missing = missing_columns(table, self._open(table).toDF().schema)
        if missing:
            columns = ", ".join(f"{path} {type_}" for path, type_ in missing.items())
            self.spark.sql(f"ALTER TABLE {self.identifier(table)} ADD COLUMNS ({columns})")
        if version < table.version:
            self.spark.sql(f"ALTER TABLE {self.identifier(table)} SET TBLPROPERTIES ({properties_clause(table)})")

    def _create(self, table: Table) -> None:
        path = table_folder(self.spark, self.address, table.name)
        # A job may have been killed here, and Delta creates no table where anything is.
        if path is not None and list_folder(self.spark, path) == [LOG_FOLDER]:
            if not is_committed(self.spark, path):
                delete_folder(self.spark, path)
            elif self.address.schema:  # The catalogue does not know it yet.
                at = f"USING delta LOCATION {literal(path)}"
                self.spark.sql(f"CREATE TABLE IF NOT EXISTS {self.identifier(table)} {at}")
                return
        # In SQL, because Delta's builder does not accept names with three parts.
        partition = f"PARTITIONED BY ({', '.join(table.partition)})" if table.partition else ""
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self.identifier(table)} ({table.ddl}) USING delta {partition} "
            f"COMMENT {literal(table.row)} TBLPROPERTIES ({properties_clause(table, retention_properties())})"
        )

    def properties(self, table: Table) -> dict[str, str]:
        """The properties of a stored table.

        Raises:
            FailedError: a newer version of this program wrote the table.
        """
        properties = self.log(table).properties()
        stored_version(table, properties)
        return properties

    def commit_once(self, table: Table, app: str, number: int) -> None:
        """Make a commit without rows, unless the table has one of the application with this number or a higher."""
        self._write(table, self.empty(table), "append", once(app, number))

    def append(self, table: Table, rows: DataFrame) -> None:
        """Add rows."""
        self.create(table)
        self._write(table, rows, "append", {})

    def overwrite(self, table: Table, rows: DataFrame) -> None:
        """Replace all rows."""
        self.create(table)
        self._write(table, rows, "overwrite", {})

    def replace_slice(
        self,
        table: Table,
        rows: DataFrame,
        job: str,
        run_date: dt.date,
        run_id: str | None = None,
        standing: Collection[str] = (),
    ) -> None:
        """Replace the rows that a job wrote for a date, or only those of one run. Other rows are kept.

        Args:
            table: the table.
            rows: the new rows.
            job, run_date: the slice.
            run_id: the only run whose rows are replaced; None: all.
            standing: runs whose rows are kept.
        """
        slice_ = f"job = '{job}' AND run_date = DATE'{run_date:%Y-%m-%d}'"
        if run_id is not None:
            slice_ += f" AND run_id = '{run_id}'"
        if standing:
            slice_ += f" AND run_id NOT IN ({', '.join(map(literal, standing))})"
        self.replace_where(table, rows, slice_)

    def replace_where(self, table: Table, rows: DataFrame, condition: str) -> None:
        """Replace the rows that meet a condition in Spark SQL. All new rows must meet it."""
        self.create(table)
        self._write(table, rows, "overwrite", {"replaceWhere": condition})

    def _write(self, table: Table, rows: DataFrame, mode: str, options: Mapping[str, str]) -> None:
        writer = conform(rows, table).write.format("delta").mode(mode).options(**options)
        self._save(writer, table.name)

    def stage(self, name: str, rows: DataFrame, *, partition: str | None = None) -> DataFrame:
        """Write rows to a temporary table, so that they are computed only once, and read them back.

        Args:
            name: name of the temporary table.
            rows: the rows.
            partition: the column by which the table is divided; None: it is not.
        """
        staged = self._staged(name)
        writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        self._save(writer if partition is None else writer.partitionBy(partition), staged)
        return self._load(self.spark.read.format("delta"), staged)

    def unstage(self, name: str) -> None:
        """Remove the temporary table that `stage` wrote, if it exists, and what killed runs have left of it."""
        remove_staged(self.spark, self.address, name)

    def staged(self, name: str) -> DataFrame | None:
        """Read the temporary table that `stage` wrote, perhaps in an earlier run; None if it does not exist."""
        staged = self._staged(name)
        return self._load(self.spark.read.format("delta"), staged) if self._is_stored(staged) else None

    def staged_names(self) -> list[str]:
        """The names of all temporary tables, with only letters, digits and underscores (`safe_name`)."""
        return sorted({plain_name(stored) for stored in all_stored_names(self.spark, self.address)})

    def _staged(self, name: str) -> str:
        local = self.folder is not None
        stored = safe_name(name) if local else stored_name(name, stored_names(self.spark, self.address))
        return (STAGED if self.address.schema else f"{STAGING_FOLDER}/") + stored


def open_warehouse(spark: SparkSession, location: str) -> Warehouse:
    """Open the warehouse at a location, the value of `--warehouse`.

    Raises:
        UsageError: the location is not a folder, URI or schema that Spark can use.
    """
    return Warehouse(spark, find_address(spark, location))
