"""`catalog-cleaner corrections`: stop all corrections of the model at once, or allow them again."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.console.command import APP_OPTIONS, Command, as_command
from jobs.console.job import Job
from jobs.console.summary import Summary
from jobs.lifecycle.correction_switch import Switch, read_switch, write_switch
from jobs.lifecycle.provenance import started_by
from jobs.lifecycle.run_log import new_run_id
from jobs.warehouse.signing import signed

NoteOption = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why; every night's summary shows it.")]

app = typer.Typer(
    help="Stop all corrections of the model at once, or allow them again.", no_args_is_help=True, **APP_OPTIONS
)


def off(job: Job, note: NoteOption = None) -> Summary:
    """Stop all corrections of the model.

    From the next publication on, listings show the sellers' categories and what people have decided. What would have
    been corrected is on the work list. A night that is deciding at this moment refuses to publish; one that is already
    publishing ends. The command needs no lock.
    """
    return _switch(job, note, on=False)


def on(job: Job, note: NoteOption = None) -> Summary:
    """Allow corrections again.

    The next night makes all corrections at once that it finds. If these are more than the limits on changes allow, it
    needs --accept-changes.
    """
    return _switch(job, note, on=True)


def status(job: Job) -> Summary:
    """Show whether corrections are on, and who has switched them."""
    job.require_listings()
    return _summary(job, read_switch(job.warehouse), "Nothing was changed.")


def _switch(job: Job, note: str | None, *, on: bool) -> Summary:
    job.require_listings()
    warehouse, before = job.warehouse, read_switch(job.warehouse)
    if before.is_on == on:
        return _summary(job, before, f"Corrections were {'on' if on else 'off'} already; nothing was changed.")
    now = Switch(on, started_by(), job.started_at, note)
    with signed(job.spark, new_run_id(job.name, job.started_at.date())):
        write_switch(warehouse, now)
    return _summary(job, now, "The next publication obeys.")


def _summary(job: Job, switch: Switch, said: str) -> Summary:
    location = job.warehouse.location
    facts = {
        "corrections": "on" if switch.is_on else "off",
        "switched_by": switch.by,
        "switched_at": switch.since and f"{switch.since:%Y-%m-%d %H:%M:%S}",
        "note": switch.note,
    }
    hints = [said]
    if not job.settings.decide.corrections:
        hints.append("The setting decide.corrections is off as well: no night with these settings corrects anything.")
    if not switch.is_on:
        hints.append(f"To publish the sellers' categories now:  catalog-cleaner nightly --warehouse {location} ...")
        hints.append(f"To allow corrections again:  catalog-cleaner corrections on --warehouse {location}")
    return Summary(f"Corrections in {location} are {facts['corrections']}", facts, hints=tuple(hints))


app.command("off", cls=Command)(as_command("corrections", off))
app.command("on", cls=Command)(as_command("corrections", on))
app.command("status", cls=Command)(as_command("corrections", status))

if __name__ == "__main__":
    app()
