"""The import path of `read_published` and `read_changes` for notebooks, dashboards and other programs."""

from jobs.lifecycle.publications import read_published
from jobs.timeline.changes import read_changes

__all__ = ["read_changes", "read_published"]
