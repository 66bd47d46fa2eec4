"""The import path that notebooks and dashboards use for `read_published`."""

from jobs.lifecycle.publications import read_published

__all__ = ["read_published"]
