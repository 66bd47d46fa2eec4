"""Which category of the taxonomy each delivered category is: the table category_aliases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.ingest_settings import FileSettings, IngestSettings
from jobs.ingestion.copies import Copies
from jobs.ingestion.faults import list_faults
from jobs.ingestion.rows import MALFORMED
from jobs.ingestion.taxonomies import DEFAULT_DEPARTMENT, read_category_file
from jobs.warehouse.listings import DELIVERY, TAXONOMY_FILE
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.successors import Successors
from schemas.tables import CATEGORY_ALIASES, LISTINGS, TAXONOMY
from udfs.categories import CategoryIndex, Separators, TaxonomyRow, category_key, category_udf

_FILE = "file"
_COLUMNS = ("alias", "category")


def read_alias_file(
    spark: SparkSession, location: str, codes: Collection[str], settings: FileSettings, copies: Copies
) -> dict[str, str]:
    """Read a mapping file (CSV, JSON or Parquet): alias -> category of the taxonomy.

    Args:
        spark: the session.
        location: the file.
        codes: the categories of the taxonomy.
        settings: how it is written.
        copies: a place for copies of files that Spark cannot read.

    Raises:
        UsageError: the file cannot be read or used. The message lists every error.
    """
    rows = read_category_file(spark, location, "alias", settings, copies)
    missing = [name for name in _COLUMNS if name not in rows.names]
    if missing:
        found = ", ".join(rows.names) or "none"
        raise UsageError(
            f"--category-aliases {location} lacks {' and '.join(missing)}; its columns are {found}. It must have "
            "alias, a name as it is delivered, and category, the code that the taxonomy has for it."
        )
    try:
        return validate_aliases(rows.collect_texts(_COLUMNS), codes)
    except ValueError as error:
        raise UsageError(f"--category-aliases {location} cannot be used:\n{error}") from error


def validate_aliases(rows: Sequence[Mapping[str, str | None]], codes: Collection[str]) -> dict[str, str]:
    """Validate the lines of a mapping file.

    Args:
        rows: alias and category as text, and `MALFORMED`.
        codes: the categories of the taxonomy.

    Returns:
        Alias -> category.

    Raises:
        ValueError: a row is malformed or incomplete, its category is not in the taxonomy, or an alias stands for two
            categories. The message has one line per error.
    """
    faults: list[str] = []
    aliases: dict[str, str] = {}
    named: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        alias, category = ((row.get(name) or "").strip() for name in _COLUMNS)
        other = named.get(category_key(alias), category)
        if row.get(MALFORMED) is not None:
            faults.append(f"row {number} cannot be read: {row[MALFORMED]!r}")
        elif not alias or not category:
            faults.append(f"row {number} has no {'alias' if not alias else 'category'}")
        elif category not in codes:
            faults.append(f"row {number}, alias {alias!r}: the taxonomy has no category {category!r}")
        elif other != category:
            faults.append(f"row {number}: alias {alias!r} stands for {other!r} and {category!r}")
        else:
            aliases[alias] = named[category_key(alias)] = category
    if faults:
        raise ValueError(list_faults(faults))
    return aliases


def open_index(
    taxonomy: DataFrame, successors: Successors, aliases: Mapping[str, str], settings: IngestSettings
) -> CategoryIndex:
    """The names of the categories, ready to be looked up.

    Args:
        taxonomy: the table taxonomy.
        successors: former categories, with those that have taken their places.
        aliases: alias -> category, as in a mapping file, which counts first; a former category is followed.
        settings: how delivered categories are written.
    """
    rows = [TaxonomyRow(*row) for row in taxonomy.select("category", "label", "parent", "department").collect()]
    followed = {alias: successors.get(category, category) for alias, category in aliases.items()}
    separators = Separators(settings.category_separator, settings.path_separator)
    return CategoryIndex(rows, {**successors, **followed}, separators, DEFAULT_DEPARTMENT)


def stored_names(aliases: DataFrame) -> tuple[dict[str, str], Successors]:
    """Alias -> category of the mapping file that was given last; and the output of `read_successors`.

    Args:
        aliases: the table category_aliases.
    """
    rows = aliases.where(F.col("source").isin(_FILE, TAXONOMY_FILE)).collect()
    of_file, successors = (
        {row.alias: row.category for row in rows if row.source == source} for source in (_FILE, TAXONOMY_FILE)
    )
    return of_file, successors


def derive_aliases(names: DataFrame, taxonomy: DataFrame, index: CategoryIndex) -> DataFrame:
    """Rows of category_aliases for the delivered categories that are no codes but stand for one.

    Args:
        names: the column category, as delivered.
        taxonomy: the table taxonomy.
        index: the names of the categories.
    """
    codes = taxonomy.select("category")
    others = names.select("category").where("category IS NOT NULL").distinct().join(codes, "category", "left_anti")
    found = others.select(F.col("category").alias("alias"), category_udf(index)(F.col("category")).alias("category"))
    return found.where("category IS NOT NULL").withColumn("source", F.lit(DELIVERY))


def update_aliases(
    warehouse: Warehouse,
    delivered: DataFrame,
    given: Mapping[str, str] | None,
    replaced: Successors | None,
    settings: IngestSettings,
) -> CategoryIndex:
    """Write what the delivered and the stored categories stand for, if it has changed.

    Categories of earlier deliveries are kept while they stand for something, because past dates are judged by them.

    Args:
        warehouse: the tables, with the current taxonomy.
        delivered: rows of a delivery.
        given: alias -> category of a mapping file; None: that of the last one.
        replaced: what the categories of a taxonomy file replace; None: as the last one said.
        settings: how delivered categories are written.

    Returns:
        The names of the categories.
    """
    stored, taxonomy = warehouse.read(CATEGORY_ALIASES), warehouse.read(TAXONOMY)
    aliases, successors = stored_names(stored)
    aliases = aliases if given is None else dict(given)
    successors = successors if replaced is None else replaced
    index = open_index(taxonomy, successors, aliases, settings)
    earlier = stored.where(F.col("source") == DELIVERY).select(F.col("alias").alias("category"))
    names = delivered.select("category").union(warehouse.read(LISTINGS).select("category")).union(earlier)
    rows = [(alias, category, _FILE) for alias, category in sorted(aliases.items())]
    rows += [(former, category, TAXONOMY_FILE) for former, category in sorted(successors.items())]
    new = derive_aliases(names, taxonomy, index)
    if rows:
        new = new.union(warehouse.spark.createDataFrame(rows, CATEGORY_ALIASES.ddl))
    both = new.withColumn("number", F.lit(1)).union(stored.withColumn("number", F.lit(-1)))
    if not both.groupBy(*stored.columns).agg(F.sum("number").alias("number")).where("number != 0").isEmpty():
        warehouse.overwrite(CATEGORY_ALIASES, new)
    return index
