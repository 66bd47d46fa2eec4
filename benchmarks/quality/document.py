"""Writes docs/quality.md from the kept results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = """# Quality

`make bench-quality` writes this page. Every row is a part of one catalogue with known truth, with new label
errors, cleaned by text alone. The truth makes the labels and measures the result. All methods start
from the same out-of-sample probabilities of the same text classifier, trained on the given labels:

- **best guess**: ours, every listing in its most probable category; **corrected**: ours, only the automatic corrections
  at default settings, with the share of them that is right; **after review**: ours, after people have reviewed the
  least certain tenth; **claimed**: the error that our posterior expects of the best guess;
- **audited**: the error of the best guess on the other listings after people have reviewed 400 random ones (at most
  half of all), and the error that the posterior then expects (**claimed then**). No method can find errors that every
  seller makes, or errors on listings that are hard to distinguish; an audit can;
- **one pass**: ours, best guess, without the second pass, which trains the classifier on the posterior;
- **no sellers**: ours, best guess, without seller ids;
- **classifier**: the classifier's own category for every listing;
- **cleanlab**: the best of its seven filters, chosen by the truth; each label that it finds wrong is replaced by the
  classifier's category.

Shares of listings in the wrong category, in percent. **Bold**: the lowest of best guess, corrected, classifier and
cleanlab. A value above **before** is marked with !.

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


_FULL = """
## The whole catalogue, with pictures

All {listings:,} listings through `ingest` ({ingest:.0f} s), `train` ({train:.0f} s) and `nightly` ({nightly:.0f} s)
with default settings, on the machine that wrote this page. The error of each source alone, and of our combination.
cleanlab uses our fused model's out-of-sample probabilities and its best filter, chosen by the truth. Wrong, in percent
of the listings for which the source has an answer:

| source | answers | wrong |
|---|--:|--:|
"""

_BRANCHES = """
The branches on the listings that have a text and a usable picture. Weights are fitted for each set of branches. Errors
of the classifier alone, and of the best guess, which also uses label and seller:

| branches | classifier | best guess |
|---|--:|--:|
"""

_MINUTES = """
Quality against training time: accuracy of the classifier alone, error of the best guess:

| training | minutes | right | wrong |
|---|--:|--:|--:|
"""

_LEAK = """
In the second pass, a little of each listing's own label leaks back through the soft labels of other listings. Nested
folds prevent this, at many times the cost and with less data. 6,000 listings, texts alone, with one label in twenty
made wrong beforehand (canaries): accuracy of the classifier, error of the best guess, share of canaries corrected:

| training | right | wrong | canaries corrected |
|---|--:|--:|--:|
"""


def quality_document(
    kept: Sequence[Mapping[str, Any]], full: Mapping[str, Any], charts: Sequence[tuple[str, str]]
) -> str:
    """The text of the report.

    Args:
        kept: for each scenario what, listings, ours (the fields of `Metrics`), one_pass, no_sellers and classifier
            (errors), and peers (filter -> error).
        full: the result of `benchmarks.quality.full_catalogue.measure_full_catalogue`.
        charts: file name, below the folder `quality`, and title of each chart.
    """
    lines = [f"| catalogue | {' | '.join(_COLUMNS)} |", f"|---|{'--:|' * len(_COLUMNS)}", *map(_line, kept)]
    worse = [each for each in kept if each["ours"]["corrected"] > each["ours"]["before"]]
    cleanlab_better = [
        each for each in kept if _cleanlab(each) < min(each["ours"]["best_guess"], each["ours"]["corrected"])
    ]
    worsened = f"Corrections made {len(worse)} of {len(kept)} catalogues worse{_names(worse)}."
    comparison = f"cleanlab left less than ours in {len(cleanlab_better)}{_names(cleanlab_better)}."
    return _HEAD + "\n".join([*lines, "", worsened, comparison, ""]) + _full_catalogue(full, charts)


def _full_catalogue(full: Mapping[str, Any], charts: Sequence[tuple[str, str]]) -> str:
    lines = [f"| {what} | {100 * answers:.1f} | {100 * wrong:.2f} |" for what, wrong, answers in full["rows"]]
    precision = f"Of the automatic corrections {100 * full['precision']:.1f} % are right."
    images = [f"![{what}](quality/{name})\n" for name, what in charts]
    head = _FULL.format(listings=full["listings"], **full["seconds"])
    branches = [f"| {what} | {100 * model:.2f} | {100 * best:.2f} |" for what, model, best in full["branches"]]
    wrong = {what: error for what, error, _ in full["rows"]}
    model, best = (wrong[what] for what in ("text and picture fused", "ours: best guess"))
    everything = ("texts, and pictures (the default)", full["seconds"]["train"], 1 - model, best)
    minutes = [
        f"| {what} | {took / 60:.1f} | {100 * right:.2f} | {100 * error:.2f} |"
        for what, took, right, error in (*full["minutes"], everything)
    ]
    leak = [f"| {what} | {' | '.join(f'{100 * share:.2f}' for share in shares)} |" for what, *shares in full["leak"]]
    tables = {_BRANCHES: branches, _MINUTES: minutes, _LEAK: leak}
    below = [start + "\n".join(rows) for start, rows in tables.items()]
    return head + "\n".join([*lines, "", precision, *below, "", *images])


def _cleanlab(each: Mapping[str, Any]) -> float:
    return float(min(each["peers"].values()))


def _line(each: Mapping[str, Any]) -> str:
    ours = each["ours"]
    errors = {
        "best": ours["best_guess"],
        "corrected": ours["corrected"],
        "classifier": each["classifier"],
        "cleanlab": _cleanlab(each),
    }
    lowest = min(errors.values())

    def cell(name: str) -> str:
        text = f"{100 * errors[name]:.2f}" + ("!" if errors[name] > ours["before"] else "")
        return f"**{text}**" if errors[name] == lowest else text

    right = "-" if ours["precision"] is None else f"{100 * ours['precision']:.1f}"
    shares = [f"{100 * ours[name]:.2f}" for name in ("reviewed", "claimed", "audited_best_guess", "audited_claimed")]
    cells = [
        each["what"],
        f"{each['listings']:,}",
        f"{100 * ours['before']:.2f}",
        cell("best"),
        cell("corrected"),
        right,
        *shares,
        f"{100 * each['one_pass']:.2f}",
        f"{100 * each['no_sellers']:.2f}",
        cell("classifier"),
        cell("cleanlab"),
    ]
    return "| " + " | ".join(cells) + " |"


def _names(kept: Sequence[Mapping[str, Any]]) -> str:
    return f" ({'; '.join(each['what'] for each in kept)})" if kept else ""
