"""What a person should look at in a delivery: sentences that an ingest and its dry run both print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from jobs.console.wording import agree
from schemas.reasons import QuarantineReason

_ADDRESS = re.compile(r"(?i)(https?|s3a?|gs|file|hdfs)://|/(?!9j/)|.*\.(jpe?g|png|webp|gif|avif|heic|bmp|tiff?)$")
"""Every JPEG begins with /9j/ as base64."""
_PICTURES = {"image", "image_uri"}
"""One of them is enough."""
_WAYS_OUT = {
    QuarantineReason.MISSING_UPDATED_AT: (
        "{n} {row has|rows have} no time. If one time may stand for all rows, leave the column out and take the time "
        "of the file: --set 'ingest.columns={updated_at: null}' --set ingest.updated_at=file"
    ),
    QuarantineReason.INVALID_UPDATED_AT: (
        "{n} {time is|times are} in an unknown form, or not of the years 1970 to 2199. ingest.time_format names "
        "another form: --set 'ingest.time_format=dd.MM.yyyy HH:mm'"
    ),
    QuarantineReason.FUTURE_UPDATED_AT: (
        "{n} {time is|times are} more than ingest.max_future_days ahead of the clock. Such a version would hide all "
        "later ones."
    ),
    QuarantineReason.DAMAGED_LISTING_ID: (
        "{n} {listing_id is a number that a spreadsheet has|values of listing_id are numbers that a spreadsheet has} "
        "rounded. Export them again as text, or map listing_id to another column."
    ),
}
"""Why rows are quarantined -> what a setting or another file can do about it."""


@dataclass(frozen=True)
class FileColumns:
    """The columns of files that have the same ones.

    Attributes:
        names: the names of the files.
        found: the columns of listings that they have.
        unused: their columns that nothing uses.
    """

    names: Sequence[str]
    found: Collection[str]
    unused: Sequence[str] = ()


def uneven_files(files: Sequence[FileColumns]) -> tuple[str, ...]:
    """Warnings about files that lack columns of listings which other files of the delivery have."""
    columns = dict.fromkeys(column for each in files for column in each.found)
    warnings = []
    for each in files:
        has_picture = bool(_PICTURES & {*each.found})
        lacking = [name for name in columns if name not in each.found and not (has_picture and name in _PICTURES)]
        if not lacking or not each.names:
            continue
        count = len(each.names)
        named = each.names[0] + (agree(" and {n} more {file|files}", count - 1) if count > 1 else "")
        unused = f" Not used there: {', '.join(each.unused)}." if each.unused else ""
        without = agree("which other files of the delivery have: {its|their} rows come without.", count)
        way_out = agree("If a column has another name there, load {this file|these files} separately, with", count)
        warnings.append(
            f"{named} {agree('{lacks|lack}', count)} {', '.join(lacking)}, {without}{unused} {way_out} a mapping: "
            f"--set ingest.columns='{{{lacking[0]}: NAME_IN_FILE}}'"
        )
    return tuple(warnings)


def address_warnings(column: str, first_value: str | None) -> list[str]:
    """A warning if a column of the files that should hold pictures as base64 text holds addresses."""
    if first_value is None or not _ADDRESS.match(first_value):
        return []
    way_out = shlex.quote(f"ingest.columns={{image_uri: {column}, image: null}}")
    return [f"Column {column!r} holds addresses and no pictures: --set {way_out}"]


def price_warnings(unread: int, hints: Mapping[str | None, int]) -> list[str]:
    """Warnings about prices that are not read, or perhaps not as they are meant.

    Args:
        unread: number of prices that cannot be read for sure.
        hints: output of `udfs.prices.decimal_hint` -> number of prices.
    """
    sign = "say which sign stands before the decimals: --set ingest.decimal_sign=','"
    warnings = []
    if unread:
        text = (
            "{n} {price|prices} cannot be read for sure; {this listing has|these listings have} none. If prices are "
            f"written as 1.234,50 or 1,234, {sign}"
        )
        warnings.append(agree(text, unread))
    if hints.get("comma") and hints.get("open"):
        text = (
            "{n} {price|prices} such as 1.234 {is|are} read as a little more than 1, but other prices of the delivery "
            f"have a comma that may stand before decimals, so it may be a thousand: {sign} or '.'"
        )
        warnings.append(agree(text, hints["open"]))
    return warnings


def exposure_warnings(unread: int) -> list[str]:
    """A warning about exposures that are no plain numbers."""
    text = "{n} {exposure is|exposures are} no plain number such as 1234; {this listing has|these listings have} none."
    return [agree(text, unread)] if unread else []


def category_warnings(without: int) -> list[str]:
    """A warning about listings, of the catalogue or of a sample, without a category."""
    return [agree("{n} {listing has|listings have} no category.", without)] if without else []


def quarantine_warnings(by_reason: Mapping[str, int]) -> list[str]:
    """What can be done about quarantined rows.

    Args:
        by_reason: reason -> number of quarantined rows.
    """
    return [agree(text, by_reason[reason]) for reason, text in _WAYS_OUT.items() if by_reason.get(reason)]
