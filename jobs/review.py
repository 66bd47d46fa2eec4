"""`catalog-cleaner review`: the review page, and reviewers' decisions from files."""

from __future__ import annotations

import datetime as dt
import getpass
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.command import Command, as_command
from jobs.console.job import Job
from jobs.console.options import ProfileOption, SetOption, WarehouseOption
from jobs.console.summary import Section, Summary
from jobs.console.wording import UNUSED_ROWS, agree
from jobs.ingestion.copies import open_copies
from jobs.ingestion.deliveries import check_count, read_files, reported_read_errors, text_settings
from jobs.ingestion.files import find_files, refuse_missing
from jobs.ingestion.merge_listings import write_quarantine
from jobs.ingestion.rows import MALFORMED
from jobs.ingestion.steps.decisions import read_decisions, validate_decisions
from jobs.ingestion.suppressions import read_suppressions, split_suppressed
from jobs.lifecycle.publications import Publication
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.run_context import RunContext, run_context
from jobs.reviewing.database import Store
from jobs.reviewing.delivering import write_answers
from jobs.reviewing.exporting import export_open_items
from jobs.reviewing.filling import account, all_publications, runs_of_days, seen_listings
from jobs.reviewing.guard import LOOPBACK
from jobs.reviewing.outgoing import waiting_answers
from jobs.reviewing.place import held_store, store_folder
from jobs.reviewing.starting import Options, become_server, refuse_used_port
from jobs.warehouse.caches import cached
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import REVIEW_DECISIONS, TAXONOMY

FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Parquet, CSV or JSON lines file with the columns listing_id, decision, reviewer and decided_at, and "
        "category for the decision set_category.",
    ),
]

HostOption = Annotated[
    str,
    typer.Option("--host", metavar="HOST", help="Where the page listens: 127.0.0.1 or localhost, this machine only."),
]
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, metavar="N", help="Port of the page.")]
ReviewerOption = Annotated[
    str | None,
    typer.Option(
        "--reviewer", metavar="NAME", help="Who decides, as stored with each decision; default: your user name."
    ),
]

app = typer.Typer(help="Serve the review page, or load reviewers' decisions from a file.", no_args_is_help=True)


@app.callback()
def review() -> None:
    """Serve the review page, or load reviewers' decisions from a file."""


def apply(job: Job, file: FileArgument) -> Summary:
    """Load reviewers' decisions from a file.

    The next nightly run applies them, and the next training learns from them. A decision that is loaded twice counts
    once. Missing values are filled in from the latest publication at decided_at. Rows that cannot be used are written
    to the table quarantine with the reasons.

    Exit codes: 0 success; 1 failure; 2 invalid usage, settings or file.
    """
    refuse_missing(job, file)
    job.require_listings()
    warehouse = job.warehouse
    with run_context(job, job.started_at.date()) as run, ExitStack() as at_end:
        files = find_files(job.spark, file)
        copies = at_end.enter_context(open_copies(warehouse, f"{run.run_id}-files"))
        form = text_settings("review.files", job.settings.review.files, {"listing_id"})
        rows = read_files(job.spark, files, form, copies)
        with reported_read_errors(file):
            suppressions = read_suppressions(warehouse, job.settings.privacy)
            read = rows.read(lambda frame: read_decisions(frame, MALFORMED))
            staged = warehouse.stage(f"{run.run_id}-delivered", suppressions.blank(read))
        at_end.callback(warehouse.unstage, f"{run.run_id}-delivered")
        check_count(files, rows.counted, staged.count())
        delivered, suppressed = split_suppressed(staged)
        published = all_publications(warehouse)
        seen, decisions = _reviewed_listings(warehouse, delivered, published)
        now = max(job.started_at, dt.datetime.combine(published[-1].run_date, dt.time(), dt.UTC))
        validated = cached(validate_decisions(decisions, seen, warehouse.read(TAXONOMY), now), at_end)
        usable = validated.where(F.size("reasons") == 0).dropDuplicates(["decision_id"])
        known = warehouse.read(REVIEW_DECISIONS).select("decision_id")
        new = cached(usable.join(known, "decision_id", "left_anti"), at_end)
        run.counts |= account(validated, usable.count(), new.count(), suppressed)
        if run.counts["rows_quarantined"]:
            write_quarantine(warehouse, Slice(job.name, run.run_id, run.run_date), validated)
        # Counted before they are stored: Spark computes what it has cached of a table again when the table changes, and
        # then no decision is new.
        summary = _summary(run, file, validated, new)
        warehouse.append(REVIEW_DECISIONS, new)
        return summary


def _reviewed_listings(
    warehouse: Warehouse, delivered: DataFrame, published: Sequence[Publication]
) -> tuple[DataFrame, DataFrame]:
    """Find the publication that each reviewer saw.

    Returns:
        The listings of these publications; and the decisions with `reviewed_run_id`, the publication's run_id.
    """
    day = F.to_date("decided_at")
    days = [row.day for row in delivered.select(day.alias("day")).where("day IS NOT NULL").distinct().collect()]
    runs = runs_of_days(days, published)
    run_of_day = warehouse.spark.createDataFrame(sorted(runs.items()), "day DATE, reviewed_run_id STRING")
    decisions = delivered.withColumn("day", day).join(F.broadcast(run_of_day), "day", "left").drop("day")
    # If no decision refers to a publication, any publication provides the columns.
    return seen_listings(warehouse, set(runs.values()) or {published[-1].run_id}), decisions


def _summary(run: RunContext, file: str, validated: DataFrame, new: DataFrame) -> Summary:
    by_decision = new.groupBy("decision").agg(F.count(F.lit(1)), F.count("audit_chance")).orderBy("decision").collect()
    quarantined = validated.select(F.explode("reasons").alias("reason"))
    reasons = quarantined.groupBy("reason").count().orderBy("reason").collect()
    location = run.job.warehouse.location
    hints = [
        f"The next nightly run applies them:  catalog-cleaner nightly --run-date YYYY-MM-DD --warehouse {location}"
    ]
    if bad := run.counts["rows_quarantined"]:
        hints.insert(0, agree(UNUSED_ROWS, bad))
    return Summary(
        "Decisions loaded",
        {"run_id": run.run_id, "file": file, **run.counts},
        (
            Section("decisions", ("decision", "rows", "of the audit"), [tuple(row) for row in by_decision]),
            Section("quarantined", ("reason", "rows"), [tuple(row) for row in reasons]),
        ),
        tuple(hints),
    )


def sync(job: Job) -> Summary:
    """Write the review page's answers to the warehouse, and renew what the page shows.

    `review serve` does this by itself. Answers that cannot be written now, because another job holds the warehouse,
    stay in the page's store and are written the next time.

    Exit codes: 0 success; 1 failure; 2 invalid usage or settings.
    """
    job.require_listings()
    folder = store_folder(job.address, job.settings.review)
    with held_store(folder):
        store = Store(folder)
        facts: dict[str, object] = dict(write_answers(job, store))
        facts["questions_exported"] = export_open_items(job, store)
        facts["answers_waiting"] = waiting_answers(store)
        store.close()
    return Summary("Review page renewed", {"store": str(folder), **facts})


def serve(
    job: Job,
    warehouse: WarehouseOption,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8337,
    reviewer: ReviewerOption = None,
    profile: ProfileOption = "local",
    overrides: SetOption = None,
) -> Summary:
    """Serve the review page on this machine until you stop it.

    It shows the last export at once. A process of its own writes the answers to the warehouse, and renews the export
    when a night has published. Each answer is safe as soon as the page says so.

    Exit codes: 1 failure; 2 invalid usage or settings.
    """
    job.require_listings()
    if host not in LOOPBACK:
        raise UsageError(
            f"--host {host}: without users, the review page can be reached from this machine only: give "
            f"{' or '.join(LOOPBACK)}. From another machine, forward the port: ssh -L {port}:127.0.0.1:{port} HOST"
        )
    name = (reviewer or getpass.getuser()).strip()
    if not name:
        raise UsageError("--reviewer is empty: give the name that is stored with each decision.")
    refuse_used_port(host, port)
    settings = [word for override in overrides or () for word in ("--set", override)]
    become_server(
        Options(
            folder=str(store_folder(job.address, job.settings.review)),
            warehouse=str(job.address.folder) if job.address.folder else None,
            host=host,
            port=port,
            reviewer=name,
            role="reviewer",
            renew_command=(
                *(sys.executable, "-m", "jobs.review", "sync"),
                *("--warehouse", warehouse, "--profile", profile, *settings),
            ),
            renew_minutes=job.settings.review.renew_minutes,
        )
    )


app.command("apply", cls=Command)(as_command("review", apply))
app.command("serve", cls=Command)(as_command("review", serve))
app.command("sync", cls=Command)(as_command("review", sync))

if __name__ == "__main__":
    app()
