"""The import path that notebooks and dashboards use for `read_published`."""

from jobs.warehouse.tables import read_published

__all__ = ["read_published"]
