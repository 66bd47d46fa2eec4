"""docs/quality.md: the table, written from the figures that were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = """# Quality

Written by `make bench-quality`; not by hand. Every row is a catalogue of known truth, cut from one catalogue and made
dirty anew, cleaned by text alone; the truth makes the labels and measures what is left, nothing else. All begin with
the same out-of-sample probabilities of the same text classifier, taught the labels as they are:

- **best guess**: ours, every listing in its likeliest category; **corrected**: ours, only the corrections that are made
  without a person, at default settings, with the share of them that is right; **after review**: ours, after people have
  settled the tenth that is least certain; **claimed**: what ours itself believes to be left by the best guess;
- **audited**: what the best guess leaves of the other listings once people have judged 400 drawn at random (at most
  half of them), and what ours then believes: errors that every seller makes, or that look for listings which are hard
  to tell, no method sees, but an audit does;
- **one pass**: ours, best guess, without the second pass, in which the classifier is taught what is likely true;
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
    "audited",
    "claimed then",
    "one pass",
    "no sellers",
    "classifier",
    "cleanlab",
)


_WHOLE = """
## The whole catalogue, with pictures

All {listings:,} listings through `ingest` ({ingest:.0f} s), `train` ({train:.0f} s) and `nightly` ({nightly:.0f} s)
with default settings, on the machine that wrote this. What each witness says by itself, and what ours makes of them;
cleanlab works on our fused model's out-of-sample probabilities, with the filter that leaves least, chosen by the truth.
Wrong, in percent of the listings of which something is said:

| who decides | answers | wrong |
|---|--:|--:|
"""

_BRANCHES = """
The branches on the same listings, which have a text and a usable picture: weights fitted for each set of branches,
wrong by the classifier alone and by the best guess, which weighs label and seller, too:

| branches | classifier | best guess |
|---|--:|--:|
"""

_MINUTES = """
What each minute of training buys: right by the classifier alone, wrong by the best guess:

| taught | minutes | right | wrong |
|---|--:|--:|--:|
"""

_LEAK = """
In the second pass a little of each listing's own label comes back to it through what the other listings have taught;
with nested folds nothing does, at many times the cost and on less data. 6,000 listings, texts alone, with one label in
twenty made wrong by us beforehand (canaries): right by the classifier alone, wrong by the best guess, and how many
canaries it undoes:

| taught | right | wrong | canaries undone |
|---|--:|--:|--:|
"""


def quality_document(
    kept: Sequence[Mapping[str, Any]], whole: Mapping[str, Any], pictures: Sequence[tuple[str, str]]
) -> str:
    """The document.

    Args:
        whole: as `benchmarks.quality.whole.measure_whole` gives it.
        pictures: file name, below the folder `quality`, and what is shown.
        kept: of every scenario what, listings, ours (the fields of `Figures`), one_pass, no_sellers and classifier
            (errors), and peers (filter -> error).
    """
    lines = [f"| catalogue | {' | '.join(_COLUMNS)} |", f"|---|{'--:|' * len(_COLUMNS)}", *map(_line, kept)]
    worse = [each for each in kept if each["ours"]["corrected"] > each["ours"]["before"]]
    ahead = [each for each in kept if _cleanlab(each) < min(each["ours"]["best_guess"], each["ours"]["corrected"])]
    dirtier = f"Corrections made {len(worse)} of {len(kept)} catalogues dirtier{_names(worse)}."
    behind = f"cleanlab left less than ours in {len(ahead)}{_names(ahead)}."
    return _HEAD + "\n".join([*lines, "", dirtier, behind, ""]) + _whole(whole, pictures)


def _whole(whole: Mapping[str, Any], pictures: Sequence[tuple[str, str]]) -> str:
    lines = [f"| {what} | {100 * answers:.1f} | {100 * wrong:.2f} |" for what, wrong, answers in whole["rows"]]
    precision = f"Of the automatic corrections {100 * whole['precision']:.1f} % are right."
    shown = [f"![{what}](quality/{name})\n" for name, what in pictures]
    head = _WHOLE.format(listings=whole["listings"], **whole["seconds"])
    branches = [f"| {what} | {100 * model:.2f} | {100 * best:.2f} |" for what, model, best in whole["branches"]]
    wrong = {what: error for what, error, _ in whole["rows"]}
    model, best = (wrong[what] for what in ("text and picture fused", "ours: best guess"))
    everything = ("texts, and pictures (the default)", whole["seconds"]["train"], 1 - model, best)
    minutes = [
        f"| {what} | {took / 60:.1f} | {100 * right:.2f} | {100 * error:.2f} |"
        for what, took, right, error in (*whole["minutes"], everything)
    ]
    leak = [f"| {what} | {' | '.join(f'{100 * share:.2f}' for share in shares)} |" for what, *shares in whole["leak"]]
    tables = {_BRANCHES: branches, _MINUTES: minutes, _LEAK: leak}
    below = [start + "\n".join(rows) for start, rows in tables.items()]
    return head + "\n".join([*lines, "", precision, *below, "", *shown])


def _cleanlab(each: Mapping[str, Any]) -> float:
    return float(min(each["peers"].values()))


def _line(each: Mapping[str, Any]) -> str:
    ours = each["ours"]
    rivals = {
        "best": ours["best_guess"],
        "corrected": ours["corrected"],
        "classifier": each["classifier"],
        "cleanlab": _cleanlab(each),
    }
    least = min(rivals.values())

    def cell(name: str) -> str:
        text = f"{100 * rivals[name]:.2f}" + ("!" if rivals[name] > ours["before"] else "")
        return f"**{text}**" if rivals[name] == least else text

    right = "-" if ours["precision"] is None else f"{100 * ours['precision']:.1f}"
    plain = [f"{100 * ours[name]:.2f}" for name in ("reviewed", "claimed", "audited_best_guess", "audited_claimed")]
    cells = [
        each["what"],
        f"{each['listings']:,}",
        f"{100 * ours['before']:.2f}",
        cell("best"),
        cell("corrected"),
        right,
        *plain,
        f"{100 * each['one_pass']:.2f}",
        f"{100 * each['no_sellers']:.2f}",
        cell("classifier"),
        cell("cleanlab"),
    ]
    return "| " + " | ".join(cells) + " |"


def _names(kept: Sequence[Mapping[str, Any]]) -> str:
    return f" ({'; '.join(each['what'] for each in kept)})" if kept else ""
