"""Horovod, and nothing else: starting the ranks on Spark and what they say to each other."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.errors import FailedError

Array = NDArray[Any]
Tensor: TypeAlias = Any
"""TensorFlow ships no types."""
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}
"""Without TensorFlow's notices about the processor."""


@dataclass(frozen=True)
class Ranks:
    """The ranks of a training run, seen from one of them. Every method is a meeting of all ranks.

    Attributes:
        rank, size: this rank's number and how many there are.
        local_size: how many share this machine.
        hvd: Horovod.
    """

    rank: int
    size: int
    local_size: int
    hvd: Any

    @staticmethod
    def init() -> Ranks:
        """Meet the other ranks; alone, where the process was not started by `run_on_ranks`."""
        # Only a rank's process loads TensorFlow: the driver imports this module, too.
        import horovod.tensorflow as hvd

        hvd.init()
        return Ranks(rank=hvd.rank(), size=hvd.size(), local_size=hvd.local_size(), hvd=hvd)

    def mean(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Gradients averaged over the ranks; to be called inside the training step's graph."""
        if self.size == 1:
            return list(gradients)
        return list(self.hvd.grouped_allreduce(list(gradients), op=self.hvd.Average))

    def sum(self, values: Sequence[float] | Array) -> Array:
        """The sum over the ranks of an array of the same shape on each."""
        return np.asarray(self.hvd.allreduce(np.asarray(values), op=self.hvd.Sum))

    def all_gather(self, values: Array) -> Array:
        """The ranks' arrays one after the other; they may differ in their first dimension."""
        return np.asarray(self.hvd.allgather(values))

    def broadcast_value(self, value: Any) -> Any:
        """What rank 0 has."""
        return self.hvd.broadcast_object(value, root_rank=0) if self.size > 1 else value

    def max(self, value: int) -> int:
        """The largest of the ranks' values."""
        return int(self.all_gather(np.array([value], np.int64)).max())

    def average_variables(self, variables: Sequence[Tensor]) -> None:
        """Set every rank's variables to their mean over the ranks."""
        if self.size > 1:
            for variable, value in zip(variables, self.mean(variables), strict=True):
                variable.assign(value)

    def broadcast_variables(self, variables: Sequence[Tensor]) -> None:
        """Set every rank's variables to those of rank 0."""
        if self.size > 1:
            self.hvd.broadcast_variables(list(variables), root_rank=0)


def run_on_ranks(
    function: str, arguments: tuple[Any, ...], *, ranks: int, code: str, failure: Path, timeout_seconds: int
) -> list[Any]:
    """Run a function of ours on every rank, each in a process of its own beside a Spark task.

    Args:
        function: its module and name, `training.worker:train_rank`; it calls `Ranks.init`. Named, not
            imported, so that the driver need not load what the ranks load.
        arguments: its arguments, of our own classes and plain values.
        ranks: processes; Spark must have as many task slots.
        code: a zip of this project that every node can read: a rank's process knows nothing of `--py-files`.
        failure: a file that is not there yet, in a folder that every node sees: the first rank to fail says there why.
        timeout_seconds: how long the ranks may take to come up.

    Returns:
        What each rank returned, in rank order.

    Raises:
        FailedError: a rank failed; its traceback is on standard error.
        Exception: Spark had no slots in time.
    """
    import horovod.spark

    module, name = function.split(":")
    pickled, reason = pickle.dumps(arguments), str(failure)

    # A nested function is pickled by value: the rank can put our modules on its path before it needs them.
    def start() -> Any:
        import importlib
        import pickle
        import sys
        from contextlib import suppress
        from pathlib import Path

        sys.path.insert(0, code)
        try:
            return getattr(importlib.import_module(module), name)(*pickle.loads(pickled))  # noqa: S301 - what the driver sent
        except Exception as error:
            # The others fail soon after, for want of this one.
            with suppress(FileExistsError), Path(reason).open("x", encoding="utf-8") as file:
                file.write(f"{type(error).__name__}: {error}")
            raise

    # Horovod loads TensorFlow by itself, here to see what it can do, and in the tasks before our code runs.
    os.environ.update(_QUIET)
    try:
        return list(
            horovod.spark.run(
                start,
                num_proc=ranks,
                use_gloo=True,
                start_timeout=timeout_seconds,
                verbose=0,
                env=dict(_QUIET),
                stdout=sys.stderr,
                stderr=sys.stderr,
                executable=os.environ.get("PYSPARK_PYTHON", sys.executable),
            )
        )
    except Exception as error:
        if not failure.is_file():
            raise
        raise FailedError(f"a rank of the training failed: {failure.read_text(encoding='utf-8')}") from error
