"""Every Delta table of the warehouse, declared once: columns, key, partitioning and meaning.

`Table.ddl` is the schema as Spark DDL. There are six kinds of tables:

* **source**: written by `ingest` and `review`; a run pins a version of it and never changes it;
* **fact**: results of a run in its own slice (job, run_date), which a rerun replaces;
* **state**: the current state, one row per key, rewritten by every publication;
* **log**: append-only;
* **cache**: computed from a source alone; its rows may be deleted, and are then computed again. No publication contains
  it;
* **history**: what backfills found, in slices of a backfill and a date. No publication contains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["source", "fact", "state", "log", "cache", "history"]


@dataclass(frozen=True)
class Column:
    """A column of a table: name, type as Spark DDL, and meaning."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table of the warehouse.

    Attributes:
        name: its name in the warehouse.
        kind: who writes it, and how.
        row: what a row represents.
        key: columns that identify a row within one publication.
        columns: the columns in order. To add one, append it and increase `version`: a stored table gets the column
            before the next write, with null in older rows. Columns are never renamed or dropped, and never change their
            type.
        partition: the partition columns.
        properties: Delta table properties.
        version: version of this declaration. A program that knows only an older version refuses to use the table.
    """

    name: str
    kind: Kind
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    version: int = 1

    @property
    def ddl(self) -> str:
        """The schema as Spark DDL, e.g. ``listing_id STRING, price DOUBLE``."""
        return ", ".join(f"{c.name} {c.type}" for c in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(c.name for c in self.columns)


# Categories with their probabilities, most probable first.
_RANKED = "ARRAY<STRUCT<category: STRING, probability: DOUBLE>>"

_RUN = (
    Column("run_id", "STRING", "the run that wrote the row"),
    Column("run_date", "DATE", "the date for which it ran"),
)
_DECIDED_BY = (
    Column("run_id", "STRING", "the run that decided the row; an applied backfill leaves other rows as they are"),
    Column("run_date", "DATE", "the date for which it ran"),
)
_SLICE = (Column("job", "STRING", "the job whose slice the row is in"), *_RUN)

LISTINGS = Table(
    name="listings",
    kind="source",
    row="the newest version of a listing, as delivered; cleaning never changes it",
    key=("listing_id",),
    properties=(
        ("delta.enableDeletionVectors", "true"),
        ("delta.enableChangeDataFeed", "true"),
        # Collect statistics only on these columns, not on columns with personal data or pictures.
        ("delta.dataSkippingStatsColumns", "listing_id,updated_at,bucket"),
    ),
    columns=(
        Column("listing_id", "STRING", "the marketplace's id of the listing"),
        Column("title", "STRING", "as the seller wrote it; null where there is none"),
        Column("description", "STRING", "as the seller wrote it; null where there is none"),
        Column("category", "STRING", "the seller's category; null if missing; may not be in the taxonomy"),
        Column("price", "DOUBLE", "null or NaN where it is missing; null where it cannot be read for sure"),
        Column("seller_id", "STRING", "the seller; null where unknown"),
        Column("updated_at", "TIMESTAMP", "UTC; the newest version of a listing wins"),
        Column("withdrawn", "BOOLEAN", "true if a full load did not contain it; it is kept, but no longer cleaned"),
        Column("delivery_id", "STRING", "the ingest run that loaded this version"),
        Column("content_hash", "STRING", "SHA-256 over title, description and picture, the model's inputs"),
        Column("image_hash", "STRING", "SHA-256 of the picture's bytes; null where there are none"),
        Column("group_id", "STRING", "shared by listings of the same product; editing the title does not change it"),
        Column("bucket", "INT", "hash of group_id, 0 to 2519; of K members, member bucket mod K predicts it"),
        Column("title_key", "BIGINT", "hash of the normalised title; null if it is uninformative"),
        Column(
            "image_key", "BIGINT", "perceptual hash of the picture; null without a usable one; near duplicates share it"
        ),
        Column("image_uri", "STRING", "path or URI of the picture, if it was delivered as one"),
        Column("image", "BINARY", "the encoded picture, if it was delivered as bytes"),
        Column("currency", "STRING", "code of ISO 4217, or a sign that several currencies share; null where unknown"),
        Column("condition", "STRING", "such as new or used; null where unknown"),
        Column("exposure", "DOUBLE", "how often the listing was seen or sold; null where unknown"),
        Column("attributes", "MAP<STRING, STRING>", "other columns of the delivery (`ingest.attributes`)"),
    ),
    version=2,
)

LISTING_CHANGES = Table(
    name="listing_changes",
    kind="log",
    row="a change to a listing by an ingest run, without the picture",
    key=("delivery_id", "listing_id"),
    columns=(
        Column("delivery_id", "STRING", "the ingest run that made the change"),
        Column("listing_id", "STRING", "the listing"),
        Column(
            "change",
            "STRING",
            "inserted, updated (a newer version, which also ends a withdrawal), returned (the withdrawn version again) "
            "or withdrawn",
        ),
        Column("title", "STRING", "as delivered"),
        Column("description", "STRING", "as delivered"),
        Column("category", "STRING", "as delivered"),
        Column("price", "DOUBLE", "as delivered"),
        Column("seller_id", "STRING", "as delivered"),
        Column("updated_at", "TIMESTAMP", "UTC, as delivered"),
        Column("content_hash", "STRING", "of the content after the change"),
        Column("image_uri", "STRING", "as delivered"),
        Column("image_hash", "STRING", "SHA-256 of the picture's bytes; null where there are none, or in earlier rows"),
        Column("currency", "STRING", "as delivered, or as the price says"),
        Column("condition", "STRING", "as delivered"),
        Column("exposure", "DOUBLE", "as delivered"),
        Column("attributes", "MAP<STRING, STRING>", "as delivered"),
    ),
    version=3,
)

TAXONOMY = Table(
    name="taxonomy",
    kind="source",
    row="a category",
    key=("category",),
    columns=(
        Column("category", "STRING", "its code"),
        Column("label", "STRING", "its display name"),
        Column("parent", "STRING", "its parent category"),
        Column("department", "STRING", "the top level of its branch"),
        Column("sensitive", "BOOLEAN", "only people may move a listing into it or out of it"),
    ),
)

CATEGORY_ALIASES = Table(
    name="category_aliases",
    kind="source",
    row="a name that stands for a category of the taxonomy",
    key=("alias", "source"),
    columns=(
        Column("alias", "STRING", "the name: as delivered, or as the mapping file has it"),
        Column("category", "STRING", "the category's code"),
        Column(
            "source",
            "STRING",
            "delivery: listings with this category count as labelled with the code; file: a line of the mapping file; "
            "taxonomy: a former category, its label or path, with the one that has taken its place",
        ),
    ),
)

FEATURES = Table(
    name="features",
    kind="cache",
    row="the picture of a listing's content as a vector of a frozen encoder; listings without a picture have none",
    key=("listing_id", "content_hash", "encoder"),
    partition=("encoder",),
    properties=(
        # A row is marked or deleted without rewriting the vectors of the rows beside it.
        ("delta.enableDeletionVectors", "true"),
        ("delta.dataSkippingStatsColumns", "listing_id,encoded_at,superseded_at"),
        # Every night adds a small file or two. A write that finds 50 of them joins them.
        ("delta.autoOptimize.autoCompact", "true"),
    ),
    columns=(
        Column("listing_id", "STRING", "the listing"),
        Column("content_hash", "STRING", "of the content that the picture belongs to"),
        Column("encoder", "STRING", "the encoder's identity; vectors of different encoders cannot be compared"),
        Column("image_status", "STRING", "ok, or why there is no vector; the names are in schemas/reasons.py"),
        Column("image_width", "INT", "in pixels, from the picture's header; null if it could not be read"),
        Column("image_height", "INT", "in pixels, as image_width"),
        Column("image_hash", "STRING", "SHA-256 of the picture's bytes when it was encoded; null if there were none"),
        Column("encoded_at", "TIMESTAMP", "when the row was written, UTC: the picture was read, or its vector copied"),
        Column(
            "superseded_at",
            "TIMESTAMP",
            "since when the row is no longer needed: the listing has other content, or the encoder is out of use; UTC; "
            "null while it is needed",
        ),
        Column("vector", "BINARY", "numbers of 16 bits (IEEE 754, little-endian); null unless image_status is ok"),
        Column("image_format", "STRING", "such as JPEG or SVG, by the file's first bytes; null where it is not known"),
        Column(
            "miniature",
            "BINARY",
            "the picture as the encoder sees it, in 8 x 8 pixels, RGB; null if it is not usable, and in earlier rows",
        ),
    ),
    version=3,
)

PICTURE_FETCHES = Table(
    name="picture_fetches",
    kind="cache",
    row="an http or https address of a picture that `fetch-pictures` has asked for; the picture is in a folder",
    key=("uri",),
    properties=(("delta.enableDeletionVectors", "true"), ("delta.dataSkippingStatsColumns", "fetched_at")),
    columns=(
        Column("uri", "STRING", "the address, as in the column image_uri of listings"),
        Column("status", "STRING", "ok, or why there is no picture; the names are in schemas/reasons.py"),
        Column(
            "problem",
            "STRING",
            "of unreadable and not_allowed: name (the host has no address), inner_address, host (a redirect to one "
            "that is not allowed), redirects (too many), connection, tls, timeout, busy, refused or compressed",
        ),
        Column("http_status", "INT", "the last status of HTTP; null without an answer"),
        Column("bytes", "BIGINT", "size of the picture; null without one"),
        Column("sha256", "STRING", "SHA-256 of its bytes, as listings.image_hash; null without one"),
        Column("attempts", "INT", "number of requests the last time, without redirects; 0: it was in the folder"),
        Column("fetched_at", "TIMESTAMP", "when it was asked for the last time, UTC"),
        Column("folder", "STRING", "the folder with the picture, as in fetch.folder; null: the default one"),
    ),
)

PREDICTIONS = Table(
    name="predictions",
    kind="fact",
    row="a model version's prediction for the current content of a listing; it does not use the seller's category",
    key=("listing_id", "model_version"),
    partition=("job", "run_date"),
    # New content of a listing deletes its old prediction without rewriting other rows of the file.
    properties=(("delta.enableDeletionVectors", "true"),),
    columns=(
        Column("listing_id", "STRING", "the listing"),
        Column("content_hash", "STRING", "of the content that was scored"),
        Column("model_version", "STRING", "the model that scored it"),
        Column("fold", "INT", "its fold; the member that scored it has not trained on this fold"),
        Column("predicted_category", "STRING", "the most probable category; null if the listing has no usable input"),
        Column("confidence", "DOUBLE", "the fused probability of predicted_category, 0 to 1"),
        Column(
            "top_categories", _RANKED, "by text and picture; the remaining probability belongs to the other categories"
        ),
        Column("text_top", _RANKED, "by the text alone; null where there is no text"),
        Column("image_top", _RANKED, "by the picture alone; null where there is no usable picture"),
        Column("text_category", "STRING", "first of text_top"),
        Column("text_confidence", "DOUBLE", "its probability"),
        Column("image_category", "STRING", "first of image_top"),
        Column("image_confidence", "DOUBLE", "its probability"),
        Column("image_status", "STRING", "ok, or why there is no usable picture; the names are in schemas/reasons.py"),
        Column("novelty", "DOUBLE", "share of words outside the model's vocabulary, 0 to 1; null without words"),
        *_SLICE,
        Column(
            "personal_data",
            "ARRAY<STRING>",
            "personal data in the texts: address, card, email, iban, phone, sorted; may be empty; null in earlier rows",
        ),
        Column(
            "language",
            "STRING",
            "language of the texts (ISO 639-1); null where it is not sure, or there is too little text",
        ),
        Column(
            "text_rules", "STRING", "the rules by which personal_data and language were found; null in earlier ones"
        ),
        Column(
            "attributes",
            "ARRAY<STRUCT<attribute: STRING, value: STRING, probability: DOUBLE, by_words: DOUBLE, by_picture: DOUBLE, "
            "contradiction: DOUBLE>>",
            "the most probable value of each attribute that the model has learnt, with its probability, also by words "
            "or picture alone (null without the input); of `condition` all values, each with the probability that a "
            "listing that states it is wrong. Null where the model has learnt none, and in earlier rows",
        ),
    ),
    version=3,
)

CORRECTIONS = Table(
    name="corrections",
    kind="fact",
    row="the start, change or end of a correction of a listing's category",
    key=("run_id", "listing_id"),
    partition=("job", "run_date"),
    columns=(
        Column("listing_id", "STRING", "the listing"),
        Column("event", "STRING", "begun, changed or ended"),
        Column("seller_category", "STRING", "the seller's label at the time"),
        Column("corrected_category", "STRING", "the corrected category; if the correction ended, the last one"),
        Column("confidence", "DOUBLE", "posterior probability that corrected_category is right; null if it ended"),
        Column("decided_by", "STRING", "model or reviewer"),
        Column("model_version", "STRING", "the champion of the run"),
        *_SLICE,
    ),
)

CLEAN_LISTINGS = Table(
    name="clean_listings",
    kind="state",
    row="a listing with its cleaned category",
    key=("listing_id",),
    columns=(
        Column("listing_id", "STRING", "the listing"),
        Column("title", "STRING", "as delivered"),
        Column("description", "STRING", "as delivered"),
        Column("category", "STRING", "the seller's label: the code that it stands for, else as delivered"),
        Column("price", "DOUBLE", "as delivered"),
        Column("seller_id", "STRING", "as delivered"),
        Column("updated_at", "TIMESTAMP", "as delivered"),
        Column("image_uri", "STRING", "as delivered"),
        Column("content_hash", "STRING", "of the content that the row is about"),
        Column(
            "effective_category",
            "STRING",
            "the category to show; null if only a person may choose it; in the arms shadow and control as the seller's",
        ),
        Column("category_source", "STRING", "who decided it: seller, model or reviewer"),
        Column("category_action", "STRING", "kept, corrected or referred"),
        Column("category_confidence", "DOUBLE", "posterior probability that effective_category is right, 0 to 1"),
        Column("best_category", "STRING", "the category with the highest posterior"),
        Column("best_confidence", "DOUBLE", "its posterior, 0 to 1"),
        Column("quality_score", "DOUBLE", "0 (unusable) to 100 (complete and surely in the right category)"),
        *_DECIDED_BY,
        Column("currency", "STRING", "as in listings"),
        Column(
            "rollout_arm",
            "STRING",
            "correct, flag, shadow or control: how far the model's decision takes effect; null in earlier rows",
        ),
        Column(
            "duplicate_of", "STRING", "the listing to keep of those that offer the same product; null if there is none"
        ),
        Column(
            "mismatch_probability",
            "DOUBLE",
            "the probability that the picture shows something else, 0 to 1; null without a usable picture",
        ),
        Column("quality_category", "DOUBLE", "points of quality_score for the category, 0 to 55"),
        Column("quality_title", "DOUBLE", "points for the title, 0 or 20"),
        Column("quality_picture", "DOUBLE", "points for the picture, 0 or 15"),
        Column("quality_price", "DOUBLE", "points for the price, 0 or 5"),
        Column("quality_description", "DOUBLE", "points for the description, 0 or 5"),
        Column("language", "STRING", "language of the texts (ISO 639-1); null where it is not sure"),
        Column("condition", "STRING", "as delivered; null in earlier rows"),
    ),
    version=5,
)

SHADOW_DECISIONS = Table(
    name="shadow_decisions",
    kind="state",
    row="a listing of the arms shadow and control about which the arm correct would have decided otherwise than "
    "clean_listings has it; the table is there once such an arm has been used",
    key=("listing_id",),
    columns=(
        Column("listing_id", "STRING", "the listing"),
        Column("content_hash", "STRING", "of the content that the row is about"),
        Column("rollout_arm", "STRING", "shadow or control"),
        Column("category", "STRING", "as in clean_listings"),
        Column("effective_category", "STRING", "what would have been shown; null if only a person may choose it"),
        Column("category_source", "STRING", "who would have decided it: seller or model"),
        Column("category_action", "STRING", "kept, corrected or referred"),
        Column("category_confidence", "DOUBLE", "posterior probability that effective_category is right, 0 to 1"),
        *_DECIDED_BY,
    ),
)

DUPLICATE_PAIRS = Table(
    name="duplicate_pairs",
    kind="state",
    row="two listings whose present content shows the same product",
    key=("listing_id", "other_listing_id"),
    columns=(
        Column("listing_id", "STRING", "one of them"),
        Column("content_hash", "STRING", "of its content"),
        Column("other_listing_id", "STRING", "the other one"),
        Column("other_content_hash", "STRING", "of its content"),
        Column("same_words", "BOOLEAN", "whether titles and descriptions have the same words"),
        Column("distance", "DOUBLE", "how far the pictures' miniatures differ, 0 to 255; null where the texts decide"),
        Column("needs_price", "BOOLEAN", "whether they are duplicates only while their prices are equal"),
        *_RUN,
    ),
)

_WORDS = "ARRAY<STRUCT<word: STRING, weight: DOUBLE>>"

EXPLANATIONS = Table(
    name="explanations",
    kind="state",
    row="why a listing is corrected, referred or on the work list for its category; kept until its content, its "
    "category, the suggestion or the model changes",
    key=("listing_id",),
    columns=(
        Column("listing_id", "STRING", "the listing"),
        Column("content_hash", "STRING", "of the content that is explained"),
        Column("model_version", "STRING", "the model that is explained"),
        Column("category", "STRING", "the seller's, as in clean_listings; null if missing"),
        Column("suggested_category", "STRING", "the corrected category, or the most probable other one; may be null"),
        Column("category_action", "STRING", "as in clean_listings"),
        Column("category_source", "STRING", "as in clean_listings"),
        Column("sentence", "STRING", "the reason in a sentence for the seller"),
        Column(
            "suggested_words",
            _WORDS,
            "at most five words that speak for the suggestion, the strongest first. The weight is by how much the log "
            "odds of the suggestion against the seller's category, by the text alone, fall without the word",
        ),
        Column("seller_words", _WORDS, "words that speak for the seller's category, with the weight the other way"),
        Column(
            "text_suggested",
            "DOUBLE",
            "probability of the suggestion by the text alone; 0 if it is not among the stored ones; null without text",
        ),
        Column("text_seller", "DOUBLE", "the same of the seller's category; null also without one in the taxonomy"),
        Column("image_suggested", "DOUBLE", "as text_suggested, by the picture alone"),
        Column("image_seller", "DOUBLE", "as text_seller, by the picture alone"),
        Column("seller_error_rate", "DOUBLE", "sellers.error_rate when it was explained; null without a seller"),
        Column("seller_listings", "BIGINT", "sellers.listings when it was explained; null without a seller"),
        Column(
            "similar",
            "ARRAY<STRUCT<listing_id: STRING, similarity: DOUBLE>>",
            "at most three listings of the suggested category that are surely right, the most similar first: cosine of "
            "the pictures' vectors or, without a picture, of the titles' words",
        ),
        *_DECIDED_BY,
    ),
)

ATTRIBUTE_SUGGESTIONS = Table(
    name="attribute_suggestions",
    kind="state",
    row="an attribute that a listing does not state, and its words or its picture make plain; the table is there once "
    "a model has learnt attributes",
    key=("listing_id", "attribute"),
    columns=(
        Column("listing_id", "STRING", "the listing"),
        Column("content_hash", "STRING", "of the content that the row is about"),
        Column("attribute", "STRING", "such as colour: a key of listings.attributes, condition, or a name in settings"),
        Column("value", "STRING", "as most listings write it"),
        Column("confidence", "DOUBLE", "the probability that it is right, 0 to 1"),
        Column("evidence", "STRING", "how probable the words alone and the picture alone make it, in words"),
        *_RUN,
    ),
)

FLAGGED_ITEMS = Table(
    name="flagged_items",
    kind="state",
    row="a listing that a person should review: the work list (status open), and the items that were answered",
    key=("listing_id",),
    columns=(
        Column("listing_id", "STRING", "the listing"),
        Column("reasons", "ARRAY<STRING>", "why it is flagged, sorted: the open reasons, or those answered last"),
        Column("suggested_categories", _RANKED, "by posterior, the most probable first, at most five"),
        Column(
            "priority",
            "DOUBLE",
            "higher comes first; for the category queue the probability of an error, 0 to 1, times `review.priority`",
        ),
        Column("explanation", "STRING", "the reasons in words"),
        Column("audit_chance", "DOUBLE", "the probability of being drawn for the audit sample; null if not drawn"),
        Column(
            "status",
            "STRING",
            "open; or accepted, rejected or resolved by a reviewer, until the listing's content changes",
        ),
        Column("content_hash", "STRING", "of the content that the row is about"),
        Column("first_run_date", "DATE", "since when it has been flagged without interruption"),
        *_DECIDED_BY,
        Column(
            "in_budget", "BOOLEAN", "whether it is one of the most urgent items, as many as its queue's budget allows"
        ),
        Column(
            "suggested_price",
            "STRUCT<median: DOUBLE, lower: DOUBLE, upper: DOUBLE, listings: BIGINT>",
            "of a price_outlier: median and quartiles of the prices of its category and currency, and how many they "
            "are; null with fewer than eight, of other reasons, and in earlier rows",
        ),
    ),
    version=3,
)

SELLERS = Table(
    name="sellers",
    kind="state",
    row="a seller with the estimated share of wrong labels",
    key=("seller_id",),
    columns=(
        Column("seller_id", "STRING", "the seller; listings without a seller are not in the table"),
        Column("listings", "BIGINT", "listings with a label of the taxonomy"),
        Column(
            "error_rate",
            "DOUBLE",
            "share of wrong labels as the model estimates it, shrunk to the overall rate, 0 to 1",
        ),
        Column("lower", "DOUBLE", "lower end of the model's 95 % interval of error_rate; not based on an audit"),
        Column("upper", "DOUBLE", "upper end"),
        *_DECIDED_BY,
        Column(
            "mistakes",
            "ARRAY<STRUCT<seller_category: STRING, our_category: STRING, listings: BIGINT>>",
            "what the seller gets wrong most: at most five pairs of the seller's category and the one shown instead, "
            "with the number of listings; null in earlier rows",
        ),
        Column(
            "trend",
            "DOUBLE",
            "share of wrong labels, by the model, of listings updated in the 30 days before run_date less that of the "
            "others, -1 to 1; above 0 it gets worse; null with fewer than 10 listings on either side",
        ),
        Column("trend_lower", "DOUBLE", "lower end of its 95 % interval: above 0 it gets worse beyond chance"),
        Column("trend_upper", "DOUBLE", "upper end: below 0 it gets better beyond chance"),
    ),
    version=2,
)

QUARANTINE = Table(
    name="quarantine",
    kind="fact",
    row="a delivered row that could not be used",
    key=("run_id", "row_number"),
    partition=("job", "run_date"),
    columns=(
        Column("listing_id", "STRING", "as delivered; null where it is missing or unreadable"),
        Column("row_number", "BIGINT", "an id of the row within the run"),
        Column("reasons", "ARRAY<STRING>", "why; the names are in schemas/reasons.py"),
        Column("raw", "STRING", "the row as JSON, without the picture"),
        *_SLICE,
    ),
)

QUALITY_METRICS = Table(
    name="quality_metrics",
    kind="fact",
    row="the value of a metric in a run",
    key=("run_id", "metric", "dimension", "segment", "source"),
    partition=("job", "run_date"),
    version=3,
    columns=(
        Column("metric", "STRING", "its name; defined in metric_definitions"),
        Column(
            "dimension",
            "STRING",
            "the dimension by which it is split: all, category, department, language, rollout_arm, seller_size, reason "
            "or image_status",
        ),
        Column("segment", "STRING", "the value of the dimension; 'all' if it is not split"),
        Column("value", "DOUBLE", "numerator / denominator, or the numerator where there is no denominator"),
        Column("numerator", "DOUBLE", "of the share or mean"),
        Column("denominator", "DOUBLE", "of the share or mean; null for a count"),
        Column(
            "lower",
            "DOUBLE",
            "lower end of the interval: 95 % (exact) if source is audit or decisions, two standard errors if it is "
            "evidence; null otherwise",
        ),
        Column("upper", "DOUBLE", "upper end; also null if evidence gives only a lower end"),
        *_SLICE,
        Column(
            "source",
            "STRING",
            "count, model (its own estimate), audit (a random sample, answered by people), decisions (people's, of no "
            "random sample) or evidence (what training found); null in rows of earlier versions",
        ),
        Column(
            "basis",
            "STRING",
            "which evidence, if source is evidence, or what a flag of a segment compares, in words; null otherwise",
        ),
    ),
)

METRIC_DEFINITIONS = Table(
    name="metric_definitions",
    kind="state",
    row="a metric and the meaning of its values in quality_metrics",
    key=("metric",),
    columns=(
        Column("metric", "STRING", "its name"),
        Column("unit", "STRING", "of the value"),
        Column("meaning", "STRING", "what the value describes"),
        Column("numerator", "STRING", "what is summed"),
        Column("denominator", "STRING", "what the sum is divided by; null if the value is the sum itself"),
        Column("dimensions", "ARRAY<STRING>", "the dimensions by which it is split; `all` is the whole catalogue"),
        Column(
            "source", "STRING", "what it is based on: count, model, audit, decisions or evidence, or several of them"
        ),
        *_DECIDED_BY,
    ),
)

GATE_RESULTS = Table(
    name="gate_results",
    kind="fact",
    row="an expectation checked by a gate",
    key=("run_id", "gate", "expectation", "column_name"),
    partition=("job", "run_date"),
    columns=(
        Column("gate", "STRING", "input or output of a night, or delivery of an ingest"),
        Column("expectation", "STRING", "what was expected"),
        Column("column_name", "STRING", "the column; empty if it is about the whole table"),
        Column("success", "BOOLEAN", "whether it was met"),
        Column("observed", "STRING", "the observed value"),
        *_SLICE,
    ),
)

REVIEW_DECISIONS = Table(
    name="review_decisions",
    kind="log",
    row="a person's decision; append-only",
    key=("decision_id",),
    columns=(
        Column("decision_id", "STRING", "its id"),
        Column("listing_id", "STRING", "the listing"),
        Column("content_hash", "STRING", "of the content that was reviewed; the decision holds only for this content"),
        Column("run_id", "STRING", "the publication that the reviewer saw"),
        Column("decision", "STRING", "accept, reject, set_category, resolve, skip or reopen"),
        Column("reason", "STRING", "the reason that it is about; null if it is about the category"),
        Column("category", "STRING", "the right category; null unless the decision is about the category"),
        Column(
            "audit_chance",
            "DOUBLE",
            "flagged_items.audit_chance of the reviewed item; null outside the audit, and if the reviewer saw what the "
            "model suggests",
        ),
        Column("reviewer", "STRING", "the person who decided"),
        Column("decided_at", "TIMESTAMP", "UTC"),
        Column("note", "STRING", "free text"),
        Column(
            "published_category",
            "STRING",
            "what was published as effective_category when the reviewer looked, which the decision judges; null if "
            "there was none or a person had chosen it, unless the decision is about the category, and in earlier rows",
        ),
        Column(
            "purpose",
            "STRING",
            "why it was asked for: work, audit (shown without the model's opinion), known or second, which never stand "
            "as a decision; null in earlier rows and where a file does not say",
        ),
        Column("reviewer_role", "STRING", "the reviewer's role: reviewer, lead or admin; null as purpose"),
        Column("batch_id", "STRING", "shared by decisions that were made at once; null if it was made by itself"),
        Column(
            "judged_hash",
            "STRING",
            "SHA-256 of the values that the decision judges: the content and, for a price, condition or duplicate, "
            "these; an answer about a reason holds as long as they are the same; null in earlier rows",
        ),
        Column("reopens", "STRING", "the decision_id of the decision that it takes back; null unless it is reopen"),
    ),
    version=4,
)

RUNS = Table(
    name="runs",
    kind="log",
    row="a run of a job; for a publication it is the last write and marks the commit",
    key=("run_id",),
    columns=(
        Column("run_id", "STRING", "job, run date and attempt"),
        Column("job", "STRING", "ingest, train, nightly, ..."),
        Column("run_date", "DATE", "the date for which it ran"),
        Column("status", "STRING", "published, done, refused or failed"),
        Column("base_run_id", "STRING", "the publication that it builds on"),
        Column("listings_version", "BIGINT", "the Delta version of listings that it read"),
        Column("taxonomy_version", "BIGINT", "Delta version of taxonomy that it read"),
        Column(
            "decisions_version", "BIGINT", "Delta version of review_decisions that it read; null where there were none"
        ),
        Column("model_version", "STRING", "the champion that was used, or the version that was trained"),
        Column("published_versions", "MAP<STRING, BIGINT>", "table -> Delta version; null unless it published"),
        Column("settings_hash", "STRING", "SHA-256 of the settings, 16 digits"),
        Column("counts", "MAP<STRING, BIGINT>", "numbers of rows read and written, and other counts"),
        Column("message", "STRING", "why it failed or was refused, or which exceeded limits a person has accepted"),
        Column("started_at", "TIMESTAMP", "UTC"),
        Column("finished_at", "TIMESTAMP", "UTC"),
        Column("reverts", "STRING", "the publication that it takes back; null unless job is revert"),
        Column("started_by", "STRING", "user and host; null for a killed run"),
        Column("program", "STRING", "name and version, with the commit if it ran from a checkout; null as started_by"),
        Column("packages", "MAP<STRING, STRING>", "versions of the packages that matter; null as started_by"),
        Column(
            "settings",
            "STRING",
            "JSON: the settings that differ from the defaults, without secrets; null as started_by",
        ),
        Column(
            "ended_by",
            "STRING",
            "the erasure that ended the publication, which can no longer be read; null unless one did",
        ),
        Column(
            "limits",
            "STRING",
            "whether the limits on changes held: held, accepted (by --accept-changes) or exempt (a first run); null "
            "for jobs without limits, and in earlier rows",
        ),
        Column(
            "corrections",
            "BOOLEAN",
            "whether the model could correct categories, by the switch and the settings; null for jobs that decide "
            "none, and in earlier rows",
        ),
    ),
    version=4,
)

PINS = Table(
    name="pins",
    kind="log",
    row="a job's date with the versions that its run reads, recorded before it starts; a retry reads the same versions",
    key=("job", "run_date"),
    columns=(
        Column("job", "STRING", "the job"),
        Column("run_date", "DATE", "the date for which it runs"),
        Column("pins", "STRING", "JSON: model version, Delta versions of the sources, base_run_id"),
        Column("pinned_at", "TIMESTAMP", "UTC"),
    ),
)

SUPPRESSIONS = Table(
    name="suppressions",
    kind="log",
    row="an erased listing or seller, by a keyed pseudonym: rows about it are dropped when they are delivered again",
    key=("kind", "pseudonym"),
    columns=(
        Column("kind", "STRING", "listing or seller"),
        Column("pseudonym", "STRING", "HMAC-SHA256 of the id with the warehouse's key, 32 hexadecimal digits"),
        Column("key_check", "STRING", "tells keys apart: entries with another key's check match nothing"),
        Column("models", "ARRAY<STRING>", "the model versions that may have learned from it"),
        Column("run_id", "STRING", "the erasure"),
        Column("erased_at", "TIMESTAMP", "UTC"),
    ),
)

CORRECTION_SWITCH = Table(
    name="correction_switch",
    kind="log",
    row="somebody has switched the model's corrections off or on; the last row holds, and without rows they are on",
    key=("switched_at",),
    columns=(
        Column("corrections", "BOOLEAN", "whether the model may correct categories from then on"),
        Column("switched_by", "STRING", "user and host"),
        Column("switched_at", "TIMESTAMP", "UTC"),
        Column("note", "STRING", "why; null if nobody has said so"),
    ),
)

_BACKFILL = (
    Column("backfill_id", "STRING", "the backfill; a row of backfills"),
    Column("as_of", "DATE", "the date as of which the catalogue was judged"),
)

BACKFILLS = Table(
    name="backfills",
    kind="log",
    row="the start or the end of a backfill; the next one with the same dates or files, model and settings continues "
    "one that has not ended",
    key=("backfill_id", "event"),
    columns=(
        Column("backfill_id", "STRING", "run id of the first run that worked on it"),
        Column("event", "STRING", "begun or done"),
        Column("from_date", "DATE", "the first date"),
        Column("to_date", "DATE", "the last date"),
        Column("model_version", "STRING", "the model that judges"),
        Column("settings_hash", "STRING", "of the settings"),
        Column("versions", "MAP<STRING, BIGINT>", "Delta versions of the tables that it reads"),
        Column("files", "STRING", "the files of an archive; null if it judges past deliveries"),
        Column("recorded_at", "TIMESTAMP", "UTC"),
    ),
)

BACKFILL_PREDICTIONS = Table(
    name="backfill_predictions",
    kind="history",
    row="a model version's prediction for content that a listing had on a date of a backfill; the date is the first on "
    "which the backfill met the content",
    key=("backfill_id", "listing_id", "content_hash"),
    partition=("backfill_id", "as_of"),
    columns=(
        *_BACKFILL,
        *(column for column in PREDICTIONS.columns if column not in _SLICE),
    ),
    version=3,
)

BACKFILL_DECISIONS = Table(
    name="backfill_decisions",
    kind="history",
    row="what a backfill decides about a listing of the catalogue as it was on a date",
    key=("backfill_id", "as_of", "listing_id"),
    partition=("backfill_id", "as_of"),
    columns=(
        *_BACKFILL,
        Column("listing_id", "STRING", "the listing"),
        Column("content_hash", "STRING", "of its content on that date"),
        Column("category", "STRING", "the seller's label on that date"),
        Column("seller_id", "STRING", "the seller on that date"),
        *(
            column
            for column in CLEAN_LISTINGS.columns
            if column.name.startswith(("effective_", "category_", "best_", "quality_"))
        ),
        Column("reasons", "ARRAY<STRING>", "why a person should look at it, sorted; empty if there is no reason"),
        Column("image_status", "STRING", "ok, or why the picture was not used; the names are in schemas/reasons.py"),
        Column("model_version", "STRING", "the model that judged"),
    ),
)

LEASE = Table(
    name="lease",
    kind="log",
    row="none: the properties and commits say which job may write to the warehouse",
    key=(),
    columns=(Column("fence", "BIGINT", "not used"),),
    properties=(
        # The log is not needed for long, and a checkpoint must not delay a renewal.
        ("delta.logRetentionDuration", "interval 2 days"),
        ("delta.checkpointInterval", "1000000"),
    ),
)
"""Not in `TABLES`, because nobody reads it; only a warehouse that is no local folder has it."""

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        LISTINGS,
        LISTING_CHANGES,
        TAXONOMY,
        CATEGORY_ALIASES,
        PICTURE_FETCHES,
        FEATURES,
        PREDICTIONS,
        CORRECTIONS,
        CLEAN_LISTINGS,
        SHADOW_DECISIONS,
        DUPLICATE_PAIRS,
        EXPLANATIONS,
        ATTRIBUTE_SUGGESTIONS,
        FLAGGED_ITEMS,
        SELLERS,
        QUARANTINE,
        QUALITY_METRICS,
        METRIC_DEFINITIONS,
        GATE_RESULTS,
        REVIEW_DECISIONS,
        BACKFILLS,
        BACKFILL_PREDICTIONS,
        BACKFILL_DECISIONS,
        PINS,
        SUPPRESSIONS,
        CORRECTION_SWITCH,
        RUNS,
    )
}
