"""The only module that uses Horovod: it starts the ranks on Spark and wraps their collective operations."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.errors import FailedError
from training.heartbeat import HEARTBEAT

Array = NDArray[Any]
Tensor: TypeAlias = Any
"""TensorFlow ships no types."""
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}
"""Hide TensorFlow's notices about the CPU."""


@dataclass(frozen=True)
class Ranks:
    """One rank's view of a training run. Every method but `init` is a collective operation: all ranks must call it.

    Attributes:
        rank, size: index of this rank, and number of ranks.
        local_size: number of ranks on this machine.
        hvd: the module `horovod.tensorflow`.
    """

    rank: int
    size: int
    local_size: int
    hvd: Any

    @staticmethod
    def init() -> Ranks:
        """Initialise Horovod; a process that `run_on_ranks` did not start is the only rank."""
        # The driver imports this module too, but only rank processes may load TensorFlow.
        import horovod.tensorflow as hvd

        hvd.init()
        return Ranks(rank=hvd.rank(), size=hvd.size(), local_size=hvd.local_size(), hvd=hvd)

    @property
    def threads(self) -> int:
        """This rank's share of the machine's cores, at least 1."""
        return max(len(os.sched_getaffinity(0)) // self.local_size, 1)

    def mean(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """The gradients averaged over the ranks; call it inside the graph of the training step."""
        if self.size == 1:
            return list(gradients)
        return list(self.hvd.grouped_allreduce(list(gradients), op=self.hvd.Average))

    def sum(self, values: Sequence[float] | Array) -> Array:
        """The element-wise sum over the ranks; the array has the same shape on every rank."""
        HEARTBEAT.beat()
        return np.asarray(self.hvd.allreduce(np.asarray(values), op=self.hvd.Sum))

    def all_gather(self, values: Array) -> Array:
        """The arrays of all ranks, concatenated; their first dimension may differ."""
        HEARTBEAT.beat()
        return np.asarray(self.hvd.allgather(values))

    def broadcast_value(self, value: Any) -> Any:
        """The value of rank 0."""
        return self.hvd.broadcast_object(value, root_rank=0) if self.size > 1 else value

    def max(self, value: int) -> int:
        """The maximum over the ranks."""
        return int(self.all_gather(np.array([value], np.int64)).max())

    def average_variables(self, variables: Sequence[Tensor]) -> None:
        """Set the variables of every rank to their mean over the ranks."""
        if self.size > 1:
            for variable, value in zip(variables, self.mean(variables), strict=True):
                variable.assign(value)

    def broadcast_variables(self, variables: Sequence[Tensor]) -> None:
        """Set the variables of every rank to those of rank 0."""
        if self.size > 1:
            self.hvd.broadcast_variables(list(variables), root_rank=0)


@dataclass(frozen=True)
class Limits:
    """How long to wait for ranks.

    Attributes:
        start_seconds: how long they may take to start.
        silent_seconds: how long they may make no progress.
    """

    start_seconds: int
    silent_seconds: int


def run_on_ranks(
    function: str,
    arguments: tuple[Any, ...],
    *,
    ranks: int,
    code: str,
    failure: Path,
    heartbeat: Path,
    limits: Limits,
) -> list[Any]:
    """Run a function of this project on every rank, each in its own process started by a Spark task.

    Args:
        function: its module and name, for example `training.worker:train_rank`; it must call `Ranks.init`. It is given
            by name so that the driver does not import what the ranks import.
        arguments: its arguments; they must be picklable.
        ranks: number of processes; Spark must have at least as many task slots.
        code: a zip of this project that every node can read, because rank processes do not get `--py-files`.
        failure: a file that does not exist yet, in a folder that every node can access. The first rank that fails
            writes its error there.
        heartbeat: a file in such a folder, too. The function must touch it (`training.heartbeat`) while it makes
            progress.
        limits: how long to wait.

    Returns:
        The return value of each rank, in rank order.

    Raises:
        FailedError: a rank failed, Spark did not start all ranks in time, or they made no progress; the traceback is on
            standard error.
    """
    import horovod.spark

    module, name = function.split(":")
    pickled, reason, pulse = pickle.dumps(arguments), str(failure), str(heartbeat)

    # A nested function is pickled by value, so it can add the project to `sys.path` before it imports from it.
    def start() -> Any:
        import importlib
        import pickle
        import sys
        from contextlib import suppress
        from pathlib import Path

        sys.path.insert(0, code)
        Path(pulse).touch()
        try:
            return getattr(importlib.import_module(module), name)(*pickle.loads(pickled))  # noqa: S301 - sent by the driver
        except Exception as error:
            # The other ranks fail soon after because this one is gone; only the first error is written.
            with suppress(FileExistsError), Path(reason).open("x", encoding="utf-8") as file:
                file.write(f"{type(error).__name__}: {error}")
            raise

    # Horovod imports TensorFlow itself: here to detect its features, and in the tasks before our code runs.
    os.environ.update(_QUIET)
    silent = threading.Event()
    try:
        with _own_signal_handlers(), _stopped_when_silent(heartbeat, limits, silent):
            return list(
                horovod.spark.run(
                    start,
                    num_proc=ranks,
                    use_gloo=True,
                    start_timeout=limits.start_seconds,
                    verbose=0,
                    env=dict(_QUIET),
                    stdout=sys.stderr,
                    stderr=sys.stderr,
                    executable=os.environ.get("PYSPARK_PYTHON", sys.executable),
                )
            )
    except Exception as error:
        if silent.is_set():
            raise FailedError(
                f"the ranks of the training made no progress for {limits.silent_seconds} s, so they were stopped. No "
                "model was registered. Perhaps a machine or the drive with the training set does not answer: run the "
                "command again. If they are only slow, increase train.rank_silence_seconds."
            ) from error
        if failure.is_file():
            raise FailedError(f"a rank of the training failed: {failure.read_text(encoding='utf-8')}") from error
        raise FailedError(
            f"the {ranks} ranks of the training did not all start within {limits.start_seconds} s, or one was killed. "
            f"No model was registered. Make sure that Spark can run {ranks} tasks at once and that the memory is "
            "sufficient, or increase train.start_timeout_seconds."
        ) from error


@contextmanager
def _stopped_when_silent(heartbeat: Path, limits: Limits, silent: threading.Event) -> Iterator[None]:
    """Stop the ranks that the block runs when they make no progress for too long; the event is set before.

    Args:
        heartbeat: the file that they touch. Its time is only compared with itself, because clocks differ.
        limits: before the first touch, they may also take the time to start.
        silent: set when they are stopped.
    """
    from pyspark import SparkContext

    ended = threading.Event()

    def watch() -> None:
        seen, until = None, time.monotonic() + limits.start_seconds + limits.silent_seconds
        while not ended.wait(min(1.0, limits.silent_seconds / 10)):
            touched = heartbeat.stat().st_mtime_ns if heartbeat.exists() else None
            if touched != seen:
                seen, until = touched, time.monotonic() + limits.silent_seconds
            elif time.monotonic() > until:
                silent.set()
                # Spark kills the process of each task, and with it ends the rank that it has started.
                SparkContext.getOrCreate().cancelAllJobs()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


@contextmanager
def _own_signal_handlers() -> Iterator[None]:
    """Restore the handlers of Ctrl-C and SIGTERM: Horovod sets its own, which would ignore both afterwards."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)
