"""Shows long work that has stages of epochs: a bar for each stage on a terminal, elsewhere a line when a stage ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn


@dataclass
class _Stage:
    """What is known of the stage at work.

    Attributes:
        name: shown to people.
        begun: seconds at its start.
        epochs: finished ones.
        best: lowest loss.
        seconds: at its last epoch's end.
    """

    name: str
    begun: float
    epochs: int = 0
    best: float = float("inf")
    seconds: float = 0.0

    def __str__(self) -> str:
        """The line that is printed when the stage ends."""
        epochs = f"{self.epochs} epoch" + ("s" if self.epochs != 1 else "")
        return f"{self.name}: {epochs}, best loss {self.best:.4f}, {self.seconds - self.begun:.0f} s"

    def figures(self, epochs: float) -> str:
        """The text beside the bar of a stage of at most so many epochs: loss, time taken, estimate of the time left."""
        taken = self.seconds - self.begun
        left = taken / self.epochs * (epochs - self.epochs)
        return f", best loss {self.best:.4f}, {taken:.0f} s" + (f", at most {left:.0f} s left" if left else "")


class StageProgress:
    """A context manager that shows stages until it is left.

    On a terminal every planned stage has a bar from the beginning, so that what remains can be seen.
    """

    def __init__(self, console: Console, say: Callable[[str], None]) -> None:
        """Show nothing yet.

        Args:
            console: where the bars are drawn if it is a terminal.
            say: prints a line if it is not.
        """
        self._say = say
        self._bars: Progress | None = None
        if console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:.0f}/{task.total:.0f} epochs{task.fields[figures]}"),
                console=console,
            )
        self._tasks: dict[str, TaskID] = {}
        self._stage: _Stage | None = None
        self._seconds = 0.0

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
            if error is None and not task.completed:  # a planned stage that was not needed
                self._bars.update(task.id, visible=False)
        self._bars.stop()

    def plan(self, stages: Mapping[str, int]) -> None:
        """Announce the stages to come, in order: name -> epochs at most."""
        if self._bars is not None:
            for name, epochs in stages.items():
                self._tasks[name] = self._bars.add_task(name, total=epochs, figures="")

    def advance(self, name: str, loss: float, seconds: float) -> None:
        """Count an epoch of a stage; another stage than before ends the one before.

        Args:
            name: the stage's.
            loss: after the epoch.
            seconds: since the first stage began.
        """
        if self._stage is None or self._stage.name != name:
            self._end_stage()
            self._stage = _Stage(name, begun=self._seconds)
        stage = self._stage
        stage.epochs += 1
        stage.best = min(stage.best, loss)
        stage.seconds = self._seconds = seconds
        if self._bars is not None and (task := self._tasks.get(name)) is not None:
            figures = stage.figures(self._bars.tasks[task].total or stage.epochs)
            self._bars.update(task, completed=stage.epochs, figures=figures, refresh=True)

    def _end_stage(self) -> None:
        """Print the stage's line, or fill its bar: a stage may need fewer epochs than planned."""
        stage, self._stage = self._stage, None
        if stage is None:
            return
        if self._bars is None:
            self._say(str(stage))
        elif (task := self._tasks.get(stage.name)) is not None:
            self._bars.update(task, total=stage.epochs, figures=stage.figures(stage.epochs))
