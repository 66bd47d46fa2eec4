"""The log of a Delta table, read by Delta's own classes: SQL would run two Spark queries for each question."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

from jobs.warehouse.signing import Signature, read_signature

_LAST_COMMITS = 50
_COMMIT_INFO = '{"commitInfo":'


@dataclass(frozen=True)
class TableLog:
    """The log of a stored table.

    Attributes:
        spark: the Spark session.
        log: Delta's object for it, in the JVM.
    """

    spark: SparkSession
    log: Any

    def version(self) -> int:
        """The newest version."""
        return int(self._snapshot().version())

    def properties(self) -> dict[str, str]:
        """The properties of the newest version."""
        # As JSON, because each key and value of a map would be a call of its own to the JVM.
        return dict(json.loads(self._snapshot().metadata().json())["metaData"]["configuration"])

    def checkpoint(self) -> int:
        """Write a checkpoint of the newest version; returns the version."""
        version = self.version()
        self.log.checkpoint()
        return version

    def signatures(self) -> Iterator[tuple[int, Signature | None]]:
        """The last 50 versions that the log still has, newest first, and who made them; None: another program.

        The log's files are read one by one, as the versions are asked for.
        """
        for version in islice(range(self.version(), -1, -1), _LAST_COMMITS):
            try:
                yield version, read_signature(self._user_metadata(version))
            except Py4JJavaError as error:
                if "FileNotFoundException" not in str(error.java_exception):
                    raise
                return  # Delta has removed the log from here on

    def own_version(self, run_id: str) -> int | None:
        """The newest version that a run has made; None if none of the last 50 is the run's."""
        own = (version for version, signature in self.signatures() if signature and signature.run_id == run_id)
        return next(own, None)

    def _user_metadata(self, version: int) -> str | None:
        path = self._jvm().org.apache.spark.sql.delta.util.FileNames.unsafeDeltaFile(self.log.logPath(), version)
        lines = self.log.store().readAsIterator(path, self.log.newDeltaHadoopConf())
        try:
            while lines.hasNext():
                line = str(lines.next())
                if line.startswith(_COMMIT_INFO):
                    metadata = json.loads(line)["commitInfo"].get("userMetadata")
                    return None if metadata is None else str(metadata)
        finally:
            lines.close()
        return None

    def _snapshot(self) -> Any:  # noqa: ANN401 - an object of the JVM
        none = self._jvm().scala.Option.empty()
        return self.log.update(False, none, none)

    def _jvm(self) -> Any:  # noqa: ANN401 - an object of the JVM
        return self.spark.sparkContext._jvm  # noqa: SLF001
