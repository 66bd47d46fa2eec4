"""Backgrounds, surface patterns and sensor noise: each drawn once and shared by all pictures."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from schemas.arrays import Bools

WIDTH, HEIGHT = 72, 96
"""Size of a picture in pixels."""
SCALE = 2
"""Pictures are drawn this many times larger and then reduced, for smooth edges."""

BACKDROPS = ("white", "pale", "desk", "wood", "grass", "sand", "snow", "sky", "dark", "blush", "party")
PATTERNS = ("plain", "stripes", "checks", "dots", "flowers", "weave", "grain")

_W, _H = WIDTH * SCALE, HEIGHT * SCALE
# Top colour, bottom colour, and standard deviation of the noise.
_TONES: dict[str, tuple[tuple[int, int, int], tuple[int, int, int], float]] = {
    "white": ((252, 252, 252), (240, 240, 240), 1),
    "pale": ((226, 228, 232), (200, 203, 208), 2),
    "desk": ((206, 212, 220), (150, 138, 124), 4),
    "wood": ((172, 128, 86), (146, 104, 66), 5),
    "grass": ((170, 206, 226), (92, 140, 62), 12),
    "sand": ((160, 208, 226), (222, 198, 150), 7),
    "snow": ((176, 198, 222), (244, 247, 250), 4),
    "sky": ((120, 172, 218), (206, 228, 242), 4),
    "dark": ((58, 58, 66), (28, 28, 34), 3),
    "blush": ((246, 226, 222), (234, 204, 202), 2),
    "party": ((248, 236, 206), (240, 222, 190), 2),
}
_CONFETTI = ((214, 60, 70), (58, 120, 200), (70, 160, 90), (236, 180, 40), (150, 80, 170))
_HORIZON = frozenset({"desk", "grass", "sand", "snow"})


@cache
def backdrop(name: str) -> Image.Image:
    """A backdrop in RGB, `SCALE` times the size of a picture. It is cached: copy it before drawing on it."""
    rng = np.random.default_rng(BACKDROPS.index(name))
    top, bottom, roughness = _TONES[name]
    height = np.linspace(0.0, 1.0, _H)[:, None, None]
    if name in _HORIZON:
        height = (height > 0.62) * 0.85 + 0.15 * height
    scene = np.array(top) * (1 - height) + np.array(bottom) * height + np.zeros((_H, _W, 1))
    if name == "wood":
        rows = np.arange(_H)[:, None, None]
        scene += 10 * np.sin(rows / 3.1 + 2 * np.sin(np.arange(_W)[None, :, None] / 23))
        scene *= np.where(rows % 48 < 2, 0.8, 1.0)
    scene += rng.normal(0.0, roughness, (_H, _W, 1))
    if name == "party":
        for x, y in rng.integers(0, (_W, _H), size=(60, 2)):
            scene[y : y + 6, x : x + 6] = _CONFETTI[int(rng.integers(len(_CONFETTI)))]
    return Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))


@cache
def pattern(name: str) -> Bools:
    """Mask of a pattern's second colour: twice the drawn size in both directions, so that any offset can be cut out."""
    y, x = np.mgrid[0 : 2 * _H, 0 : 2 * _W]
    rng = np.random.default_rng(PATTERNS.index(name))
    if name == "stripes":
        return np.asarray(y % 14 < 5)
    if name == "checks":
        return np.asarray((x // 11 + y // 11) % 2 == 0)
    if name == "dots":
        return np.asarray(((x + (y // 12 % 2) * 6) % 12 - 6) ** 2 + (y % 12 - 6) ** 2 < 9)
    if name == "flowers":
        angle = np.arctan2(y % 24 - 12, x % 24 - 12)
        return np.asarray(np.hypot(x % 24 - 12, y % 24 - 12) < 5 + 3.5 * np.cos(5 * angle))
    if name == "weave":
        return np.asarray((x // 2 + y // 2) % 4 < 1)
    if name == "grain":
        return np.asarray(rng.random(x.shape) < 0.18)
    return np.zeros(x.shape, dtype=np.bool_)


@cache
def grain(number: int) -> Image.Image:
    """One of several sensor noises: RGB around 128, of the picture's size."""
    rng = np.random.default_rng(1000 + number)
    noise = 128 + rng.normal(0.0, 7.0, (HEIGHT, WIDTH, 3))
    return Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
