"""What identifies an encoder. Standard library only: `make setup` reads this before any package is installed."""

from __future__ import annotations

from dataclasses import dataclass

EFFICIENTNET_LITE0 = "efficientnet_lite0"
"""The default encoder; trained on ImageNet (docs/encoders.md)."""
WEIGHTS_FILE = f"{EFFICIENTNET_LITE0}.npz"
WEIGHTS_DIGEST = "49a5a11bafb920ad4ccf4757bdfffc89e55f8d24d5d887ef3fc758addf1c26e8"
"""Of the arrays in `WEIGHTS_FILE`, as `udfs.encoders.files.arrays_digest` computes it."""

VERSION = 1
"""Raise it when the same weights would give other vectors, for example because pictures are prepared differently."""


@dataclass(frozen=True)
class EncoderSpec:
    """A frozen network that turns a picture into a vector. Vectors of different encoders cannot be compared.

    Attributes:
        name: the network's name, or the name of the local file or folder that holds it.
        version: `VERSION` of the code that encodes.
        digest: SHA-256 of the weights; for a local network, of its files.
        size: side of the square input, in pixels.
        width: length of a vector.
    """

    name: str
    version: int
    digest: str
    size: int
    width: int

    @property
    def identity(self) -> str:
        """The name under which vectors are stored; it differs for encoders whose vectors differ."""
        return f"{self.name}-v{self.version}-{self.size}px-{self.digest[:12]}"
