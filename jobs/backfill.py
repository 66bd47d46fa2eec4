"""`catalog-cleaner backfill`: judge the catalogue as it was on past dates."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from typing import Annotated

import typer

from jobs.backfilling.days import Day, Days
from jobs.backfilling.plan import Plan, find_unfinished, make_plan, record_event
from jobs.console.command import as_command, run_command
from jobs.console.job import Job, clock
from jobs.console.options import parse_date
from jobs.console.summary import Section, Summary
from jobs.features.encoders import bundled_encoder
from jobs.features.encoding import encode_pictures
from jobs.lifecycle.run_context import RunContext, run_context
from jobs.warehouse.inputs import require_listings
from schemas.errors import UsageError
from schemas.tables import LISTINGS
from training.registry import open_registry

FromOption = Annotated[
    dt.date, typer.Option("--from", parser=parse_date, metavar="YYYY-MM-DD", help="First date to judge.")
]
ToOption = Annotated[dt.date, typer.Option("--to", parser=parse_date, metavar="YYYY-MM-DD", help="Last date to judge.")]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="VERSION", help="Version of the model that judges; default: the champion."),
]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what the backfill would find, but keep nothing but vectors of pictures."),
]


def backfill(
    job: Job, first: FromOption, last: ToOption, version: ModelOption = None, dry_run: DryRunOption = False
) -> Summary:
    """Judge the catalogue as it was on past dates.

    Each date is judged with the listings as they had been delivered by its end, and with the decisions that people had
    made by then. The results go to the tables backfill_decisions and backfill_predictions; nothing that nights have
    published changes. A backfill that was killed is continued by the same command: dates that are done are kept.

    Content is judged once. A picture is used if its vector is still kept; otherwise the text decides, and the column
    image_status says not_kept.

    Exit codes: 0 success; 1 failure, finished dates are kept; 2 invalid usage or settings.
    """
    warehouse = job.warehouse
    require_listings(warehouse)
    if not first <= last <= job.started_at.date():
        raise UsageError(
            f"--from {first} --to {last}: give two dates in order, none later than today ({job.started_at.date()})."
        )
    registry = open_registry(warehouse.folder, warehouse.location, job.settings.registry)
    model = registry.model(version or registry.champion_version())
    # A dry run keeps its rows in staged tables, which other jobs would remove.
    with run_context(job, last, dry_run, exclusive=dry_run) as run, ExitStack() as at_end:
        run.model_version = model.version
        plan = _plan(run, first, last, model.version, dry_run)
        encode_pictures(run, bundled_encoder(model.bundle), plan.versions[LISTINGS.name])
        days = Days(run, plan, model, at_end, dry_run=dry_run)
        done = days.done()
        found = []
        for place, date in enumerate(plan.dates, 1):
            if date in done:
                continue
            day = days.judge(date)
            found.append(day)
            run.counts = {name: run.counts.get(name, 0) + count for name, count in day.counts.items()}
            job.print_progress(f"{date} ({place} of {(last - first).days + 1}): {_describe(day)}")
        if not dry_run:
            record_event(run, plan, "done", clock())
        return _summarise(run, plan, found, len(done), dry_run)


def _plan(run: RunContext, first: dt.date, last: dt.date, version: str, dry_run: bool) -> Plan:
    job = run.job
    plan = None if dry_run else find_unfinished(run, first, last, version)
    if plan is not None:
        job.print_progress(f"{run.run_id}: continuing {plan.backfill_id} with model {version}")
        return plan
    plan = make_plan(run, first, last, version)
    job.print_progress(f"{run.run_id}: judging {first} to {last} with model {version}")
    if not dry_run:
        record_event(run, plan, "begun", job.started_at)
    return plan


def _describe(day: Day) -> str:
    counts = day.counts
    if not counts["listings"]:
        return "no listings yet"
    text = (
        f"{counts['listings']:,} listings, {counts['rows_current']:,} judged, {counts['corrected']:,} corrected, "
        f"{counts['referred']:,} referred"
    )
    return text if day.differing is None else f"{text}, {day.differing:,} unlike the night"


def _summarise(run: RunContext, plan: Plan, days: list[Day], kept: int, dry_run: bool) -> Summary:
    rows = [
        (
            str(day.date),
            day.counts["listings"],
            day.counts["rows_current"],
            day.counts["corrected"],
            day.counts["referred"],
            day.without_picture,
            day.differing,
        )
        for day in days
    ]
    title = f"Backfill of {plan.first} to {plan.last}"
    facts: dict[str, object] = {
        "backfill_id": plan.backfill_id,
        "run_id": run.run_id,
        "model_version": plan.model_version,
        "dates_judged": len(days),
        "dates_kept": kept,
        **{name: count for name, count in run.counts.items() if name.startswith("rows_")},
    }
    read = f"read_published(warehouse, 'backfill_decisions').where(\"backfill_id = '{plan.backfill_id}'\")"
    return Summary(
        f"Dry run: {title[0].lower()}{title[1:]}, nothing kept" if dry_run else title,
        facts,
        sections=(
            Section(
                "by date",
                ("date", "listings", "judged", "corrected", "referred", "without_picture", "unlike_the_night"),
                rows,
                key="dates",
            ),
        ),
        hints=()
        if dry_run
        else (f"The decisions about each listing:  {read}", "Nothing that nights have published has changed."),
        hidden_if_zero=("dates_kept", "rows_superseded", "rows_quarantined"),
    )


main = as_command("backfill", backfill)

if __name__ == "__main__":
    run_command(main)
