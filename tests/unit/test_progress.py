"""Progress of a training: one line per stage in a log, bars on a terminal."""

from __future__ import annotations

import io
import re

from rich.console import Console

from jobs.console.progress import StageProgress

STAGES = {"text model, first pass": 6, "picture model, member 1 of 1": 4}
STEPS = [
    ("text model, first pass", 2.0, 3.0),
    ("text model, first pass", 1.62644, 6.0),
    ("text model, first pass", 1.7, 41.2),
    ("picture model, member 1 of 1", 0.5, 60.2),
]


def show(console: Console, lines: list[str], upto: int = len(STEPS)) -> None:
    with StageProgress(console, lines.append) as progress:
        progress.plan(STAGES)
        for name, loss, seconds in STEPS[:upto]:
            progress.advance(name, loss, seconds)


def test_a_log_has_one_line_per_stage() -> None:
    lines: list[str] = []
    out = io.StringIO()
    show(Console(file=out, force_terminal=False), lines)
    assert lines == [
        "text model, first pass: 3 steps, best loss 1.6264, 41 s",
        "picture model, member 1 of 1: 1 step, best loss 0.5000, 19 s",
    ]
    assert out.getvalue() == ""


def test_a_log_has_a_line_a_minute_during_a_long_stage() -> None:
    lines: list[str] = []
    with StageProgress(Console(file=io.StringIO(), force_terminal=False), lines.append) as progress:
        progress.plan(STAGES)
        for step, seconds in enumerate((30.0, 61.0, 90.0, 180.0, 200.0)):
            progress.advance("text model, first pass", 2.0 - step / 10, seconds)
        progress.advance("text model, second pass", 1.0, 250.0)
        progress.advance("text model, second pass", 0.9, 330.0)
    assert lines == [
        "text model, first pass: step 2 of at most 6, best loss 1.9000, 61 s, at most 122 s left",
        "text model, first pass: step 4 of at most 6, best loss 1.7000, 180 s, at most 90 s left",
        "text model, first pass: 5 steps, best loss 1.6000, 200 s",
        "text model, second pass: step 2 of at most 2, best loss 0.9000, 130 s",
        "text model, second pass: 2 steps, best loss 0.9000, 130 s",
    ]


def test_nothing_is_printed_for_a_training_that_never_started() -> None:
    lines: list[str] = []
    show(Console(file=io.StringIO(), force_terminal=False), lines, upto=0)
    assert lines == []


def test_a_terminal_shows_a_bar_for_every_stage_and_at_the_end_those_that_were_needed() -> None:
    lines: list[str] = []
    out = io.StringIO()
    show(Console(file=out, force_terminal=True, width=120, color_system=None), lines, upto=2)
    assert lines == []
    first, last = (
        f"{name} [━╸╺ ]+ {steps} steps{loss}"
        for name, steps, loss in [
            ("text model, first pass", "1/6", ", best loss 2.0000, 3 s, at most 15 s left"),
            ("text model, first pass", "2/2", ", best loss 1.6264, 6 s"),
        ]
    )
    waiting = "picture model, member 1 of 1 [━╸╺ ]+ 0/4 steps"
    frames = out.getvalue()
    assert re.search(first, frames)
    assert re.search(waiting, frames)
    end = frames[frames.rindex("text model, first pass") :]
    assert re.match(last, end)
    assert not re.search(waiting, end)
