"""Drawings as text: the outlines of a product in a box of 100 x 100, y downwards, later pieces above earlier ones.

A drawing is a list of pieces separated by semicolons, each a letter for its form, a digit for its paint and numbers:

* ``P`` polygon: x y x y ...; ``S`` the same with smoothed corners;
* ``R`` rectangle: left top right bottom; ``Q`` the same with smoothed corners; ``E`` ellipse in such a box;
* ``L`` line: width, x y x y ...;
* ``A`` arc: width, left top right bottom, from and to in degrees, clockwise.

Paints: 0 background, 1 the product's colour, 2 its second colour, 3 dark, 4 light, 5 wood, 6 glass, 8 skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from catalogue_generator import shapes_household, shapes_worn
from schemas.arrays import Floats

BODY, TRIM, PATTERN = 1, 2, 7
"""Paints that pictures choose by product: PATTERN is what a pattern adds to the body, SHADOW lies below it."""

_ROUND = 20
"""Corners of an ellipse."""


@dataclass(frozen=True)
class Piece:
    """A piece of a drawing.

    Attributes:
        paint: its colour, by number.
        width: of a line, in the box's units; 0: a filled polygon.
        start: its first point in the outline's points.
        stop: after its last point.
    """

    paint: int
    width: float
    start: int
    stop: int


@dataclass(frozen=True)
class Outline:
    """A drawing: its pieces and all their points, shape (m, 2), x and y in 0 to 100."""

    pieces: tuple[Piece, ...]
    points: Floats


@cache
def outline_of(good: str) -> Outline:
    """The drawing of a good, by its label."""
    text = shapes_worn.SHAPES.get(good) or shapes_household.SHAPES[good]
    pieces: list[Piece] = []
    points: list[Floats] = []
    count = 0
    for part in filter(None, (part.strip() for part in text.split(";"))):
        head, *rest = part.split()
        width, corners = _corners(head[0], [float(number) for number in rest])
        points.append(corners)
        pieces.append(Piece(int(head[1]), width, count, count + len(corners)))
        count += len(corners)
    return Outline(tuple(pieces), np.concatenate(points))


def _corners(form: str, numbers: list[float]) -> tuple[float, Floats]:
    """A piece's width (0: filled) and its points."""
    if form == "L":
        return numbers[0], np.array(numbers[1:]).reshape(-1, 2)
    if form == "A":
        return numbers[0], _arc(numbers[1:5], numbers[5], numbers[6])
    if form == "E":
        return 0.0, _arc(numbers, 0.0, 360.0)
    if form in "RQ":
        left, top, right, bottom = numbers
        numbers = [left, top, right, top, right, bottom, left, bottom]
    corners = np.array(numbers).reshape(-1, 2)
    return 0.0, _smooth(_smooth(corners)) if form in "SQ" else corners


def _arc(box: list[float], start: float, stop: float) -> Floats:
    left, top, right, bottom = box
    angles = np.radians(np.linspace(start, stop, _ROUND))
    return np.column_stack(
        (
            (left + right) / 2 + (right - left) / 2 * np.cos(angles),
            (top + bottom) / 2 + (bottom - top) / 2 * np.sin(angles),
        )
    )


def _smooth(corners: Floats) -> Floats:
    """Cut every corner of a closed polygon (Chaikin, 1974)."""
    following = np.roll(corners, -1, axis=0)
    return np.stack((0.8 * corners + 0.2 * following, 0.2 * corners + 0.8 * following), axis=1).reshape(-1, 2)
