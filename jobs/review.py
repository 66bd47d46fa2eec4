"""`catalog-cleaner review`: the review page, and reviewers' decisions from files."""

from __future__ import annotations

import dataclasses
import datetime as dt
import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.console.command import APP_OPTIONS, Command, as_command
from jobs.console.job import Job
from jobs.console.options import ProfileOption, SetOption, WarehouseOption, parse_time
from jobs.console.summary import Section, Summary
from jobs.reviewing.guard import LOOPBACK
from jobs.reviewing.place import store_folder
from jobs.reviewing.proxy import read_proxy
from jobs.reviewing.starting import Options, become_server, refuse_used_port
from jobs.reviewing.users import Role, add_user, read_users, remove_user
from schemas.errors import UsageError

FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Parquet, CSV or JSON lines file with the columns listing_id, decision, reviewer and decided_at, and "
        "category for the decision set_category; or a file of `review export` that is filled in.",
    ),
]

HostOption = Annotated[
    str,
    typer.Option("--host", metavar="HOST", help="Where the page listens; another than 127.0.0.1 needs review.proxy."),
]
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, metavar="N", help="Port of the page.")]
ReviewerOption = Annotated[
    str | None,
    typer.Option(
        "--reviewer", metavar="NAME", help="Who decides, as stored with each decision; default: your user name."
    ),
]

TargetArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="File to write; its extension names the format.", dir_okay=False)
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="Only the N most urgent listings; default: all.")
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")]
ReviewerOfFileOption = Annotated[
    str | None, typer.Option("--reviewer", metavar="NAME", help="Reviewer of the rows that name none.")
]
DecidedAtOption = Annotated[
    dt.datetime | None,
    typer.Option(
        "--decided-at",
        parser=parse_time,
        metavar="TIME",
        help="Time of the rows that have none, such as 2026-05-04T16:00Z; default: refuse them.",
    ),
]
UserArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name, as stored with each decision.")]
RoleOption = Annotated[Role, typer.Option("--role", help="What the user is, as stored with each decision.")]

app = typer.Typer(
    help="Serve the review page, export the work list, or load reviewers' decisions from a file.",
    no_args_is_help=True,
    **APP_OPTIONS,
)


@app.callback()
def review() -> None:
    """Serve the review page, export the work list, or load reviewers' decisions from a file."""


def apply(
    job: Job, file: FileArgument, reviewer: ReviewerOfFileOption = None, decided_at: DecidedAtOption = None
) -> Summary:
    """Load reviewers' decisions from a file.

    The next nightly run applies them, and the next training learns from them. A decision that is loaded twice counts
    once. Missing values are filled in from the latest publication at decided_at. Rows without decision, category,
    reviewer and time are not answered, and left out. Rows that cannot be used are written to the table quarantine with
    the reasons.

    Exit codes: 0 success; 1 failure; 2 invalid usage, settings or file.
    """
    from jobs.reviewing.applying import apply_file  # noqa: PLC0415 - takes seconds; the page need not wait

    return apply_file(job, file, reviewer, decided_at)


def export(job: Job, file: TargetArgument, limit: LimitOption = None, overwrite: OverwriteOption = False) -> Summary:
    """Write what is open to a file: .csv, .xlsx, .parquet or .html.

    Each row is a question about a listing, the most urgent first, with empty columns for the answer. `review apply`
    loads the file once it is filled in. A file with pictures inside, .html, is for reading and holds the 500 most
    urgent listings unless --limit says otherwise.

    Exit codes: 0 success; 1 failure; 2 invalid usage or settings.
    """
    from jobs.reviewing.work_list_export import check_target, write_work_list  # noqa: PLC0415 - as above

    check_target(file, overwrite=overwrite)
    job.require_listings()
    return write_work_list(job, file, limit)


def sync(job: Job) -> Summary:
    """Write the review page's answers to the warehouse, and renew what the page shows.

    `review serve` does this by itself. Answers that cannot be written now, because another job holds the warehouse,
    stay in the page's store and are written the next time.

    Exit codes: 0 success; 1 failure; 2 invalid usage or settings.
    """
    from jobs.reviewing.syncing import sync_store  # noqa: PLC0415 - as above

    return sync_store(job)


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
    folder = store_folder(job.address, job.settings.review)
    if job.address.folder is not None:  # elsewhere only Spark could tell, and nobody should wait for it
        job.require_listings()
    proxy = read_proxy(job.settings.review.proxy)
    if host not in LOOPBACK and proxy is None:
        raise UsageError(
            f"--host {host}: without review.proxy, the review page can be reached from this machine only: give "
            f"{' or '.join(LOOPBACK)}. From another machine, forward the port: ssh -L {port}:127.0.0.1:{port} HOST"
        )
    if proxy is not None and proxy.user_header is None and not read_users(folder):
        raise UsageError("with review.proxy others reach the page, so it needs users: `review users add NAME` first.")
    name = (reviewer or getpass.getuser()).strip()
    if not name:
        raise UsageError("--reviewer is empty: give the name that is stored with each decision.")
    refuse_used_port(host, port)
    settings = [word for override in overrides or () for word in ("--set", override)]
    become_server(
        Options(
            folder=str(folder),
            warehouse=str(job.address.folder) if job.address.folder else None,
            host=host,
            port=port,
            reviewer=name,
            role="reviewer",
            second_share=job.settings.review.second_share,
            known_share=job.settings.review.known_share,
            renew_command=(
                *(sys.executable, "-m", "jobs.review", "sync"),
                *("--warehouse", warehouse, "--profile", profile, *settings),
            ),
            renew_minutes=job.settings.review.renew_minutes,
            proxy=dataclasses.asdict(job.settings.review.proxy),
        )
    )


users = typer.Typer(help="Manage who may use the review page.", no_args_is_help=True)


def add(job: Job, name: UserArgument, role: RoleOption = Role.REVIEWER) -> Summary:
    """Add a user of the review page, or change role and password of one.

    From the first user on, the page asks for name and password. The password is asked for; without a terminal it is
    the first line of the standard input.

    Exit codes: 0 success; 1 failure; 2 invalid usage or settings.
    """
    folder = store_folder(job.address, job.settings.review)
    job.require_listings()
    is_new = add_user(folder, name, role, _password())
    return Summary("User added" if is_new else "User changed", {"user": name, "role": role.value})


def remove(job: Job, name: UserArgument) -> Summary:
    """Remove a user of the review page, who is signed out at once.

    Without any user left, the page has one local reviewer again.

    Exit codes: 0 success; 1 failure; 2 invalid usage or settings.
    """
    remove_user(store_folder(job.address, job.settings.review), name)
    return Summary("User removed", {"user": name})


def list_users(job: Job) -> Summary:
    """List the users of the review page."""
    found = read_users(store_folder(job.address, job.settings.review)).values()
    rows = [(user.name, user.role) for user in found]
    return Summary("Users of the review page", {"number": len(rows)}, (Section("users", ("user", "role"), rows),))


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


users.command("add", cls=Command)(as_command("review", add))
users.command("remove", cls=Command)(as_command("review", remove))
users.command("list", cls=Command)(as_command("review", list_users))
app.add_typer(users, name="users")
app.command("apply", cls=Command)(as_command("review", apply))
app.command("export", cls=Command)(as_command("review", export))
app.command("serve", cls=Command)(as_command("review", serve))
app.command("sync", cls=Command)(as_command("review", sync))

if __name__ == "__main__":
    app()
