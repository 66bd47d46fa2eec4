"""`catalog-cleaner backfill`: judge past dates, an archive of old listings, or a part of today's catalogue."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from jobs.backfilling.apply import apply_backfill
from jobs.backfilling.archive import Archive
from jobs.backfilling.choosing import Selection, read_ids
from jobs.backfilling.days import Day, Days
from jobs.backfilling.plan import Plan, Scope, finish, take_plan
from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.options import AcceptChangesOption, parse_date
from jobs.console.summary import Section, Summary
from jobs.features.encoders import Encoder, bundled_encoder
from jobs.features.encoding import encode_pictures
from jobs.ingestion.files import refuse_existing, refuse_missing
from jobs.lifecycle.pseudonym_key import key_of_model
from jobs.lifecycle.run_context import RunContext, run_context
from schemas.errors import UsageError
from schemas.tables import LISTINGS
from training.registry import open_registry

_DATES = "Past dates"
_ARCHIVE = "An archive"
_TODAY = "A part of today's catalogue"

FromOption = Annotated[
    dt.date | None,
    typer.Option(
        "--from", parser=parse_date, metavar="YYYY-MM-DD", rich_help_panel=_DATES, help="First date to judge."
    ),
]
ToOption = Annotated[
    dt.date | None,
    typer.Option("--to", parser=parse_date, metavar="YYYY-MM-DD", rich_help_panel=_DATES, help="Last date to judge."),
]
ListingsOption = Annotated[
    str | None,
    typer.Option(
        "--listings",
        metavar="FILES",
        rich_help_panel=_ARCHIVE,
        help="Judge an archive in place of past deliveries: a file or folder as for ingest.",
    ),
]
OutOption = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="FOLDER",
        rich_help_panel=_ARCHIVE,
        help="Write a corrected copy of the archive to a new folder, as Parquet.",
    ),
]
ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="VERSION", help="Version of the model; default: the champion.")
]
ApplyOption = Annotated[
    bool,
    typer.Option(
        "--apply",
        rich_help_panel=_TODAY,
        help="Decide listings of today's catalogue again and publish the result: those that meet every one of "
        "--category, --seller and --ids that is given.",
    ),
]
CategoryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--category",
        metavar="CATEGORY",
        rich_help_panel=_TODAY,
        help="Listings with this seller's category. Can be repeated.",
    ),
]
SellerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--seller", metavar="SELLER_ID", rich_help_panel=_TODAY, help="Listings of this seller. Can be repeated."
    ),
]
IdsOption = Annotated[
    Path | None,
    typer.Option(
        "--ids", metavar="FILE", rich_help_panel=_TODAY, help="Listings whose ids are in this text file, one a line."
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what the backfill would find, and keep nothing except vectors of pictures."),
]


def backfill(  # noqa: PLR0913, PLR0917 - one for each option
    job: Job,
    first: FromOption = None,
    last: ToOption = None,
    listings: ListingsOption = None,
    out: OutOption = None,
    apply: ApplyOption = False,
    category: CategoryOption = None,
    seller: SellerOption = None,
    ids: IdsOption = None,
    version: ModelOption = None,
    dry_run: DryRunOption = False,
    accept_changes: AcceptChangesOption = False,
) -> Summary:
    """Judge past dates, an archive of old listings, or a part of today's catalogue.

    With --from and --to, each date is judged with the listings as they had been delivered by its end, and with the
    decisions that people had made by then. With --listings, an archive is judged that does not enter the catalogue. The
    results go to the tables backfill_decisions and backfill_predictions; nothing that nights have published changes. A
    backfill that was killed is continued by the same command: what is done is kept.

    Content is judged once. A past picture is used if its vector is still kept; otherwise the text decides, and the
    column image_status says not_kept.

    With --apply, listings of today's catalogue are decided again, with the decisions that people have made, and
    published like a night's. All other listings stay as in the newest publication. It locks the warehouse.

    Exit codes: 0 success; 1 failure, finished parts are kept; 2 invalid usage, settings or files; 3 refused by a gate
    or limit, nothing was published.
    """
    if apply:
        if first or last or listings or out:
            raise UsageError("--apply decides today's catalogue: leave out --from, --to, --listings and --out.")
        selection = _selection(category, seller, ids)
        job.require_listings()
        return apply_backfill(job, selection, version, dry_run=dry_run, accept_changes=accept_changes)
    if accept_changes:
        raise UsageError("--accept-changes is about limits on what is published: add --apply.")
    if category or seller or ids:
        raise UsageError("--category, --seller and --ids choose listings of today's catalogue: add --apply.")
    scope = _scope(job, first, last, listings, out)
    if listings is not None:
        refuse_missing(job, listings)
    if out is not None:
        refuse_existing(job, out)
    job.require_listings()
    registry = open_registry(job.address.folder, job.address.text, job.settings.registry)
    model = registry.model(version or registry.champion_version())
    key_of_model(job.warehouse, job.settings.privacy, model)
    # A dry run keeps its rows in staged tables, which other jobs would remove.
    with run_context(job, scope.last, dry_run, exclusive=dry_run) as run, ExitStack() as at_end:
        run.model_version = model.version
        plan = take_plan(run, scope, model.version, dry_run=dry_run)
        encoder = bundled_encoder(model.bundle)
        if plan.scope.files is None:
            encode_pictures(run, encoder, plan.versions[LISTINGS.name])
            summary = _judge_days(run, plan, Days(run, plan, model, at_end, dry_run=dry_run), dry_run)
        else:
            archive = Archive(run, plan, model, at_end, dry_run=dry_run)
            summary = _judge_archive(run, plan, archive, encoder, None if dry_run else out)
            if not dry_run:
                at_end.callback(archive.remove)
        if not dry_run:
            finish(run, plan)
        return replace(summary, title=f"Dry run, nothing kept: {summary.title}", hints=()) if dry_run else summary


def _selection(categories: list[str] | None, sellers: list[str] | None, ids: Path | None) -> Selection:
    """Which listings to apply a backfill to.

    Raises:
        UsageError: none of the options is given, or the file cannot be read.
    """
    if not (categories or sellers or ids):
        raise UsageError("--apply needs a choice of listings: give --category, --seller or --ids.")
    return Selection(tuple(categories or ()), tuple(sellers or ()), () if ids is None else read_ids(ids))


def _scope(job: Job, first: dt.date | None, last: dt.date | None, listings: str | None, out: str | None) -> Scope:
    """What to judge.

    Raises:
        UsageError: the options contradict each other, or the dates cannot be judged.
    """
    today = job.started_at.date()
    if listings is not None:
        if first or last:
            raise UsageError("--listings judges an archive: leave out --from and --to.")
        return Scope(today, today, listings)
    if out is not None:
        raise UsageError("--out writes a copy of an archive: name its files with --listings.")
    if first is None or last is None:
        raise UsageError(
            "give the dates to judge with --from and --to, an archive with --listings, or listings with --apply."
        )
    if not first <= last <= today:
        raise UsageError(f"--from {first} --to {last}: give two dates in order, none later than today ({today}).")
    return Scope(first, last)


def _judge_days(run: RunContext, plan: Plan, days: Days, dry_run: bool) -> Summary:
    done = set() if dry_run else days.done()
    dates = list(plan.scope.dates)
    found = []
    for place, day in enumerate(days.judge([date for date in dates if date not in done]), len(done) + 1):
        found.append(day)
        run.counts = {name: run.counts.get(name, 0) + count for name, count in day.counts.items()}
        run.job.print_progress(f"{day.date} ({place} of {len(dates)}): {_describe(day)}")
    return _summarise_days(run, plan, found, len(done), days.delivered_since())


def _judge_archive(run: RunContext, plan: Plan, archive: Archive, encoder: Encoder, out: str | None) -> Summary:
    found = archive.judge(encoder)
    run.counts = dict(found.by_name)
    if out is not None:
        run.job.print_progress(f"writing the corrected copy to {out}")
        archive.write_copy(out)
    facts = _facts(run, plan) | {"listings_kept": found.kept, **found.by_name}
    reasons = Section("rows that cannot be used", ("reason", "rows"), list(found.by_reason.items()), key="quarantined")
    copy = () if out is None else (f"The corrected copy, with seller_category and the reasons:  {out}",)
    return Summary(
        f"Backfill of {plan.scope}",
        facts,
        (reasons,),
        (*copy, *_where(plan)),
        hidden_if_zero=("listings_kept", "rows_superseded", "rows_unchanged", "rows_quarantined"),
    )


def _describe(day: Day) -> str:
    counts = day.counts
    if not counts["listings"]:
        return "no listings yet"
    text = (
        f"{counts['listings']:,} listings, {counts['rows_current']:,} judged, {counts['corrected']:,} corrected, "
        f"{counts['referred']:,} referred"
    )
    return text if day.differing is None else f"{text}, {day.differing:,} unlike the night"


def _summarise_days(run: RunContext, plan: Plan, days: list[Day], kept: int, since: dt.date | None) -> Summary:
    """The summary of past dates; `kept`: how many were done before; `since`: the date of the first delivery."""
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
    totals = {name: count for name, count in run.counts.items() if name.startswith("rows_")}
    return Summary(
        f"Backfill of {plan.scope}",
        _facts(run, plan)
        | {"delivered_since": since and str(since), "dates_judged": len(days), "dates_kept": kept, **totals},
        sections=(
            Section(
                "by date",
                ("date", "listings", "judged", "corrected", "referred", "without_picture", "unlike_the_night"),
                rows,
                key="dates",
            ),
        ),
        hints=_where(plan),
        notes={"delivered_since": "before, there was no listing to judge"}
        if since and plan.scope.first < since
        else {},
        hidden_if_zero=("dates_kept", "rows_superseded", "rows_quarantined"),
    )


def _facts(run: RunContext, plan: Plan) -> dict[str, object]:
    return {"backfill_id": plan.backfill_id, "run_id": run.run_id, "model_version": plan.model_version}


def _where(plan: Plan) -> tuple[str, ...]:
    read = f"read_published(warehouse, 'backfill_decisions').where(\"backfill_id = '{plan.backfill_id}'\")"
    return (f"The decisions about each listing:  {read}", "Nothing that nights have published has changed.")


main = as_command("backfill", backfill)

if __name__ == "__main__":
    run_command(main)
