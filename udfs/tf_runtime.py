"""TensorFlow in a Spark task or on the driver: threads, GPUs and SavedModels."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeAlias, cast

from numpy.typing import NDArray
from pyspark import TaskContext

Array: TypeAlias = NDArray[Any]
Network = Callable[..., dict[str, Array]]
"""Named arrays in, named arrays out."""

_log = logging.getLogger(__name__)


def load_network(folder: str, threads: int) -> tuple[Network, dict[str, Any]]:
    """A SavedModel's serving signature and its inputs, name -> `tf.TensorSpec`; threads as in `import_tensorflow`."""
    tf = import_tensorflow(threads)
    loaded = tf.saved_model.load(folder)

    def run(**inputs: Array) -> dict[str, Array]:
        # The closure must refer to `loaded`: the signature alone does not keep the loaded model alive.
        outputs = loaded.signatures["serving_default"](**{key: tf.constant(value) for key, value in inputs.items()})
        return {key: value.numpy() for key, value in outputs.items()}

    return run, dict(loaded.signatures["serving_default"].structured_input_signature[1])


def import_tensorflow(threads: int) -> ModuleType:
    """Import TensorFlow, limited to this task's share of the machine: `threads` threads, and the task's GPUs or none.

    If the process has already used TensorFlow, the limits do not change.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["OMP_NUM_THREADS"] = str(threads)
    addresses = _task_gpus()
    if addresses is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(addresses)
    # Not at the top of the module: threads started before Spark's daemon forks a worker can deadlock the worker.
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
    except RuntimeError as error:
        _log.debug("TensorFlow is already running in this process: %s", error)
    return cast("ModuleType", tf)


def _task_gpus() -> list[str] | None:
    """Addresses of the GPUs that Spark assigned to this task, possibly none; None outside a task."""
    context = TaskContext.get()
    if context is None:
        return None
    gpu = context.resources().get("gpu")
    return list(gpu.addresses) if gpu is not None else []
