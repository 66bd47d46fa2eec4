"""Shows the progress of training: one bar per stage on a terminal; in a log, a line a minute and one for each stage.

A step is a member of the text branch, or an epoch of the picture branch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

_LINE_SECONDS = 60.0
"""Least time between two lines about a stage that is in progress."""


@dataclass
class _Stage:
    """The stage in progress.

    Attributes:
        name: name to show.
        started: seconds from the start of the first stage to the start of this one.
        steps: number of finished steps.
        best: lowest loss so far.
        seconds: seconds from the start of the first stage to the end of the last step.
    """

    name: str
    started: float
    steps: int = 0
    best: float = float("inf")
    seconds: float = 0.0

    def __str__(self) -> str:
        """The line to print when the stage ends."""
        steps = f"{self.steps} step" + ("s" if self.steps != 1 else "")
        return f"{self.name}: {steps}, best loss {self.best:.4f}, {self.seconds - self.started:.0f} s"

    def figures(self, steps: float) -> str:
        """The text next to the bar: loss, time taken and estimated time left.

        Args:
            steps: maximum number of steps of the stage.
        """
        taken = self.seconds - self.started
        left = taken / self.steps * (steps - self.steps)
        return f", best loss {self.best:.4f}, {taken:.0f} s" + (f", at most {left:.0f} s left" if left else "")


class StageProgress:
    """A context manager that shows the progress of stages.

    On a terminal every planned stage has a bar from the beginning, so that the remaining work is visible.
    """

    def __init__(self, console: Console, print_line: Callable[[str], None]) -> None:
        """Create the display without showing it.

        Args:
            console: draws the bars if it is a terminal.
            print_line: if it is not, prints a line for each finished stage, and for steps of long ones.
        """
        self._print_line = print_line
        self._bars: Progress | None = None
        if console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:.0f}/{task.total:.0f} steps{task.fields[figures]}"),
                console=console,
            )
        self._planned: dict[str, int] = {}
        self._tasks: dict[str, TaskID] = {}
        self._stage: _Stage | None = None
        self._seconds = self._printed = 0.0

    def __enter__(self) -> StageProgress:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_stage()
        if self._bars is None:
            return
        for task in self._bars.tasks:
            if error is None and not task.completed:  # a planned stage that was skipped
                self._bars.update(task.id, visible=False)
        self._bars.stop()

    def plan(self, stages: Mapping[str, int]) -> None:
        """Add the planned stages in order: name -> maximum number of steps."""
        self._planned.update(stages)
        if self._bars is not None:
            for name, steps in stages.items():
                self._tasks[name] = self._bars.add_task(name, total=steps, figures="")

    def advance(self, name: str, loss: float, seconds: float) -> None:
        """Count a finished step. The first step of a stage ends the previous stage.

        Args:
            name: name of the stage.
            loss: loss after the step.
            seconds: seconds since the start of the first stage.
        """
        if self._stage is None or self._stage.name != name:
            self._end_stage()
            self._stage = _Stage(name, started=self._seconds)
        stage = self._stage
        stage.steps += 1
        stage.best = min(stage.best, loss)
        stage.seconds = self._seconds = seconds
        planned = max(self._planned.get(name, 0), stage.steps)
        figures = stage.figures(planned)
        if self._bars is None:
            if seconds - self._printed >= _LINE_SECONDS:
                self._print_line(f"{name}: step {stage.steps} of at most {planned}{figures}")
                self._printed = seconds
        elif (task := self._tasks.get(name)) is not None:
            self._bars.update(task, completed=stage.steps, figures=figures, refresh=True)

    def _end_stage(self) -> None:
        """Print the stage's line or fill its bar. A stage may end before the maximum number of steps."""
        stage, self._stage = self._stage, None
        if stage is None:
            return
        if self._bars is None:
            self._print_line(str(stage))
            self._printed = self._seconds
        elif (task := self._tasks.get(stage.name)) is not None:
            self._bars.update(task, total=stage.steps, figures=stage.figures(stage.steps))
