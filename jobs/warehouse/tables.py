"""The warehouse: Delta tables in a folder or a schema of a catalogue. Only this module imports Delta."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameReader, DataFrameWriter, SparkSession
from pyspark.sql import functions as F

from jobs.warehouse.address import Address, find_address
from jobs.warehouse.commits import Commit, commits_of, first_kept_change, retention_properties
from jobs.warehouse.evolution import VERSION_PROPERTY, as_declared, declared_schema, missing_columns, stored_version
from schemas.errors import FailedError
from schemas.tables import Table

STAGING_FOLDER = "_staging"
"""Folder of the temporary tables in a folder or URI."""
_NOT_KEPT = (
    "FAILED_READ_FILE.FILE_NOT_EXIST",
    "java.io.FileNotFoundException",
    "Cannot time travel Delta table to version",
)
"""What Spark says about a version whose data files or deletion vectors have been removed, and Delta about one that its
log lacks."""


@dataclass(frozen=True)
class Warehouse:
    """The tables of a marketplace.

    Attributes:
        spark: the Spark session.
        address: a folder or URI with one subfolder per table, or a schema of a catalogue.
    """

    spark: SparkSession
    address: Address
    _checked: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

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
        path = self.address.path(table.name)
        if path is None:
            return self.spark.catalog.tableExists(self.identifier(table))
        return DeltaTable.isDeltaTable(self.spark, path)

    def table(self, table: Table) -> DeltaTable:
        """Open the table for MERGE and DELETE. It is created if it does not exist."""
        self.create(table)
        return self._open(table)

    def _open(self, table: Table) -> DeltaTable:
        path = self.address.path(table.name)
        if path is None:
            return DeltaTable.forName(self.spark, self.identifier(table))
        return DeltaTable.forPath(self.spark, path)

    def _load(self, reader: DataFrameReader, name: str) -> DataFrame:
        path = self.address.path(name)
        return reader.table(self.address.sql_name(name)) if path is None else reader.load(path)

    def _save(self, writer: DataFrameWriter, name: str) -> None:
        path = self.address.path(name)
        if path is None:
            writer.saveAsTable(self.address.sql_name(name))
        else:
            writer.save(path)

    def version(self, table: Table) -> int | None:
        """The table's newest Delta version; None if the table does not exist."""
        if not self.exists(table):
            return None
        row = self._open(table).history(1).select("version").first()
        return None if row is None else int(row.version)

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """Read the declared columns of a table at a version; default: the newest. No rows if it does not exist.

        Columns that the table lacks at that version are null.

        Raises:
            FailedError: a column has another type, or a newer version of this program wrote the table.
        """
        if not self.exists(table):
            return self.empty(table)
        if table.name not in self._checked:  # once per command, because it takes longer than opening the table
            self._properties(table)
            self._checked.add(table.name)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        frame = self._load(reader, table.name)
        return as_declared(frame, table)

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
        if self._properties(table).get("delta.enableChangeDataFeed") != "true":
            return None
        if first_kept_change(self.commits(table)) > after + 1:
            return None
        reader = (
            self.spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", after + 1)
            .option("endingVersion", until)
        )
        frame = self._load(reader, table.name)
        frame = frame.where(F.col("_change_type").isin("insert", "update_postimage"))
        return as_declared(frame, table, "_commit_version")

    def empty(self, table: Table) -> DataFrame:
        """A frame with the table's columns and no rows."""
        return self.spark.createDataFrame([], declared_schema(table))

    def create(self, table: Table) -> None:
        """Create the table, or add the declared columns that the stored table lacks.

        Raises:
            FailedError: a column has another type, or a newer version of this program wrote the table.
        """
        name = self.identifier(table)
        if not self.exists(table):
            self._create(table)
            return
        version = stored_version(table, self._properties(table))
        missing = missing_columns(table, self._open(table).toDF().schema)
        if missing:
            columns = ", ".join(f"{path} {type_}" for path, type_ in missing.items())
            self.spark.sql(f"ALTER TABLE {name} ADD COLUMNS ({columns})")
        if version < table.version:
            self.spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ({_properties_clause(table)})")

    def _create(self, table: Table) -> None:
        # In SQL, because Delta's builder does not accept names with three parts.
        partition = f"PARTITIONED BY ({', '.join(table.partition)})" if table.partition else ""
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self.identifier(table)} ({table.ddl}) USING delta {partition} "
            f"COMMENT {_literal(table.row)} TBLPROPERTIES ({_properties_clause(table, retention_properties())})"
        )

    def _properties(self, table: Table) -> dict[str, str]:
        """The properties of the stored table; raises an error if the table has a newer version."""
        rows = self.spark.sql(f"SHOW TBLPROPERTIES {self.identifier(table)}").collect()
        properties = {row.key: row.value for row in rows}
        stored_version(table, properties)
        return properties

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
            slice_ += f" AND run_id NOT IN ({', '.join(map(_literal, standing))})"
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
        """Remove the temporary table that `stage` wrote, if it exists."""
        staged = self._staged(name)
        path = self.address.path(staged)
        if path is None:
            self.spark.sql(f"DROP TABLE IF EXISTS {self.address.sql_name(staged)}")
        elif self.folder is not None:
            if (self.folder / staged).exists():
                shutil.rmtree(self.folder / staged)
        else:
            # Only Hadoop's file system API can delete at a URI.
            jvm: Any = self.spark.sparkContext._jvm  # noqa: SLF001
            hadoop_path = jvm.org.apache.hadoop.fs.Path(path)
            configuration = self.spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001
            hadoop_path.getFileSystem(configuration).delete(hadoop_path, True)

    def staged(self, name: str) -> DataFrame | None:
        """Read the temporary table that `stage` wrote, perhaps in an earlier run; None if it does not exist."""
        staged = self._staged(name)
        path = self.address.path(staged)
        if path is None:
            exists = self.spark.catalog.tableExists(self.address.sql_name(staged))
        else:
            exists = DeltaTable.isDeltaTable(self.spark, path)
        return self._load(self.spark.read.format("delta"), staged) if exists else None

    def _staged(self, name: str) -> str:
        safe = safe_name(name)
        return f"staging_{safe}" if self.address.schema else f"{STAGING_FOLDER}/{safe}"


def safe_name(name: str) -> str:
    """The name of a temporary table as it is stored: only letters, digits and underscores."""
    return re.sub(r"\W", "_", name)


def open_warehouse(spark: SparkSession, location: str) -> Warehouse:
    """Open the warehouse at a location, the value of `--warehouse`.

    Raises:
        UsageError: the location is not a folder, URI or schema that Spark can use.
    """
    return Warehouse(spark, find_address(spark, location))


def conform(rows: DataFrame, table: Table) -> DataFrame:
    """Select exactly the declared columns in their order, cast to their types.

    Raises:
        FailedError: columns are missing; the message lists them.
    """
    missing = [name for name in table.names if name not in rows.columns]
    if missing:
        raise FailedError(
            f"rows for table {table.name} lack the columns {', '.join(missing)}; they have {', '.join(rows.columns)}."
        )
    return rows.select(*(F.col(c.name).cast(c.type).alias(c.name) for c in table.columns))


def _properties_clause(table: Table, others: Mapping[str, str] | None = None) -> str:
    return properties_list({**dict(table.properties), VERSION_PROPERTY: str(table.version), **(others or {})})


def properties_list(properties: Mapping[str, str]) -> str:
    """Table properties for Spark SQL."""
    return ", ".join(f"{_literal(key)} = {_literal(value)}" for key, value in properties.items())


def _literal(text: str) -> str:
    """A string literal for Spark SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
