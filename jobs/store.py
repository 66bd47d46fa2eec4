"""The import path of `read_published` for notebooks and dashboards."""

from jobs.lifecycle.publications import read_published

__all__ = ["read_published"]
