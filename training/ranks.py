"""The only module that uses Horovod: it starts the ranks on Spark and wraps their collective operations."""

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
        return np.asarray(self.hvd.allreduce(np.asarray(values), op=self.hvd.Sum))

    def all_gather(self, values: Array) -> Array:
        """The arrays of all ranks, concatenated; their first dimension may differ."""
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


def run_on_ranks(
    function: str,
    arguments: tuple[Any, ...],
    *,
    ranks: int,
    code: str,
    failure: Path,
    timeout_seconds: int,
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
        timeout_seconds: how long the ranks may take to start.

    Returns:
        The return value of each rank, in rank order.

    Raises:
        FailedError: a rank failed, or Spark did not start all ranks in time; the traceback is on standard error.
    """
    import horovod.spark

    module, name = function.split(":")
    pickled, reason = pickle.dumps(arguments), str(failure)

    # A nested function is pickled by value, so it can add the project to `sys.path` before it imports from it.
    def start() -> Any:
        import importlib
        import pickle
        import sys
        from contextlib import suppress
        from pathlib import Path

        sys.path.insert(0, code)
        try:
            return getattr(importlib.import_module(module), name)(*pickle.loads(pickled))  # noqa: S301 - sent by the driver
        except Exception as error:
            # The other ranks fail soon after because this one is gone; only the first error is written.
            with suppress(FileExistsError), Path(reason).open("x", encoding="utf-8") as file:
                file.write(f"{type(error).__name__}: {error}")
            raise

    # Horovod imports TensorFlow itself: here to detect its features, and in the tasks before our code runs.
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
        if failure.is_file():
            raise FailedError(f"a rank of the training failed: {failure.read_text(encoding='utf-8')}") from error
        raise FailedError(
            f"the {ranks} ranks of the training did not all start within {timeout_seconds} s, or one was killed. "
            f"No model was registered. Make sure that Spark can run {ranks} tasks at once and that the memory is "
            "sufficient, or increase train.start_timeout_seconds."
        ) from error
