"""Early stopping: the weights of the best epoch, and when to give up waiting for a better one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.network import Tensor


class BestEpoch:
    """Watches a loss that is the same on every rank, so that all stop together.

    Attributes:
        curve: the loss after each epoch.
    """

    def __init__(self, variables: Sequence[Tensor], patience: int) -> None:
        """Watch over variables.

        Args:
            variables: what is kept of the best epoch.
            patience: epochs without a better loss before `worn_out` says so.
        """
        self._variables, self._patience = list(variables), patience
        self._kept = [variable.numpy() for variable in self._variables]
        self.curve: list[float] = []

    def seen(self, loss: float) -> None:
        """Note an epoch's loss; its weights are kept if it is the best so far."""
        if not self.curve or loss < min(self.curve):
            self._kept = [variable.numpy() for variable in self._variables]
        self.curve.append(loss)

    @property
    def worn_out(self) -> bool:
        """Whether the last better epoch is too long ago."""
        return len(self.curve) - 1 - int(np.argmin(self.curve)) >= self._patience

    def restore(self) -> None:
        """Set the variables to what they were after the best epoch."""
        for variable, value in zip(self._variables, self._kept, strict=True):
            variable.assign(value)
