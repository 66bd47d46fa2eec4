"""A command is killed and run again: what readers see between, and whether the end is as if nothing had happened."""

from __future__ import annotations

import filecmp
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from conf.load import load_settings
from jobs.cli import app
from jobs.lifecycle.publications import PUBLISHING_JOBS
from jobs.warehouse.forgetting import clear_log_cache
from schemas.tables import GATE_RESULTS, QUALITY_METRICS, QUARANTINE
from tests.crash.cases import ALREADY_DONE, CLEANS_UP_LATER, ENDS_PUBLICATIONS, Prepare
from tests.crash.contents import Contents, Published, differences, finished, published, stored
from tests.crash.events import GO_ON, KILL, Change, Ended, run_watched
from tests.end_to_end.conftest import Workspace
from training.registry import open_registry


@dataclass(frozen=True)
class Trial:
    """A command, the warehouse that it finds, and what it makes of it when nothing disturbs it.

    Attributes:
        start: the warehouse that the command finds.
        words: the command.
        before, after: what readers see before and after it.
        stored: the rows of all tables after it.
        runs: the runs that have ended after it.
    """

    start: Workspace
    words: tuple[str, ...]
    before: Published | None
    after: Published | None
    stored: Contents
    runs: Counter[tuple[str, str, str]]

    def kill(self, library: Path, warehouse: Workspace, at: Callable[[Change], bool]) -> Ended:
        """Run the command in a process of its own, and kill it before the first change that `at` chooses."""
        words = self.process(warehouse)
        return run_watched(library, warehouse.path, words, lambda change: KILL if at(change) else GO_ON)

    def copies(self, library: Path, folder: Path, at: Callable[[Change], bool]) -> tuple[Ended, list[Change]]:
        """Run the command to its end, and copy the warehouse before each change that `at` chooses.

        No other change is made meanwhile, so a copy is what a kill at that moment would leave. The copies are in the
        folder, named 0, 1, 2 ...

        Returns:
            How the command ended, and the changes before which a copy was made.
        """
        running = self.start.copy(folder / "running")
        copied: list[Change] = []

        def before(change: Change) -> int:
            if at(change):
                running.copy(folder / str(len(copied)))
                copied.append(change)
            return GO_ON

        return run_watched(library, running.path, self.process(running), before), copied

    def problems(self, left: Workspace) -> str:
        """Read what a killed command has left, run the command again and compare. Empty if all is well."""
        found = [] if self._is_untouched(left) else [self._reading(published(left.warehouse))]
        result = CliRunner().invoke(app, [*self.words, "--warehouse", str(left.path), "--profile", "test"])
        done = ALREADY_DONE in result.stderr
        if result.exit_code and not done:
            found.append(f"the second run ended with {result.exit_code}: {result.stderr[-600:]}")
        else:
            found.append(differences(self._once(stored(left.warehouse)), self._once(self.stored)))
            if self.words[0] in PUBLISHING_JOBS:
                last = published(left.warehouse)
                shown = [self._once(each.tables) if each else {} for each in (last, self.after)]
                found.append(differences(*shown))
            if missing := self.runs - finished(left.warehouse):
                found.append(f"runs lacks {dict(missing)}")
            found += [f"left behind: {path}" for path in self._left_behind(left, later=done)]
            found.append(_unreadable_models(left.path))
        clear_log_cache(left.spark)
        return "\n".join(line for line in found if line)

    def _once(self, contents: Contents) -> Contents:
        """The contents with each row once of tables in which a second run adds equal rows.

        A killed ingest that had changed the listings is done. Running it again is a second delivery of the same file,
        and each delivery records its unusable rows. A killed `backfill --apply` that had published is done, too: the
        second run is a publication of its own, with equal figures and checks.
        """
        tables = {QUARANTINE.name, *((QUALITY_METRICS.name, GATE_RESULTS.name) if "--apply" in self.words else ())}
        return {name: Counter(set(rows)) if name in tables else rows for name, rows in contents.items()}

    def _left_behind(self, left: Workspace, *, later: bool) -> list[str]:
        """What a killed command has left, and the next run that should remove it has not.

        The markers of all commands are removed alike, so `maintain` need not run for one.

        Args:
            left: the warehouse.
            later: whether the second run had nothing to do, so that a later one removes it.
        """
        found = _leftovers(left.path)
        if not later and self.words[0] not in CLEANS_UP_LATER:
            return found
        if all(path.startswith("_starts/") for path in found):
            return []
        left.run("maintain")
        return _leftovers(left.path)

    def _is_untouched(self, left: Workspace) -> bool:
        """Whether `runs` and all files of the tables are still as the command found them, so that readers must be, too.

        This is a matter of milliseconds, and reading a publication is one of seconds.
        """
        runs = [sorted(each.path.glob("runs/_delta_log/*.json")) for each in (self.start, left)]
        files = [path for path in self.start.path.rglob("*") if path.is_file() and path.parts[-2] != "mlflow"]
        pairs = [(path, left.path / path.relative_to(self.start.path)) for path in files if path.suffix != ".lock"]
        return len(runs[0]) == len(runs[1]) and all(copy.exists() and _same(path, copy) for path, copy in pairs)

    def _reading(self, seen: Published | None) -> str:
        if seen is None or self.before is None or self.after is None:
            allowed = seen is None and (self.before is None or self.words[0] in ENDS_PUBLICATIONS)
            return "" if allowed else "readers saw no publication"
        expected = self.before if seen.run_id == self.before.run_id else self.after
        wrong = differences(seen.tables, expected.tables)
        return f"readers saw something else than a whole publication: {wrong}" if wrong else ""

    def process(self, warehouse: Workspace) -> list[str]:
        """The command as a process of its own."""
        words = [sys.executable, "-m", "jobs.cli", *self.words]
        return [*words, "--warehouse", str(warehouse.path), "--profile", "test"]


def prepare(case: Prepare, base: Workspace, folder: Path) -> Trial:
    """Make the warehouse that a command finds, and run the command undisturbed on a copy."""
    start = base.copy(folder / "start")
    words = case(start, folder)
    before = published(start.warehouse)
    undisturbed = start.copy(folder / "undisturbed")
    undisturbed.run(*words)
    warehouse = undisturbed.warehouse
    return Trial(start, words, before, published(warehouse), stored(warehouse), finished(warehouse))


def _same(path: Path, copy: Path) -> bool:
    return path.stat().st_size == copy.stat().st_size and filecmp.cmp(path, copy, shallow=False)


def _leftovers(warehouse: Path) -> list[str]:
    found = [*warehouse.glob("_staging/*"), *warehouse.glob("_work/*"), *warehouse.glob("_starts/*")]
    return sorted(str(path.relative_to(warehouse)) for path in (*found, *warehouse.glob("_lock.json")))


def _unreadable_models(warehouse: Path) -> str:
    registry = open_registry(warehouse, str(warehouse), load_settings("test").registry)
    champion = registry.champion_version()
    loaded = [registry.model(model.version).version for model in registry.models()]
    return "" if champion in loaded else f"the champion {champion} is not among the models {loaded}"
