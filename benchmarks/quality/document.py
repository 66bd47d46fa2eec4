"""Writes docs/quality.md from the kept results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.quality.charts import RULES, WORLDS_CHART
from benchmarks.quality.picture_sizes import ROWS as PICTURE_ROWS
from benchmarks.quality.regrets import regret_rows
from benchmarks.quality.worlds import World

_HEAD = """# Quality

`make bench-quality` writes this page. Every row is a world: a part of one catalogue with known truth with new label
errors, or a generated catalogue; cleaned by text alone, or by text and pictures if its name says so. The truth makes
the labels and measures the result. All methods start from the same out-of-sample probabilities of the same classifier,
trained on the given labels:

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

All {listings:,} listings through `ingest` ({ingest:.0f} s), `encode` ({encode:.0f} s), `train` ({train:.0f} s) and
`nightly` ({nightly:.0f} s) with default settings, on the machine that wrote this page. The error of each source alone,
and of our combination. cleanlab uses our fused model's out-of-sample probabilities and its best filter, chosen by the
truth. Wrong, in percent of the listings for which the source has an answer:

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
Quality against training time, without encoding: accuracy of the classifier alone, error of the best guess:

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


_TRUST = """
## How far to trust the classifier, by world

[trust.md](trust.md) explains the rule. Regret of the best guess in percentage points: what it leaves wrong, less the
least that the label, the classifier or the same posterior under the best scale leaves. Mean, and in brackets the worst
world, by source and number of listings ({worlds} worlds, sellers known). Dirtier: worlds of 1,000 listings or more with
more wrong categories than before.

"""

_SIZES = """
## Size of the pictures

The side of the encoder's input in pixels; pictures encoded per second on the machine that wrote this page; accuracy of
the picture branch alone, on listings with a usable picture. A sample of {rows} listings, trained on the given labels,
out of sample:

| pixels | pictures a second | right |
|--:|--:|--:|
"""


def quality_document(
    kept: Mapping[str, Mapping[str, Any]],
    worlds: Sequence[tuple[World, Mapping[str, Any]]],
    sizes: Sequence[tuple[int, float, float]],
    full: Mapping[str, Any],
    charts: Sequence[tuple[str, str]],
) -> str:
    """The text of the report.

    Args:
        kept: title -> result of `benchmarks.quality.scenario.measure_scenario`.
        worlds: the results of `benchmarks.quality.world_regret.measure_worlds`.
        sizes: the result of `benchmarks.quality.picture_sizes.measure_sizes`.
        full: the result of `benchmarks.quality.full_catalogue.measure_full_catalogue`.
        charts: file name, below the folder `quality`, and title of each chart.
    """
    head = [f"| catalogue | {' | '.join(_COLUMNS)} |", f"|---|{'--:|' * len(_COLUMNS)}"]
    lines = [*head, *(_line(title, each) for title, each in kept.items())]
    worse = [title for title, each in kept.items() if each["ours"]["corrected"] > each["ours"]["before"]]
    cleanlab_better = [
        title
        for title, each in kept.items()
        if _cleanlab(each) < min(each["ours"]["best_guess"], each["ours"]["corrected"])
    ]
    worsened = f"Corrections made {len(worse)} of {len(kept)} catalogues worse{_names(worse)}."
    comparison = f"cleanlab left less than ours in {len(cleanlab_better)}{_names(cleanlab_better)}."
    images = {name: f"![{what}](quality/{name})\n" for name, what in charts}
    trust = [_TRUST.format(worlds=len(worlds)) + _regrets(worlds), "", images.pop(WORLDS_CHART)]
    rows = [f"| {size} | {speed:.0f} | {100 * right:.2f} |" for size, speed, right in sizes]
    pictures = _SIZES.format(rows=f"{PICTURE_ROWS:,}") + "\n".join([*rows, ""])
    parts = [*lines, "", worsened, comparison, "\n".join(trust)]
    return _HEAD + "\n".join(parts) + pictures + _full_catalogue(full, list(images.values()))


def _regrets(worlds: Sequence[tuple[World, Mapping[str, Any]]]) -> str:
    head, rows = regret_rows(worlds, RULES)
    # A table as wide as all groups of worlds is hard to read: a row for each group.
    lines = [f"| worlds | {' | '.join(row[0] for row in rows)} |", f"|---|{'---|' * len(rows)}"]
    lines += [f"| {name} | {' | '.join(row[i] for row in rows)} |" for i, name in enumerate(head) if i]
    return "\n".join(lines)


def _full_catalogue(full: Mapping[str, Any], images: Sequence[str]) -> str:
    lines = [f"| {what} | {100 * answers:.1f} | {100 * wrong:.2f} |" for what, wrong, answers in full["rows"]]
    precision = f"Of the automatic corrections {100 * full['precision']:.1f} % are right."
    head = _FULL.format(listings=full["listings"], **full["seconds"])
    branches = [f"| {what} | {100 * model:.2f} | {100 * best:.2f} |" for what, model, best in full["branches"]]
    minutes = [
        f"| {what} | {took / 60:.1f} | {100 * right:.2f} | {100 * error:.2f} |"
        for what, took, right, error in full["minutes"]
    ]
    leak = [f"| {what} | {' | '.join(f'{100 * share:.2f}' for share in shares)} |" for what, *shares in full["leak"]]
    tables = {_BRANCHES: branches, _MINUTES: minutes, _LEAK: leak}
    below = [start + "\n".join(rows) for start, rows in tables.items()]
    return head + "\n".join([*lines, "", precision, *below, "", *images])


def _cleanlab(each: Mapping[str, Any]) -> float:
    return float(min(each["peers"].values()))


def _line(title: str, each: Mapping[str, Any]) -> str:
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
        title,
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


def _names(titles: Sequence[str]) -> str:
    return f" ({'; '.join(titles)})" if titles else ""
