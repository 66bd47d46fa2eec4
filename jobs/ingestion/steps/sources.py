"""Finds where the values of a delivery are: in which column of the files, or in which field of a nested one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, DataType, MapType, StructField, StructType

from conf.ingest_settings import IngestSettings
from conf.presets import Preset, preset_of
from jobs.ingestion.steps import casts
from jobs.ingestion.steps.pictures import is_picture
from jobs.ingestion.steps.proposals import Proposal, propose
from schemas.errors import UsageError

REQUIRED = ("listing_id", "updated_at")
OPTIONAL = (
    "title", "description", "category", "price", "currency", "condition", "exposure", "seller_id", "image_uri", "image"
)  # fmt: skip
_TIME = "updated_at"
_MAX_NAMES = 100
"""Names of columns in a message."""


@dataclass(frozen=True)
class Source:
    """Where the values of a column are.

    Attributes:
        path: the column of the files, and the fields below it, from the outside to the inside.
        type: of the values; of a list, that of its elements.
        is_list: whether one of the path is a list.
    """

    path: tuple[StructField, ...]
    type: DataType
    is_list: bool

    @property
    def column(self) -> str:
        """The column of the files."""
        return self.path[0].name

    @property
    def name(self) -> str:
        """The path as settings write it."""
        return ".".join(field.name for field in self.path)

    def value(self, *, first: bool = False) -> Column:
        """The value of each row. A list of one element stands for it; a longer one is no value.

        Args:
            first: take the first element of a longer list.
        """
        found = self._found()
        if not self.is_list:
            return found
        return F.when(F.size(found) >= 1 if first else F.size(found) == 1, F.get(found, F.lit(0)))

    def joined(self, separator: str) -> Column:
        """The value of each row as text; the elements of a list with a separator between them."""
        if not self.is_list:
            return self._found()
        return F.when(F.size(self._found()) > 0, F.array_join(self._found().cast("array<string>"), separator))

    def is_longer_list(self) -> Column:
        """Whether a row has a list of several elements."""
        return F.coalesce(F.size(self._found()) > 1, F.lit(False)) if self.is_list else F.lit(False)

    def is_not_utf8(self) -> Column:
        """Whether a row has text that is not UTF-8; of a list, in any of its elements."""
        return casts.is_not_utf8(self._found(), ArrayType(self.type) if self.is_list else self.type)

    def as_text(self) -> Column:
        """The value of each row as text; a list of several elements, and what has fields, as JSON."""
        value = self.value()
        text = F.to_json(value) if isinstance(self.type, StructType) else casts.plain(value, self.type)
        return F.when(F.size(self._found()) > 1, F.to_json(self._found())).otherwise(text) if self.is_list else text

    def _found(self) -> Column:
        """The value; of a list, all its elements that are not null, also those of lists in it."""
        value, in_list = casts.quoted(self.column), False
        for place, field in enumerate(self.path):
            value = value.getField(field.name) if place else value  # of a list: the field of each element
            kind = field.dataType
            while isinstance(kind, ArrayType):
                value = F.filter(value, lambda each: each.isNotNull())
                value = F.flatten(value) if in_list else value
                kind, in_list = kind.elementType, True
        return F.filter(value, lambda each: each.isNotNull()) if in_list else value


Found = dict[str, tuple[Source, ...]]
"""Column of listings, or attribute -> where its values are, in the order in which the sources count."""


def find_source(name: str, schema: StructType) -> Source | None:
    """Find a column, or a field by the names on the way to it: `image.bytes`. None if there is none.

    A name that a column has comes before a path. Case matters only where names differ in nothing else.
    """
    path = _path(name, schema)
    if path is None:
        return None
    return Source(path, _element(path[-1].dataType), any(isinstance(field.dataType, ArrayType) for field in path))


def _path(name: str, schema: StructType) -> tuple[StructField, ...] | None:
    own = _alike(name, schema)
    if own is not None:
        return (own,)
    for beginning, end in divisions(name):
        outer = _alike(beginning, schema)
        inner = None if outer is None else _element(outer.dataType)
        if outer is not None and isinstance(inner, StructType):
            rest = _path(end, inner)
            if rest is not None:
                return (outer, *rest)
    return None


def divisions(name: str) -> Iterator[tuple[str, str]]:
    """A dotted name divided at each dot; the longest beginning comes first, because a name may contain dots itself."""
    for place in reversed(range(len(name))):
        if name[place] == ".":
            yield name[:place], name[place + 1 :]


def _alike(name: str, schema: StructType) -> StructField | None:
    """The field of a name, or else the only one whose name differs from it in case alone; None if there is none."""
    exact = [field for field in schema.fields if field.name == name]
    alike = exact or [field for field in schema.fields if field.name.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _element(kind: DataType) -> DataType:
    """The type of the elements of a list, also of one in a list; any other type as it is."""
    while isinstance(kind, ArrayType):
        kind = kind.elementType
    return kind


def has_bytes(kind: DataType) -> bool:
    """Whether values of a type hold bytes, such as a picture."""
    inner = _element(kind)
    return isinstance(inner, BinaryType) or (
        isinstance(inner, StructType) and any(has_bytes(field.dataType) for field in inner.fields)
    )


def refuse_types(sources: Mapping[str, Sequence[Source]]) -> None:
    """Check that each column of listings holds single values, and pictures what a picture can be read from.

    Raises:
        UsageError: it is not sure which field of a column holds the values.
    """
    for column, source in ((column, source) for column, found in sources.items() for source in found):
        kind = source.type
        if not is_picture(kind) if column == "image" else isinstance(kind, StructType | MapType):
            fields = [f"{source.name}.{name}" for name in kind.names] if isinstance(kind, StructType) else []
            example = fields[0] if fields else "NAME_IN_FILE"
            wanted = "pictures must be bytes or base64 text" if column == "image" else "a single value is needed"
            raise UsageError(
                f"column {source.name!r} has type {kind.simpleString()}; {wanted}. Name the one that holds "
                f"{column} with --set 'ingest.columns={{{column}: {example}}}'."
            )


def find_columns(schema: StructType, settings: IngestSettings) -> Found:
    """Find the columns of listings in a file.

    Args:
        schema: the columns of the file.
        settings: `columns` and `preset` name columns whose names differ in more than case.

    Returns:
        Column of listings -> where its values are: in each row in the first source that has one
        (`first_values.of_first_value`). Columns that the file lacks are left out.
    """
    return _find_all(_names(settings), schema)


def find_attributes(schema: StructType, settings: IngestSettings) -> Found:
    """Find attributes in a file by their names, as `find_columns`."""
    own = {name: (source,) for name, source in settings.attributes.items()}
    return _find_all({**_preset(settings).attributes, **own}, schema)


def source_columns(found: Sequence[Found]) -> dict[str, tuple[str, ...]]:
    """Column of listings -> the names of its sources, in the order in which they count, over all files.

    Args:
        found: the output of `find_columns` for each file.
    """
    columns = dict.fromkeys(column for each in found for column in each)
    return {
        column: tuple(dict.fromkeys(source.name for each in found for source in each.get(column, ())))
        for column in columns
    }


def source_names(settings: IngestSettings, column: str | None = None) -> tuple[str, ...]:
    """The names in files that settings give to all columns and attributes, or to one column."""
    if column is not None:
        return _names(settings).get(column, ())
    known = (*_names(settings).values(), *_preset(settings).attributes.values())
    return tuple(dict.fromkeys([each for names in known for each in names] + list(settings.attributes.values())))


def require_columns(schemas: Sequence[StructType], settings: IngestSettings) -> None:
    """Check that the files have all required and all mapped columns; the time of all rows can be set instead.

    Raises:
        UsageError: one is missing. The message lists the columns of the files.
    """
    names = _names(settings)
    columns = {name for schema in schemas for name in find_columns(schema, settings)}
    attributes = {name for schema in schemas for name in find_attributes(schema, settings)}
    named = {*REQUIRED, *settings.columns, *_preset(settings).required}
    if settings.updated_at is not None and _TIME not in settings.columns:
        named -= {_TIME}
    missing = [name for name in names if name in named and name not in columns]
    lacking = [f"{name}{_expected(name, names[name])}" for name in missing]
    lacking += [f"{name} ({source!r})" for name, source in settings.attributes.items() if name not in attributes]
    if lacking:
        first = missing[0] if missing else "title"
        given = list(dict.fromkeys(name for schema in schemas for name in all_names(schema)))
        shown = ", ".join(given[:_MAX_NAMES]) + (", ..." if len(given) > _MAX_NAMES else "")
        by_preset = f" The preset {settings.preset} expects this." if {*missing} & {*_preset(settings).required} else ""
        way_out = f" Leave one out with --set 'ingest.columns={{{first}: null}}'." if by_preset else ""
        proposal = propose_columns(schemas, settings)
        options = proposal.as_options(mapped_names(settings))
        alike = f" Names that look alike: check them, and use {options}" if options else ""
        other_name = f"--set 'ingest.columns={{{first}: NAME_IN_FILE}}'"
        no_time = _TIME in missing and not proposal.has_time
        raise UsageError(
            f"the file lacks {', '.join(lacking)}; its columns are {shown or 'none'}.{by_preset} If a column has "
            f"another name, map it with {other_name}.{way_out}"
            + (" If no column has the time of a row, use --set ingest.updated_at=file." if no_time else "")
            + alike
        )


def propose_columns(schemas: Sequence[StructType], settings: IngestSettings) -> Proposal:
    """Propose columns of files for columns of listings that they lack, among those that nothing uses.

    Args:
        schemas: the columns of the files.
        settings: what is mapped already.
    """
    found = [find_columns(schema, settings) for schema in schemas]
    uses = [*found, *(find_attributes(schema, settings) for schema in schemas)]
    used = {source.name for each in uses for sources in each.values() for source in sources}
    names = dict.fromkeys(name for schema in schemas for name in all_names(schema))
    mapped = mapped_names(settings)
    needless = {_TIME} if settings.updated_at is not None and mapped.get(_TIME) is None else set()
    return propose(
        [name for name in names if name not in used],
        {*needless, *(column for columns in found for column in columns)},
        [column for column, name in mapped.items() if name is None],
        has_preset=settings.preset is not None,
    )


def mapped_names(settings: IngestSettings) -> dict[str, str | None]:
    """Column of listings -> its name in files, as `ingest.columns` sets it; None: left out."""
    return {str(column): name for column, name in settings.columns.items()}


def _expected(name: str, names: Sequence[str]) -> str:
    """The names of a column in files, for a message; empty if it has its own name there."""
    shown = [repr(each) for each in names if len(names) == 1 or each != name]
    return "" if tuple(names) == (name,) else f" ({' or '.join(shown)})"


def _names(settings: IngestSettings) -> dict[str, tuple[str, ...]]:
    """Column of listings -> its names in files, in the order in which they count. Columns left out are missing."""
    mapped = mapped_names(settings)
    preset = _preset(settings).columns
    names: dict[str, tuple[str, ...]] = {}
    for column in (*REQUIRED, *OPTIONAL):
        own = mapped.get(column, column)
        if own is not None:
            names[column] = (own,) if column in mapped else tuple(dict.fromkeys((*preset.get(column, ()), own)))
    return names


def _preset(settings: IngestSettings) -> Preset:
    return preset_of(settings.preset)


def _find_all(names: Mapping[str, Sequence[str]], schema: StructType) -> Found:
    """The sources of the names that a file has, each once: names may differ in case alone."""
    found: Found = {}
    for column, known in names.items():
        sources = {source.name: source for each in known if (source := find_source(each, schema)) is not None}
        if sources:
            found[column] = tuple(sources.values())
    return found


def all_names(schema: StructType, before: str = "") -> Iterator[str]:
    """The names of columns; of one that has fields, those of its fields."""
    for field in schema.fields:
        inner = _element(field.dataType)
        if isinstance(inner, StructType):
            yield from all_names(inner, f"{before}{field.name}.")
        else:
            yield f"{before}{field.name}"
