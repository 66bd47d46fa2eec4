"""The files that the page consists of, besides what is rendered."""

from __future__ import annotations

from importlib import resources

from schemas.errors import FailedError

TYPES = {
    "review.css": "text/css",
    "review.js": "text/javascript",
    "common.js": "text/javascript",
    "wall.js": "text/javascript",
    "bulk.js": "text/javascript",
    "lead.js": "text/javascript",
    "search.js": "text/javascript",
    "hands.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
"""Name -> media type."""


def read_file(name: str) -> bytes:
    """A file of the page.

    Raises:
        FailedError: it is missing; htmx is not in git.
    """
    try:
        return resources.files("jobs.reviewing").joinpath(f"static/{name}").read_bytes()
    except FileNotFoundError as error:
        raise FailedError(f"the review page's file {name} is missing: run `make setup`, which fetches it.") from error
