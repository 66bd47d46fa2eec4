"""`catalog-cleaner erase`: erase listings and sellers for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.root_cause import root_cause
from jobs.console.summary import Section, Summary
from jobs.console.wording import agree
from jobs.erasure.erasing import (
    copy_metrics,
    end_publications,
    finish_forgetting,
    forget_fetched_pictures,
    learned_by,
    publication_after,
    refuse_running,
    remove_staging,
    rewrite,
    suppress,
)
from jobs.erasure.exports import clear_file, forget_sellers
from jobs.erasure.names import Names
from jobs.erasure.places import Searched, search_warehouse
from jobs.erasure.targets import given_names, with_listings_of_sellers
from jobs.ingestion.suppressions import read_suppressions
from jobs.lifecycle.pseudonym_key import create_key
from jobs.lifecycle.publications import publications
from jobs.lifecycle.run_context import RunContext, run_context
from jobs.reviewing.forgetting import forget_in_store
from jobs.reviewing.place import known_store
from schemas.errors import CleanerError, FailedError
from training.bundle_changes import changing_bundle
from training.models import ModelSummary
from training.registry import RegistryError, open_registry

ListingOption = Annotated[
    list[str] | None, typer.Option("--listing", metavar="ID", help="A listing to erase; can be given several times.")
]
SellerOption = Annotated[
    list[str] | None,
    typer.Option("--seller", metavar="ID", help="A seller to erase with all listings; can be given several times."),
]
FileOption = Annotated[
    str | None,
    typer.Option("--file", metavar="FILE", help="Parquet, CSV or JSON lines with the columns listing_id or seller_id."),
]
ExportOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--export",
        metavar="PATH",
        exists=True,
        help="A file or folder outside the warehouse to erase from as well, such as the output of changes or backfill; "
        "can be given several times.",
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Change nothing; print where it would be erased.")]


def erase(
    job: Job,
    listing: ListingOption = None,
    seller: SellerOption = None,
    file: FileOption = None,
    export: ExportOption = None,
    dry_run: DryRunOption = False,
) -> Summary:
    """Erase listings, or sellers with all their listings, for good.

    They are removed from all tables and their history, staged rows, models and files in the warehouse, and kept out of
    later deliveries by a suppression list of keyed pseudonyms. All earlier publications end; the newest state is
    published anew. Then every file is searched to prove that none names them. A killed erasure can be run again.

    Exit codes: 0 success; 1 failure, or a file names it that cannot be cleared; 2 invalid usage or settings.
    """
    given = given_names(job, listing or (), seller or (), file)
    job.require_listings()
    warehouse, settings = job.warehouse, job.settings
    exports = [path.resolve() for path in export or ()]
    names = with_listings_of_sellers(warehouse, given)
    known = publications(warehouse, ended=True)
    newest = known[-1] if known else None
    run_date = newest.run_date if newest else job.started_at.date()
    with run_context(job, run_date, dry_run) as run, _without_ids(names):
        refuse_running(run)
        read_suppressions(warehouse, settings.privacy)  # an entry with another key would shut ingest out
        searched = (
            agree("{n} {listing|listings}", len(names.listings)),
            agree("{n} {seller|sellers}", len(names.sellers)),
        )
        job.print_progress(f"searching for {' and '.join(searched)}")
        before = search_warehouse(warehouse, names, exports)
        models = learned_by(warehouse, names, _models(job))
        found = names.among(before.ids)
        run.counts = {
            "listings_erased": len(found.listings),
            "sellers_erased": len(found.sellers),
            "not_found": len(names.ids - found.ids),
        }
        if dry_run:
            return _summary(run, before, None, models)
        _refuse_unknown_files(before)
        key = create_key(warehouse, settings.privacy)
        suppress(run, names, key, models)
        remove_staging(warehouse)
        finish_forgetting(warehouse)
        for path in before.to_clear:
            job.print_progress(f"{path}: removing its rows")
            clear_file(path, names)
        if warehouse.folder is not None:
            folder = warehouse.folder / "mlflow"
            registry = open_registry(warehouse.folder, warehouse.location, settings.registry)
            changing = partial(changing_bundle, registry, folder)
            changed, unreadable = forget_sellers(folder, names, key, changing)
            run.counts |= {"models_changed": changed, "models_with_another_key": unreadable}
        store = known_store(job.address, settings.review)
        run.counts["review_answers_removed"] = forget_in_store(store, names) if store is not None else 0
        tables = before.tables
        if tables:
            end_publications(run)
            rewrite(run, names, tables, newest)
        run.counts["pictures_removed"] = forget_fetched_pictures(run)
        refuse_running(run)
        if newest is not None and (tables or newest.ended_by is not None):
            copy_metrics(run, newest)
            run.pins, run.published_versions = publication_after(warehouse, newest, tables)
        job.print_progress("searching every file again")
        after = search_warehouse(warehouse, names, exports)
        run.counts |= {"files_searched": sum(after.files.values()), "files_left": sum(row[1] for row in after.rows)}
    if after.rows:
        left = "; ".join(f"{place} ({count:,} files: {where})" for place, count, where in after.rows)
        raise FailedError(f"{run.run_id}: some files still name it: {left}. Run the same command again.")
    return _summary(run, before, after, models)


@contextmanager
def _without_ids(names: Names) -> Iterator[None]:
    """Remove ids from the message of an error, because it is kept in `runs`.

    Raises:
        CleanerError: there was one; FailedError if it was unexpected.
    """
    try:
        yield
    except CleanerError as error:
        raise type(error)(names.redacted(str(error))) from error
    except Exception as error:
        raise FailedError(names.redacted(root_cause(error))) from error


def _models(job: Job) -> list[ModelSummary]:
    try:
        registry = open_registry(job.warehouse.folder, job.warehouse.location, job.settings.registry)
    except RegistryError:  # elsewhere than in a local folder, without a server there are no models
        return []
    return registry.models()


def _refuse_unknown_files(found: Searched) -> None:
    """Check, before anything is changed, that all files that name an id can be cleared.

    Raises:
        FailedError: some cannot.
    """
    if found.unknown:
        raise FailedError(
            f"nothing was changed: files name it, or are cut off, and no rows can be removed from them: "
            f"{', '.join(found.unknown)}. Remove them or write them anew without it, and run the same command again."
        )


def _summary(run: RunContext, before: Searched, after: Searched | None, models: list[str]) -> Summary:
    location, searched = run.job.warehouse.location, (after or before).files
    facts: dict[str, object] = {
        "run_id": run.run_id,
        **run.counts,
        **{f"searched_{kind.lower().replace(' ', '_')}": count for kind, count in sorted(searched.items())},
        "models_that_may_have_learned_it": ", ".join(models) or None,
    }
    if after is None:
        title = f"Dry run, nothing changed: where an erasure would find it in {location}"
    elif before.ids:
        title = f"Erased: no file of {location} names it any longer"
    else:
        title = f"Nothing to erase: no file of {location} names it"
    hints = [f"Not searched: {each}." for each in before.unsearched]
    if trainings := left_trainings(run.job.settings.train.work_folder):
        hints.append(
            f"Not searched: {', '.join(trainings)} in train.work_folder. A training in progress writes there, and a "
            "killed one leaves listings: remove what no training is writing."
        )
    if missing := run.counts["not_found"]:
        hints.append(describe_missing(missing, dry_run=after is None))
    if unreadable := run.counts.get("models_with_another_key", 0):
        hints.append(
            f"{unreadable:,} models hold sellers by pseudonyms of another key, so an erased seller cannot be found in "
            "them. If you have that key, bring it back and erase again; without it, the pseudonyms lead to nobody."
        )
    if models:
        hints.append(
            "Models that may have learned from it keep what they have learned: train a new one to be rid of it."
        )
    if after is not None and run.published_versions is not None:
        hints.append(
            f"All publications before {run.run_id} have ended: a shop reads its whole state once, and asks for the "
            "changes since it."
        )
    places = Section("found in", ("place", "files", "where"), before.rows)
    return Summary(
        title,
        facts,
        (places,),
        tuple(hints),
        hidden_if_zero=("not_found", "models_with_another_key", "pictures_removed", "review_answers_removed"),
    )


def left_trainings(work_folder: str | None) -> list[str]:
    """The folders of trainings in `train.work_folder`: nothing removes that of a killed one."""
    return sorted(path.name for path in Path(work_folder).glob("train-*")) if work_folder is not None else []


def describe_missing(count: int, *, dry_run: bool) -> str:
    """A sentence about the number of ids, at least one, that were found nowhere."""
    one = count == 1
    found = f"{count:,} {'id was' if one else 'ids were'} found nowhere, perhaps mistyped"
    if dry_run:
        return f"{found}; an erasure keeps {'it' if one else 'them'} out of later deliveries."
    return f"{found}; {'it is' if one else 'they are'} kept out of later deliveries."


main = as_command("erase", erase)

if __name__ == "__main__":
    run_command(main)
