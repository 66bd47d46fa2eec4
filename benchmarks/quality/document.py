"""docs/quality.md: the table, written from the figures that were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = """# Quality

Written by `make bench-quality`; not by hand. Every row is a catalogue of known truth, cut from one catalogue and made
dirty anew, cleaned by text alone; the truth makes the labels and measures what is left, nothing else. All decide from
the same out-of-sample probabilities of the same text classifier, so that only the decision differs:

- **best guess**: ours, every listing in its likeliest category; **corrected**: ours, only the corrections that are made
  without a person, at default settings, with the share of them that is right; **after review**: ours, after people have
  settled the tenth that is least certain; **claimed**: what ours itself believes to be left by the best guess;
- **no sellers**: ours, best guess, where it is not told who sells;
- **classifier**: its own category for every listing;
- **cleanlab**: the best of its seven filters, chosen by the truth, the classifier's category in the place of each label
  that it finds wrong.

Shares of listings in the wrong category, in percent. **Bold**: the lowest of best guess, corrected, classifier and
cleanlab. A catalogue that came out dirtier than it went in is marked with !.

"""

_COLUMNS = (
    "listings",
    "before",
    "best guess",
    "corrected",
    "right",
    "after review",
    "claimed",
    "no sellers",
    "classifier",
    "cleanlab",
)


def quality_document(kept: Sequence[Mapping[str, Any]]) -> str:
    """The document.

    Args:
        kept: of every scenario what, listings, ours (the fields of `Figures`), no_sellers, and peers (filter -> error).
    """
    lines = [f"| catalogue | {' | '.join(_COLUMNS)} |", f"|---|{'--:|' * len(_COLUMNS)}", *map(_line, kept)]
    worse = [each for each in kept if each["ours"]["corrected"] > each["ours"]["before"]]
    ahead = [each for each in kept if _cleanlab(each) < min(each["ours"]["best_guess"], each["ours"]["corrected"])]
    dirtier = f"Corrections made {len(worse)} of {len(kept)} catalogues dirtier{_names(worse)}."
    behind = f"cleanlab left less than ours in {len(ahead)}{_names(ahead)}."
    return _HEAD + "\n".join([*lines, "", dirtier, behind, ""])


def _cleanlab(each: Mapping[str, Any]) -> float:
    return float(min(each["peers"].values()))


def _line(each: Mapping[str, Any]) -> str:
    ours = each["ours"]
    rivals = {
        "best": ours["best_guess"],
        "corrected": ours["corrected"],
        "classifier": 1 - ours["accuracy"],
        "cleanlab": _cleanlab(each),
    }
    least = min(rivals.values())

    def cell(name: str) -> str:
        text = f"{100 * rivals[name]:.2f}" + ("!" if rivals[name] > ours["before"] else "")
        return f"**{text}**" if rivals[name] == least else text

    right = "-" if ours["precision"] is None else f"{100 * ours['precision']:.1f}"
    plain = [f"{100 * ours[name]:.2f}" for name in ("reviewed", "claimed")]
    cells = [
        each["what"],
        f"{each['listings']:,}",
        f"{100 * ours['before']:.2f}",
        cell("best"),
        cell("corrected"),
        right,
        *plain,
        f"{100 * each['no_sellers']:.2f}",
        cell("classifier"),
        cell("cleanlab"),
    ]
    return "| " + " | ".join(cells) + " |"


def _names(kept: Sequence[Mapping[str, Any]]) -> str:
    return f" ({'; '.join(each['what'] for each in kept)})" if kept else ""
