"""Makes a command of a function: the options that all commands take, the job, and the summary at the end."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from jobs.console.job import Job, open_job
from jobs.console.options import JsonOption, ProfileOption, SetOption, WarehouseOption
from jobs.console.summary import Summary, print_summary

Own = ParamSpec("Own")


def as_command(name: str, function: Callable[Concatenate[Job, Own], Summary]) -> Callable[..., None]:
    """The main of a command, as Typer and `typer.run` take it.

    Its parameters are those of `function` after the job, then the common ones (see `_run`). A common one that the
    function declares itself, say with another default, is the function's, and is passed on to it as well.

    Args:
        name: the job's name in the run log.
        function: does the work; its docstring is the command's help, its annotations declare the options.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    names = [parameter.name for parameter in own]
    common = list(inspect.signature(_run, eval_str=True).parameters.values())[3:]
    parameters = [*own, *(parameter for parameter in common if parameter.name not in names)]

    def main(**values: Any) -> None:  # noqa: ANN401 - whatever the options' types are
        options = {parameter.name: values[parameter.name] for parameter in common}
        _run(name, function, {key: values[key] for key in names}, **options)

    main.__doc__ = function.__doc__
    # By keyword, an option with a default may stand before one without.
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
    """Do a command's work. The annotated parameters declare the options that every command takes."""
    with open_job(name, warehouse, profile, overrides or ()) as job:
        summary = function(job, **own)
    print_summary(summary, as_json)
