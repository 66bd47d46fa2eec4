"""Turns a function into a command: adds the common options, opens the job and prints the summary."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec

import typer
from typer.core import TyperArgument, TyperCommand

from jobs.console.job import Job, open_job, report
from jobs.console.options import JsonOption, ProfileOption, SetOption, ShortFor, WarehouseOption
from jobs.console.summary import Summary, print_error_as_json, print_summary

Own = ParamSpec("Own")

APP_OPTIONS: Mapping[str, Any] = {
    "add_completion": False,
    # Local variables can hold personal data.
    "pretty_exceptions_show_locals": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
"""For `Typer`: how all commands look, also those that are run as scripts."""


class Command(TyperCommand):
    """A command that groups its options in the help, and reports wrong ones as JSON, too, if --json is among them."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - of Typer's own Click
        """Write arguments and options in groups, by their `rich_help_panel`, which Typer ignores in plain text."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            default = "Arguments" if isinstance(parameter, TyperArgument) else "Options"
            record = parameter.get_help_record(ctx)
            if record is not None:
                groups.setdefault(getattr(parameter, "rich_help_panel", None) or default, []).append(record)
        for name, records in groups.items():
            with formatter.section(name):
                formatter.write_dl(records)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - the context of Typer's own Click
        """Parse the words of the command line."""
        as_json = "--json" in args
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if as_json:
                print_error_as_json(error.format_message(), error.exit_code)
            raise


def run_command(main: Callable[..., None]) -> None:
    """Run the main function of a command with the words of the command line, for a module that is run as a script."""
    app = typer.Typer(**APP_OPTIONS)
    app.command(cls=Command)(main)
    app()


def as_command(name: str, function: Callable[Concatenate[Job, Own], Summary]) -> Callable[..., None]:
    """Make the main function of a command, for `Typer.command` with the class `Command`, and `run_command`.

    Its parameters are those of `function` without the job, followed by the common ones (see `_run`). If `function`
    declares a common parameter itself, for example with a default, its declaration is used and it receives the value.
    The value of an option that is marked with `ShortFor` is also set as that setting; --set comes before it.

    Args:
        name: the job's name in the run log.
        function: does the work. Its docstring is the command's help, its annotations declare the options.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    names = [parameter.name for parameter in own]
    common = list(inspect.signature(_run, eval_str=True).parameters.values())[3:]
    settings = {parameter.name: short.setting for parameter in own if (short := _short_for(parameter)) is not None}
    parameters = [*own, *(parameter for parameter in common if parameter.name not in names)]

    def main(**values: Any) -> None:  # noqa: ANN401 - whatever the options' types are
        options = {parameter.name: values[parameter.name] for parameter in common}
        given = [f"{key}={values[option]}" for option, key in settings.items() if values[option] is not None]
        options["overrides"] = [*given, *(options["overrides"] or ())]
        _run(name, function, {key: values[key] for key in names}, **options)

    main.__doc__ = function.__doc__
    # Keyword-only, because then a parameter with a default may precede one without.
    by_keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    main.__signature__ = inspect.Signature(by_keyword)  # type: ignore[attr-defined]
    return main


def _short_for(parameter: inspect.Parameter) -> ShortFor | None:
    marks = getattr(parameter.annotation, "__metadata__", ())
    return next((mark for mark in marks if isinstance(mark, ShortFor)), None)


def _run(
    name: str,
    function: Callable[..., Summary],
    own: dict[str, Any],
    warehouse: WarehouseOption,
    profile: ProfileOption = "local",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a command. The annotated parameters declare the common options."""
    with open_job(name, warehouse, profile, overrides or (), as_json) as job:
        summary = function(job, **own)
    print_summary(summary, as_json)
    if summary.error is not None:
        raise report(summary.error)
