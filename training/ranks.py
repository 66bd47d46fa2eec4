"""Horovod, and nothing else: starting the ranks on Spark and what they say to each other."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Ranks:
    """The ranks of a training run, seen from one of them. Every method but `mean` is a meeting of all ranks."""

    rank: int
    size: int
    local_size: int

    @staticmethod
    def join() -> Ranks:
        """Meet the other ranks; alone, where the process was not started by `run_on_ranks`."""
        import horovod.tensorflow as hvd

        hvd.init()
        return Ranks(rank=hvd.rank(), size=hvd.size(), local_size=hvd.local_size())

    def mean(self, gradients: Sequence[Any]) -> list[Any]:
        """Gradients averaged over the ranks; to be called inside the training step's graph."""
        import horovod.tensorflow as hvd

        if self.size == 1:
            return list(gradients)
        return list(hvd.grouped_allreduce(list(gradients), op=hvd.Average))

    def total(self, values: Sequence[float] | NDArray[Any]) -> NDArray[Any]:
        """The sum over the ranks of an array of the same shape on each."""
        import horovod.tensorflow as hvd
        import tensorflow as tf

        return np.asarray(hvd.allreduce(tf.constant(np.asarray(values)), op=hvd.Sum))

    def largest(self, value: int) -> int:
        """The largest of the ranks' values."""
        import horovod.tensorflow as hvd
        import tensorflow as tf

        return int(np.max(np.asarray(hvd.allgather(tf.constant([value], tf.int64)))))

    def equalize(self, variables: Sequence[Any]) -> None:
        """Set every rank's variables to their mean over the ranks."""
        if self.size > 1:
            import horovod.tensorflow as hvd

            for variable, value in zip(variables, hvd.grouped_allreduce(list(variables), op=hvd.Average), strict=True):
                variable.assign(value)

    def broadcast(self, variables: Sequence[Any]) -> None:
        """Set every rank's variables to those of rank 0."""
        if self.size > 1:
            import horovod.tensorflow as hvd

            hvd.broadcast_variables(list(variables), root_rank=0)


def run_on_ranks(
    function: Callable[..., dict[str, Any]],
    arguments: tuple[Any, ...],
    *,
    ranks: int,
    code: str | None,
    timeout_seconds: int,
) -> list[dict[str, Any]]:
    """Run a function of ours on every rank, each in a process of its own beside a Spark task.

    Args:
        function: a module-level function of this project; it calls `Ranks.join`.
        arguments: its arguments, picklable.
        ranks: processes; Spark must have as many task slots.
        code: a zip of this project that every node can read; a rank's process knows nothing of
            `--py-files`. None: the project is importable there already.
        timeout_seconds: how long the ranks may take to come up.

    Returns:
        What each rank returned, in rank order.

    Raises:
        Exception: a rank failed (its own error is on its standard error), or Spark had no slots in time.
    """
    import horovod.spark

    module, name, pickled = function.__module__, function.__qualname__, cloudpickle.dumps(arguments)

    # A nested function is pickled by value, so the rank can find our modules before it needs them.
    def start() -> Any:
        import importlib
        import sys

        if code is not None and code not in sys.path:
            sys.path.insert(0, code)
        import cloudpickle

        return getattr(importlib.import_module(module), name)(*cloudpickle.loads(pickled))

    return list(
        horovod.spark.run(
            start,
            num_proc=ranks,
            use_gloo=True,
            start_timeout=timeout_seconds,
            verbose=0,
            stdout=sys.stderr,
            stderr=sys.stderr,
            executable=os.environ.get("PYSPARK_PYTHON", sys.executable),
        )
    )
