"""Early stopping: stop when the loss no longer falls, and restore the weights of the best epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.network import Tensor


class EarlyStopping:
    """Monitors a loss that is the same on every rank, so that all ranks stop together.

    Attributes:
        curve: the loss after each epoch.
    """

    def __init__(self, variables: Sequence[Tensor], patience: int) -> None:
        """Keep the initial values of the variables as the best so far.

        Args:
            variables: the variables to restore.
            patience: number of epochs without a lower loss after which to stop.
        """
        self._variables, self._patience = list(variables), patience
        self._best = [variable.numpy() for variable in self._variables]
        self.curve: list[float] = []

    def record(self, loss: float) -> None:
        """Add an epoch's loss; if it is the lowest so far, keep the variables' values."""
        if not self.curve or loss < min(self.curve):
            self._best = [variable.numpy() for variable in self._variables]
        self.curve.append(loss)

    @property
    def should_stop(self) -> bool:
        """Whether the best epoch was at least `patience` epochs ago."""
        return len(self.curve) - 1 - int(np.argmin(self.curve)) >= self._patience

    def restore(self) -> None:
        """Set the variables to their values after the best epoch."""
        for variable, value in zip(self._variables, self._best, strict=True):
            variable.assign(value)
