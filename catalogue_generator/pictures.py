"""Draws product pictures: the shape depends on the category, colour and pattern on the product, backdrop on the seller.

Most pictures show the product turned, bent, cut off or small, as sellers' photographs do. Some are close-ups of its
surface, some show its parcel, some show a second product beside it. Pictures add what titles lack (a "classic shoe
black" is visibly a loafer) and mislead where siblings look alike.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from catalogue_generator.backdrops import BACKDROPS, HEIGHT, PATTERNS, SCALE, WIDTH, backdrop, grain, pattern
from catalogue_generator.outline import BODY, PATTERN, TRIM, Outline, outline_of
from catalogue_generator.vocabulary import COLOURS

UNIFORMS = 32
"""How many random numbers a picture uses."""

_W, _H = WIDTH * SCALE, HEIGHT * SCALE
_CLOSE_UP, _PARCEL, _PAIR = 0.07, 0.13, 0.23
"""Cumulative shares of close-ups, parcels and pictures with a second product; the others show the product alone."""
_GRAINS = 16
_NEUTRALS = ((40, 40, 44), (236, 234, 228), (196, 160, 84), (150, 154, 160), (120, 84, 54))
_FIXED = {3: (44, 44, 50), 4: (222, 222, 218), 5: (156, 112, 70), 6: (196, 220, 228), 8: (232, 190, 160)}


@dataclass(frozen=True)
class Subject:
    """What a picture shows.

    Attributes:
        product_type: label of the product type, which selects the drawing.
        companion: another product type, which some pictures show beside it.
        colour: letter of `vocabulary.COLOURS`.
        pattern: of the surface; empty: any.
        backdrop: the background; empty: the seller's usual one.
        seller: the seller's number, which selects the usual backdrop.
    """

    product_type: str
    companion: str
    colour: str
    pattern: str
    backdrop: str
    seller: int


def draw_picture(subject: Subject, uniforms: Sequence[float], quality: int = 82) -> bytes:
    """Draw a picture as a JPEG of `WIDTH` x `HEIGHT` pixels.

    Args:
        subject: what it shows.
        uniforms: `UNIFORMS` random numbers in [0, 1).
        quality: of the JPEG, 1 to 95.
    """
    u = uniforms
    canvas = Image.new("L", (_W, _H))
    size = 0.72 + 0.34 * u[1]
    if u[0] < _CLOSE_UP:
        _trace(canvas, outline_of(subject.product_type), u, size * 2.6)
    elif u[0] < _PARCEL:
        _trace(canvas, outline_of("Parcel"), u, size)
    elif u[0] < _PAIR:
        _trace(canvas, outline_of(subject.companion), u, size * 0.6, (0.45, -0.55))
        _trace(canvas, outline_of(subject.product_type), u, size * 0.85, (-0.12, 0.2))
    else:
        _trace(canvas, outline_of(subject.product_type), u, size)
    surface = subject.pattern or PATTERNS[int(u[11] ** 5 * len(PATTERNS))]
    if surface != "plain":
        paints = np.array(canvas)
        left, top = int(u[12] * _W), int(u[13] * _H)
        paints[(paints == BODY) & pattern(surface)[top : top + _H, left : left + _W]] = PATTERN
        canvas = Image.fromarray(paints)
    behind = subject.backdrop or BACKDROPS[(subject.seller * 7 if u[14] < 0.6 else int(u[15] * 1000)) % len(BACKDROPS)]
    scene = backdrop(behind).copy()
    mask = canvas.point(_OPAQUE)
    canvas.putpalette(_palette(subject.colour, u))
    scene.paste(canvas.convert("RGB"), (0, 0), mask)
    picture = ImageChops.add(scene.reduce(SCALE), grain(int(u[20] * _GRAINS)), 1, int(-128 + 50 * (u[21] - 0.5)))
    with io.BytesIO() as file:
        picture.save(file, "JPEG", quality=quality)
        return file.getvalue()


def draw_blank(uniforms: Sequence[float]) -> bytes:
    """A picture of a single colour, as a JPEG; uses three random numbers."""
    colour = tuple(int(256 * u) for u in uniforms[:3])
    with io.BytesIO() as file:
        Image.new("RGB", (WIDTH, HEIGHT), colour).save(file, "JPEG")
        return file.getvalue()


_OPAQUE = [0] + [255] * 255


def _trace(
    canvas: Image.Image, outline: Outline, u: Sequence[float], size: float, offset: tuple[float, float] = (0.0, 0.0)
) -> None:
    """Draw an outline's paints, bent, stretched, turned, scaled and shifted at random.

    Args:
        canvas: an image of mode L that stores paint numbers.
        outline: what to draw.
        u: the picture's random numbers.
        size: relative to the canvas width; 1 fills it.
        offset: of the centre from the canvas's centre, in half widths.
    """
    x, y = (outline.points.T - 50.0) / 50.0
    bent_x = x + 0.12 * (u[2] - 0.5) * np.sin(3.0 * y + 6.3 * u[3]) + 0.25 * (u[4] - 0.5) * y
    bent_y = y + 0.12 * (u[5] - 0.5) * np.sin(3.0 * x + 6.3 * u[6])
    bent_x *= (0.84 + 0.32 * u[7]) * (-1.0 if u[8] < 0.4 else 1.0)
    angle = 0.55 * (u[9] - 0.5) * abs(2 * u[10] - 1)
    cos, sin, half = np.cos(angle), np.sin(angle), _W / 2
    centre_x = half * (1.0 + offset[0] + 0.22 * (u[16] - 0.5))
    centre_y = _H / 2 + half * (offset[1] + 0.3 * (u[17] - 0.5))
    points = np.column_stack(
        (
            centre_x + size * half * 0.96 * (cos * bent_x - sin * bent_y),
            centre_y + size * half * 0.96 * (sin * bent_x + cos * bent_y),
        )
    )
    pen = ImageDraw.Draw(canvas)
    flat = points.ravel().tolist()
    for piece in outline.pieces:
        corners = flat[2 * piece.start : 2 * piece.stop]
        if piece.width:
            pen.line(corners, fill=piece.paint, width=max(1, round(piece.width * size * half / 50)))
        else:
            pen.polygon(corners, fill=piece.paint)


def _palette(colour: str, u: Sequence[float]) -> list[int]:
    """The palette of RGB values, by paint number."""
    base = np.array(COLOURS[colour].rgb) + 44.0 * (np.array(u[22:25]) - 0.5)
    trim = (
        np.array(_NEUTRALS[int(u[25] * len(_NEUTRALS))]) if u[26] < 0.5 else base * (0.6 if base.mean() > 90 else 1.9)
    )
    accent = base * 0.72 if base.mean() > 110 else base * 1.1 + 60
    colours = {**_FIXED, BODY: base, TRIM: trim, PATTERN: accent}
    return [int(min(255, max(0, value))) for paint in range(10) for value in colours.get(paint, (0, 0, 0))]
