"""The settings of how delivered files are read, with their defaults and meanings."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from conf.presets import PresetName
from conf.setting_types import FROZEN, Count, Share

ListingColumn = Literal[
    "listing_id",
    "title",
    "description",
    "category",
    "price",
    "currency",
    "condition",
    "exposure",
    "seller_id",
    "updated_at",
    "image",
    "image_uri",
]


def _tab(value: object) -> object:
    """A tab, which is hard to type, can be written as `tab` or as backslash and t."""
    return "\t" if value in {"tab", "\\t"} else value


def _as_text(value: object) -> object:
    """YAML reads a time without quotes as one."""
    return value.isoformat() if isinstance(value, dt.date) else value


TimeText = Annotated[str, BeforeValidator(_as_text)]
Delimiter = Annotated[str, Field(min_length=1, max_length=1), BeforeValidator(_tab)]
IMAGE_PREFIXES = ("/", "file:///", "s3://", "s3a://", "gs://", "gcs://", "hdfs://", "viewfs://")
ImagePrefix = Annotated[str, Field(pattern=f"^({'|'.join(IMAGE_PREFIXES)})")]


@dataclass(frozen=True, config=FROZEN)
class FileSettings:
    """How CSV and JSON files are written. None: found out from each file, which is refused if it is not sure."""

    encoding: str | None = None
    """Name of the encoding, such as windows-1252."""
    delimiter: Delimiter | None = None
    """Separator of the values in CSV files: one character, or `tab`."""
    quotes: Literal["doubled", "backslash", "none"] = "doubled"
    """How CSV files write a quote inside quotes: twice (doubled), or with a backslash before it, as MySQL does. none: a
    quote is a character like any other, and a value has no line ends, as in the dumps of Open Food Facts."""
    max_lines: Count = 300
    """A row of a CSV file with more lines is taken for one whose quote is not closed, and the file is refused."""


@dataclass(frozen=True, config=FROZEN)
class IngestSettings:
    """How to read delivered files."""

    preset: PresetName | None = None
    """The program whose export is read: its names of columns and its settings hold where no others are given."""
    columns: dict[ListingColumn, str | None] = dataclasses.field(default_factory=dict)
    """Column of the table listings -> column of the file, where the names differ: {title: product_name}. null leaves a
    column out: {price: null}."""
    attributes: dict[str, str] = dataclasses.field(default_factory=dict)
    """Name in the column attributes of the table listings -> column of the file: {brand: Vendor}."""
    image_prefixes: tuple[ImagePrefix, ...] = ()
    """Picture paths and URIs are read only below these folders; empty: none are read."""
    max_image_bytes: Count = 20_000_000
    """Larger files at a picture path or URI are not read, and larger pictures in a delivery are not decoded."""
    max_listing_id_length: Count = 256
    """Rows with a longer listing_id are quarantined."""
    files: FileSettings = dataclasses.field(default_factory=FileSettings)
    """How files of listings are written."""
    taxonomy_files: FileSettings = dataclasses.field(default_factory=FileSettings)
    """How taxonomy files are written."""
    category_separator: str | None = None
    """What stands between several categories of a listing in one value: the deepest that the taxonomy has counts."""
    path_separator: str | None = None
    """What stands between the parts of a category that is a path, besides `>`: `/`, say, or ` | `."""
    updated_at: TimeText | None = None
    """The time of all rows if the files have no column updated_at: a time such as 2026-11-28T06:00:00Z, or `file`, the
    time at which the newest file of the delivery was last changed."""
    time_format: str | None = None
    """How updated_at is written: a pattern of Spark such as dd.MM.yyyy HH:mm, or `seconds` or `milliseconds` since
    1970. None: ISO 8601 (2026-11-28T06:00:00Z), or Unix time whose unit its size gives."""
    max_future_days: Annotated[float, Field(ge=0, le=36500)] = 1.0
    """Rows whose updated_at is further in the future are quarantined."""
    nulls: tuple[str, ...] = ("\\N", "null", "nan", "none", "n/a")
    """Words that stand for no value, in any case, in all columns but title and description."""
    decimal_sign: Literal[".", ","] | None = None
    """The sign before the decimals of prices. None: as the price shows; one of which it is not sure, such as 1,234 or
    $1.234, is read as none."""
    max_withdrawn_share: Share = 0.5
    """A full load that would withdraw a larger share of the listings is refused."""
