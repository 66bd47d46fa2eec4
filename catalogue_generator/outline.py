"""Reads product drawings from a text notation: a box of 100 x 100, y downwards, later pieces on top of earlier ones.

A drawing is a list of pieces separated by semicolons, each a letter for its shape, a digit for its paint and numbers:

* ``P`` polygon: x y x y ...; ``S`` the same with smoothed corners;
* ``R`` rectangle: left top right bottom; ``Q`` the same with smoothed corners; ``E`` ellipse in such a rectangle;
* ``L`` line: width, x y x y ...;
* ``A`` arc: width, left top right bottom, from and to in degrees, clockwise.

Paints: 0 background, 1 the product's colour, 2 its second colour, 3 dark, 4 light, 5 wood, 6 glass, 8 skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from catalogue_generator import drawings_fashion, drawings_household
from schemas.arrays import Floats

BODY, TRIM, PATTERN = 1, 2, 7
"""Paints whose colour depends on the product; PATTERN is the second colour of the body's pattern."""

_ROUND = 20
"""Points of an ellipse."""


@dataclass(frozen=True)
class Piece:
    """A piece of a drawing.

    Attributes:
        paint: number of its paint.
        width: line width in the box's units; 0: a filled polygon.
        start: index of its first point in the outline's points.
        stop: index after its last point.
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
def outline_of(product_type: str) -> Outline:
    """The drawing of a product type, given its label."""
    text = drawings_fashion.DRAWINGS.get(product_type) or drawings_household.DRAWINGS[product_type]
    pieces: list[Piece] = []
    points: list[Floats] = []
    count = 0
    for part in filter(None, (part.strip() for part in text.split(";"))):
        head, *rest = part.split()
        width, corners = _points(head[0], [float(number) for number in rest])
        points.append(corners)
        pieces.append(Piece(int(head[1]), width, count, count + len(corners)))
        count += len(corners)
    return Outline(tuple(pieces), np.concatenate(points))


def _points(shape: str, numbers: list[float]) -> tuple[float, Floats]:
    """A piece's width (0: filled) and its points."""
    if shape == "L":
        return numbers[0], np.array(numbers[1:]).reshape(-1, 2)
    if shape == "A":
        return numbers[0], _arc(numbers[1:5], numbers[5], numbers[6])
    if shape == "E":
        return 0.0, _arc(numbers, 0.0, 360.0)
    if shape in "RQ":
        left, top, right, bottom = numbers
        numbers = [left, top, right, top, right, bottom, left, bottom]
    corners = np.array(numbers).reshape(-1, 2)
    return 0.0, _smooth(_smooth(corners)) if shape in "SQ" else corners


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
