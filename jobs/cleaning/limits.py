"""The limits on what a night, or an applied backfill, changes by itself (docs/safety.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from conf.safety_settings import LimitSettings
from jobs.cleaning.clean import Cleaned
from jobs.cleaning.steps.moves import compare, count_moves, flips, worst_segments
from jobs.lifecycle.expectations import Check
from jobs.lifecycle.pins import pins_of
from jobs.lifecycle.publications import ERASE, Publication, decider, publications, replaced_by
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.listings import follow
from schemas.errors import RefusedError
from schemas.metrics import ERROR_LEFT, FORMER_NAMES, MetricSource
from schemas.tables import CLEAN_LISTINGS, CORRECTIONS
from udfs.pseudonyms import Purpose

HELD, ACCEPTED, EXEMPT, EXCEEDED = "held", "accepted", "exempt", "exceeded"
_ACCEPT_CHANGES = "--accept-changes"
"""Values of `runs.limits`; only a dry run shows the last one."""

_SEGMENTS = {
    "left": ("max_category_share", "{moved:,} of {listings:,} listings would leave category {name} ({share:.1%})"),
    "joined": (
        "max_category_share",
        "{moved:,} of {listings:,} listings would be new in category {name} ({share:.1%})",
    ),
    "seller": ("max_seller_share", "{moved:,} of {listings:,} listings of seller {name} would move ({share:.1%})"),
}
"""Kind of `worst_segments` -> the limit, and what was found, in words."""
_METRICS = {
    "mean_quality_score": ("max_quality_fall", -1, "{name} would fall from {before:.1f} to {now:.1f} points"),
    ERROR_LEFT: ("max_error_rise", 1, "{name} would rise from {before:.1%} to {now:.1%}"),
}
"""Metric -> the limit, the direction in which it gets worse, and what was found, in words."""


@dataclass(frozen=True)
class Finding:
    """A limit and what a run would do.

    Attributes:
        setting: the name of the limit in `LimitSettings`.
        limit: its value.
        observed: what it limits.
        words: what was found, with the worst example.
    """

    setting: str
    limit: float
    observed: float
    words: str

    @property
    def is_exceeded(self) -> bool:
        """Whether the run would do more than the limit allows; a rounding error does not count."""
        return self.observed > self.limit + 1e-9

    @property
    def check(self) -> Check:
        """A row of the table gate_results. Sellers are not named."""
        return Check("limits", f"limits.{self.setting} (at most {self.limit:g})", "", not self.is_exceeded, str(self))

    def __str__(self) -> str:
        """The observed value."""
        return f"{self.observed:.6g}"


def share_findings(
    listings: int,
    moved: int,
    flipped: int,
    segments: Sequence[Row],
    example: str,
    settings: LimitSettings,
    pseudonym: Callable[[str], str],
) -> list[Finding]:
    """Compare the shares of moved listings with their limits.

    Args:
        listings: listings of the run that the base publication has as well.
        moved, flipped: how many of them move, and how many of these flip.
        segments: the rows of `worst_segments`; none if no category or seller can be above its limit.
        example: where most listings flip, in words.
        settings: the limits.
        pseudonym: of a seller.
    """
    by_kind = {row.kind: row for row in segments}
    where = ""
    if "left" in by_kind:
        most = by_kind["left"].most
        where = f"; most of them, {most.moved:,}, would leave category {most.segment}"
    enough = listings >= settings.min_listings
    total = moved / listings if enough else 0.0
    again = flipped / listings if enough else 0.0
    found = [
        Finding(
            "max_changed_share", settings.max_changed_share, total,
            f"{moved:,} of {listings:,} listings would change their category ({total:.1%}){where}",
        ),
        Finding(
            "max_flipped_share", settings.max_flipped_share, again,
            f"the corrections of {flipped:,} of {listings:,} listings would begin or change again ({again:.1%}) within "
            f"{settings.flip_nights} days{example}",
        ),
    ]  # fmt: skip
    limits = {"max_category_share": settings.max_category_share, "max_seller_share": settings.max_seller_share}
    by_setting: dict[str, Finding] = {}
    for kind, (setting, words) in _SEGMENTS.items():
        worst = by_kind[kind].worst if kind in by_kind else None
        if worst is None:
            continue
        share = worst.moved / worst.listings
        name = pseudonym(worst.segment) if kind == "seller" else worst.segment
        text = words.format(moved=worst.moved, listings=worst.listings, name=name, share=share)
        if setting not in by_setting or share > by_setting[setting].observed:
            by_setting[setting] = Finding(setting, limits[setting], share, text)
    return [*found, *by_setting.values()]


def metric_findings(before: Mapping[str, float], now: Mapping[str, float], settings: LimitSettings) -> list[Finding]:
    """Compare the change of metrics of the whole catalogue with their limits.

    Args:
        before, now: metric -> value, in the base publication and in the run. A metric that one of them lacks is left
            out.
        settings: the limits.
    """
    limits = {"max_quality_fall": settings.max_quality_fall, "max_error_rise": settings.max_error_rise}
    return [
        Finding(
            setting,
            limits[setting],
            max(direction * (now[name] - before[name]), 0.0),
            words.format(name=name, before=before[name], now=now[name]),
        )
        for name, (setting, direction, words) in _METRICS.items()
        if name in before and name in now
    ]


def confirm_first_run(base: Publication | None, *, needed: bool, accepted: bool) -> None:
    """Refuse a first run that nobody has confirmed, if the settings ask for it.

    Args:
        base: the base publication; None for a first run.
        needed: `gates.confirm_first_run`; false for a dry run.
        accepted: whether `--accept-changes` is given.

    Raises:
        RefusedError: it is not confirmed.
    """
    if base is None and needed and not accepted:
        raise RefusedError(
            "nothing was published. This is the first run, which no limit on changes holds for, and "
            "gates.confirm_first_run asks for a person's word: look at what it would publish with --dry-run, then run "
            "it with --accept-changes."
        )


def check_limits(
    run: RunContext, result: Cleaned, base: Publication | None, *, accepted: bool
) -> tuple[list[Check], RefusedError | None]:
    """Compare what a run changes with the limits, and note the outcome in the run.

    Args:
        run: the run; its pins are taken. `counts["changed"]`, `limits` and `note` are set.
        result: the run's decisions.
        base: the base publication; None for a first run, which is exempt.
        accepted: whether a person accepts changes above the limits (`--accept-changes`).

    Returns:
        Rows of gate_results; and the error with which a run that publishes must end if a limit is exceeded that nobody
        accepts. Its message names each one, with the worst example.
    """
    run.counts["changed"] = 0
    if base is None:
        run.limits = ACCEPTED if accepted else EXEMPT
        return [], None
    known = publications(run.job.warehouse, ended=True) if base.job == ERASE else []
    by = decider(base, known)
    base = replace(base, corrections=by.corrections, settings_hash=by.settings_hash)
    found = _findings(run, result, base)
    exceeded = [each for each in found if each.is_exceeded]
    checks = [each.check for each in found]
    run.limits = ACCEPTED if exceeded else HELD
    accepted_by = _ACCEPT_CHANGES if accepted else None
    if exceeded and not accepted:
        accepted_by = find_acceptance(publications(run.job.warehouse), run)
    if exceeded and accepted_by is None:
        run.limits = EXCEEDED
        return checks, RefusedError(_message(run, base, result.model_version, exceeded))
    if exceeded:
        run.note = f"accepted by {accepted_by}: " + "; ".join(each.words for each in exceeded)
    return checks, None


def find_acceptance(published: Sequence[Publication], run: RunContext) -> str | None:
    """How a person has accepted the same changes before, in words; None if nobody has.

    A run that replaces a publication whose changes a person has accepted needs no other word if it reads the same
    versions with the same settings and corrections are on or off as before: then it decides the same. What has been
    taken back is not accepted any more.

    Args:
        published: all publications.
        run: the run; its pins are taken.
    """
    settings_hash = run.job.settings.digest
    for each in replaced_by(published, run.job.name, run.run_date)[:1]:
        decided_by = (pins_of(each), each.settings_hash, each.corrections)
        is_same = decided_by == (run.pins, settings_hash, run.corrections)
        if each.limits == ACCEPTED and is_same:
            return f"{_ACCEPT_CHANGES} of {each.run_id}"
    return None


def _findings(run: RunContext, result: Cleaned, base: Publication) -> list[Finding]:
    warehouse, settings = run.job.warehouse, run.job.settings.limits
    # Not cached: most nights need it once.
    then = follow(base.read(warehouse, CLEAN_LISTINGS), result.successors, "category", "effective_category")
    compared = compare(result.own, then)
    [sizes] = count_moves(compared).collect()
    run.counts["changed"] = int(sizes.moved)
    # Most nights move a few listings, of which no category or seller can be above its limit.
    least = settings.min_listings * min(settings.max_category_share, settings.max_seller_share)
    many = sizes.moved > min(least, settings.max_changed_share * sizes.listings)
    segments = worst_segments(compared, settings.min_listings).collect() if many else []
    flipped, example = 0, ""
    if sizes.moved > settings.max_flipped_share * sizes.listings:
        corrections = follow(base.read(warehouse, CORRECTIONS), result.successors, "corrected_category")
        flipped, example = _count_flips(flips(compared, corrections, run.run_date, settings.flip_nights))
    pseudonym = partial(result.key.pseudonym, Purpose.SELLER)
    shares = share_findings(sizes.listings, sizes.moved, flipped, segments, example, settings, pseudonym)
    if run.corrections is False and base.corrections is not False:  # people know that this costs quality
        return shares
    before, now = base.own_metrics(warehouse), result.metrics
    found = metric_findings(_whole(before), _whole(now), settings)
    return shares + [_with_category(each, before, now) if each.is_exceeded else each for each in found]


def _count_flips(rows: DataFrame) -> tuple[int, str]:
    """How many listings flip, and where most of them do, in words."""
    sizes = rows.groupBy("category_before").agg(F.count(F.lit(1)).alias("n"))
    found = sizes.agg(F.sum("n").alias("n"), F.max_by(F.struct("category_before", "n"), "n").alias("most")).collect()[0]
    if not found.n:
        return 0, ""
    return int(found.n), f"; most of them, {found.most.n:,}, were in category {found.most.category_before}"


def _whole(metrics: DataFrame) -> dict[str, float]:
    """The limited metrics of the whole catalogue."""
    rows = _by_model(metrics).where((F.col("dimension") == "all") & F.col("metric").isin(*_METRICS))
    return {row.metric: row.value for row in rows.select("metric", "value").collect()}


def _by_model(metrics: DataFrame) -> DataFrame:
    """The rows that are not the audit's, with present names. A metric may be there twice: by its former name, too."""
    former = F.create_map(*(F.lit(word) for pair in FORMER_NAMES.items() for word in pair))
    kept = metrics.where(F.col("source").isNull() | (F.col("source") != MetricSource.AUDIT.value))
    return kept.withColumn("metric", F.coalesce(F.element_at(former, F.col("metric")), "metric"))


def _with_category(found: Finding, before: DataFrame, now: DataFrame) -> Finding:
    """Add the category that adds most to the change of a metric.

    Args:
        found: the output of `metric_findings`.
        before, now: rows of quality_metrics.
    """
    [(name, direction)] = [(name, sign) for name, (setting, sign, _) in _METRICS.items() if setting == found.setting]
    is_it = (F.col("dimension") == "category") & (F.col("metric") == name)
    then = _by_model(before).where(is_it).select("segment", F.col("value").alias("then"))
    joined = _by_model(now).where(is_it).join(then, "segment")
    change = direction * (F.col("value") - F.col("then")) * F.col("denominator")
    row = joined.orderBy(change.desc(), "segment").select("segment", "then", "value").first()
    if row is None:
        return found
    words = f"{found.words}, most of it in category {row.segment} (from {row.then:.4g} to {row.value:.4g})"
    return replace(found, words=words)


def possible_causes(run: RunContext, base: Publication, model_version: str) -> list[str]:
    """What has changed since the base publication besides the listings, in words.

    Args:
        run: the run.
        base: the base publication.
        model_version: version of the model that has decided.
    """
    causes = {
        f"model {model_version} instead of {base.model_version}": model_version != base.model_version,
        "a changed taxonomy": run.pins is not None and run.pins.taxonomy_version != base.taxonomy_version,
        "other settings": base.settings_hash not in (None, run.job.settings.digest),
        "people's decisions": run.pins is not None and run.pins.decisions_version != base.decisions_version,
        "corrections that are on again": run.corrections is True and base.corrections is False,
    }
    return [words for words, is_so in causes.items() if is_so]


def _message(run: RunContext, base: Publication, model_version: str, exceeded: Sequence[Finding]) -> str:
    lines = "\n".join(
        f"  - limits.{each.setting} allows {each.limit:g}, observed {each}: {each.words}" for each in exceeded
    )
    causes = possible_causes(run, base, model_version)
    cause = f"\nNew since {base.run_id}: {', '.join(causes)}." if causes else ""
    return (
        f"nothing was published. limits: {'; '.join(each.words for each in exceeded)}.\n{lines}{cause}\n"
        "Look at the result with --dry-run. If it is right, publish it once with --accept-changes, "
        "which is recorded in runs, or change a limit with --set limits.NAME=VALUE (see LimitSettings in "
        "conf/safety_settings.py). If it is not, restore the model before with `catalog-cleaner models rollback`, or "
        "the settings, or repair the data."
    )
