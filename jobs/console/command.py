"""Turns a function into a command: adds the common options, opens the job and prints the summary."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from jobs.console.job import Job, open_job
from jobs.console.options import JsonOption, ProfileOption, SetOption, WarehouseOption
from jobs.console.summary import Summary, print_summary

Own = ParamSpec("Own")


def as_command(name: str, function: Callable[Concatenate[Job, Own], Summary]) -> Callable[..., None]:
    """Make the main function of a command, for `Typer.command` and `typer.run`.

    Its parameters are those of `function` without the job, followed by the common ones (see `_run`). If `function`
    declares a common parameter itself, for example with a default, its declaration is used and it receives the value.

    Args:
        name: the job's name in the run log.
        function: does the work. Its docstring is the command's help, its annotations declare the options.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    names = [parameter.name for parameter in own]
    common = list(inspect.signature(_run, eval_str=True).parameters.values())[3:]
    parameters = [*own, *(parameter for parameter in common if parameter.name not in names)]

    def main(**values: Any) -> None:  # noqa: ANN401 - whatever the options' types are
        options = {parameter.name: values[parameter.name] for parameter in common}
        _run(name, function, {key: values[key] for key in names}, **options)

    main.__doc__ = function.__doc__
    # Keyword-only, because then a parameter with a default may precede one without.
    by_keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    main.__signature__ = inspect.Signature(by_keyword)  # type: ignore[attr-defined]
    return main


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
    with open_job(name, warehouse, profile, overrides or ()) as job:
        summary = function(job, **own)
    print_summary(summary, as_json)
