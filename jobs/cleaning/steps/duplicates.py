"""Finds listings that offer the same product: pairs that are worth comparing, and what makes two listings alike.

Comparing all pairs would take too long. Two listings are compared if they share a blocking key: 21 of the 64 bits of
their pictures' perceptual hashes together with a word of their titles, or all their words, or an equal perceptual hash
together with an equal description. So the cost grows almost with the number of listings.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.prices import is_possible

PAIR = ("listing_id", "content_hash", "other_listing_id", "other_content_hash")
MIN_SHARE = 0.6
"""Of the words of two titles that are alike, the shorter one has at least this share of the longer one's, all of them
among its words. Of two descriptions, this share of the shorter one's words is in the longer one."""
MIN_WORDS, MIN_WORDS_PRICED = 12, 6
"""Without pictures to compare, listings with the same words offer the same product if they have at least so many
different ones; the second number is for listings with the same price."""
MAX_BLOCK = 100
"""Of listings with the same blocking key, so many are compared with each other."""
_FIRST = 10

_GAPS = r"[^\p{L}\p{N}\p{M}]+"
_BANDS = 3
_BAND_BITS = 21


def with_words(listings: DataFrame) -> DataFrame:
    """Reduce listings to what the comparison needs.

    Args:
        listings: listing_id, content_hash, title, description, title_key and image_key.

    Returns:
        listing_id, content_hash, image_key, and the different words as hashes, sorted: title_words (empty for a title
        that says nothing about the product), title_numbers (those with a digit) and description_words.
    """
    is_informative = F.col("title_key").isNotNull()
    title = F.when(is_informative, F.col("title")).otherwise("")
    return listings.select(
        "listing_id",
        "content_hash",
        "image_key",
        _hashes(_words(title)).alias("title_words"),
        _hashes(F.filter(_words(title), lambda word: word.rlike(r"\p{N}"))).alias("title_numbers"),
        _hashes(_words(F.coalesce("description", F.lit("")))).alias("description_words"),
    )


def blocking_keys(listings: DataFrame) -> DataFrame:
    """The keys by which listings are compared: listing_id, content_hash and key, one row per key.

    Of two sets of words of which one contains the other, the first word of the smaller one, in any fixed order, is
    among the first words of the larger one: as many as it may have more, and one (the prefix filter of Chaudhuri et
    al., A primitive operator for similarity joins in data cleaning, ICDE 2006). The order here is that of the hashes.

    Args:
        listings: the output of `with_words`.
    """
    words, described = F.col("title_words"), F.col("description_words")
    size = F.size(words)
    first = F.slice(words, 1, (size - F.ceil(F.lit(MIN_SHARE) * size) + 1).cast("int"))
    bands = F.array(*(_band(band) for band in range(_BANDS)))
    by_band = F.flatten(F.transform(bands, lambda band: F.transform(first, lambda word: F.xxhash64(band, word))))
    has_picture, is_titled = F.col("image_key").isNotNull(), size > 0
    by_words = F.when(is_titled, F.array(F.xxhash64(F.lit("words"), words, described)))
    by_picture = F.when(
        has_picture & (F.size(described) > 0), F.array(F.xxhash64(F.lit("picture"), "image_key", described))
    )
    none = F.array().cast("array<bigint>")
    keys = F.concat(
        F.when(has_picture & is_titled, by_band).otherwise(none),
        F.coalesce(by_words, none),
        F.coalesce(by_picture, none),
    )
    return listings.select("listing_id", "content_hash", F.explode(F.array_distinct(keys)).alias("key"))


def candidate_pairs(new: DataFrame, old: DataFrame) -> DataFrame:
    """The pairs to compare: the columns of `PAIR`, each pair once. At least one of a pair is new.

    Of a key with many listings, the `MAX_BLOCK` with the smallest hashes are compared with each other, and the others
    with the first few of them. So listings with the same content are found, however many there are.

    Args:
        new, old: the output of `blocking_keys` for the listings that have not been compared yet, and for the others.
    """
    needed = old.join(new.select("key").distinct(), "key", "left_semi")
    keys = new.withColumn("is_new", F.lit(True)).unionByName(needed.withColumn("is_new", F.lit(False)))
    listing = F.struct(F.xxhash64("listing_id").alias("place"), "listing_id", "content_hash", "is_new")
    blocks = keys.groupBy("key").agg(F.sort_array(F.collect_list(listing)).alias("block")).where(F.size("block") > 1)
    one = blocks.select("block", F.posexplode("block").alias("place_a", "a"))
    others = F.when(F.col("place_a") < MAX_BLOCK, MAX_BLOCK).otherwise(_FIRST)
    two = one.select("place_a", "a", F.posexplode(F.slice("block", F.lit(1), others)).alias("place_b", "b"))
    two = two.where("place_b < place_a AND (a.is_new OR b.is_new)")
    names = [F.col(f"{side}.{name}") for side in "ba" for name in PAIR[:2]]
    return two.select(*(column.alias(name) for column, name in zip(names, PAIR, strict=True))).distinct()


def alike_in_words(pairs: DataFrame, listings: DataFrame) -> DataFrame:
    """The pairs whose texts may be about the same product, with what is left to compare.

    A title that says nothing is like any other if the descriptions have the same words. Titles that differ in a word
    with a digit, such as a size or a model number, are not alike.

    Args:
        pairs: the columns of `PAIR`.
        listings: the output of `with_words`.

    Returns:
        `PAIR`, same_words (whether titles and descriptions have the same words), pictured (whether there are pictures
        to compare) and needs_price (whether there are neither pictures nor enough words, so that the prices decide).
    """
    parts = ("title_words", "title_numbers", "description_words")
    joined = pairs
    for name, side in (("listing_id", "a"), ("other_listing_id", "b")):
        words = listings.select(
            F.col("listing_id").alias(name), *(F.col(p).alias(f"{p}_{side}") for p in (*parts, "image_key"))
        )
        joined = joined.join(words, name)
    (title_a, title_b), (number_a, number_b), (text_a, text_b) = (
        (F.col(f"{part}_a"), F.col(f"{part}_b")) for part in parts
    )
    same_text, same_title = text_a == text_b, title_a == title_b
    untitled = (F.size(title_a) == 0) | (F.size(title_b) == 0)
    titles = (number_a == number_b) & (_shared(title_a, title_b) == _smaller(title_a, title_b))
    titles &= _smaller(title_a, title_b) >= MIN_SHARE * F.greatest(F.size(title_a), F.size(title_b))
    texts = _shared(text_a, text_b) >= MIN_SHARE * _smaller(text_a, text_b)
    with_pictures = F.when(untitled, same_text & (F.size(text_a) > 0)).otherwise(titles & texts)
    different = F.size(F.array_union(title_a, text_a))
    pictured = F.col("image_key_a").isNotNull() & F.col("image_key_b").isNotNull()
    same = same_title & same_text
    alike = F.when(pictured, with_pictures).otherwise(same & ~untitled & (different >= MIN_WORDS_PRICED))
    needs_price = ~pictured & (different < MIN_WORDS)
    return joined.where(alike).select(
        *PAIR, same.alias("same_words"), pictured.alias("pictured"), needs_price.alias("needs_price")
    )


def same_products(pairs: DataFrame, miniatures: DataFrame, distance: Column, at_most: float) -> DataFrame:
    """The pairs of the same product: `PAIR`, same_words, distance and needs_price.

    Args:
        pairs: the output of `alike_in_words`.
        miniatures: listing_id, content_hash and miniature of listings with a usable picture.
        distance: how far the columns miniature_a and miniature_b differ (`udfs.miniatures.distances`).
        at_most: largest distance of copies of a picture.
    """
    joined = pairs
    for names, side in ((PAIR[:2], "a"), (PAIR[2:], "b")):
        keys = (F.col(key).alias(name) for key, name in zip(PAIR[:2], names, strict=True))
        own = miniatures.select(*keys, F.col("miniature").alias(f"miniature_{side}"))
        joined = joined.join(own, list(names), "left")
    compared = joined.withColumn("distance", F.when(F.col("pictured"), distance))
    found = F.when(F.col("pictured"), F.col("distance") <= at_most).otherwise(True)
    return compared.where(found).select(*PAIR, "same_words", "distance", "needs_price")


def current_pairs(pairs: DataFrame, listings: DataFrame) -> DataFrame:
    """The pairs whose listings still have the compared content.

    Args:
        pairs: rows of duplicate_pairs.
        listings: listing_id and content_hash of the listings in force.
    """
    kept = pairs
    for names in (PAIR[:2], PAIR[2:]):
        own = listings.select(*(F.col(k).alias(n) for k, n in zip(PAIR[:2], names, strict=True)))
        kept = kept.join(own, list(names), "left_semi")
    return kept


def linked_pairs(pairs: DataFrame, listings: DataFrame) -> DataFrame:
    """The pairs that make two listings duplicates, as hashes a and b of their ids.

    Listings of one seller that differ in a word or in other attributes are variants of a product, such as sizes, and
    no duplicates.

    Args:
        pairs: the output of `current_pairs`.
        listings: listing_id, seller_id, price and attributes of the listings in force.
    """
    joined = pairs
    for name, side in (("listing_id", "a"), ("other_listing_id", "b")):
        own = listings.select(
            F.col("listing_id").alias(name),
            F.col("seller_id").alias(f"seller_{side}"),
            F.when(is_possible(F.col("price")), F.col("price")).alias(f"price_{side}"),
            F.to_json("attributes").alias(f"attributes_{side}"),
        )
        joined = joined.join(own, name)
    same_seller = F.coalesce(F.col("seller_a") == F.col("seller_b"), F.lit(False))
    same = F.col("same_words") & F.col("attributes_a").eqNullSafe(F.col("attributes_b"))
    same_price = F.coalesce(F.col("price_a") == F.col("price_b"), F.lit(False))
    linked = joined.where((~same_seller | same) & (~F.col("needs_price") | same_price))
    return linked.select(F.xxhash64("listing_id").alias("a"), F.xxhash64("other_listing_id").alias("b")).distinct()


def duplicates(groups: DataFrame, listings: DataFrame, before: DataFrame) -> DataFrame:
    """The listings that offer what another one offers: listing_id and duplicate_of, the listing of the group to keep.

    A group keeps the listing that it kept before; otherwise the oldest, and of several the one with the smallest id.

    Args:
        groups: the output of `jobs.warehouse.components.roots` for the output of `linked_pairs`.
        listings: listing_id and updated_at of the listings in force.
        before: listing_id and duplicate_of of the base publication.
    """
    kept = (
        before.where("duplicate_of IS NOT NULL")
        .groupBy(F.col("duplicate_of").alias("listing_id"))
        .agg(F.count(F.lit(1)).alias("others"))
    )
    ends = groups.select("key", "root").unionByName(groups.select(F.col("root").alias("key"), "root")).distinct()
    keyed = listings.select("listing_id", "updated_at", F.xxhash64("listing_id").alias("key"))
    members = keyed.join(ends, "key").join(kept, "listing_id", "left")
    order = F.struct(F.col("others").isNull(), "updated_at", "listing_id")
    chosen = members.groupBy("root").agg(F.min_by("listing_id", order).alias("duplicate_of"))
    return members.join(chosen, "root").where("listing_id <> duplicate_of").select("listing_id", "duplicate_of")


def with_duplicate_buckets(listings: DataFrame, found: DataFrame) -> DataFrame:
    """Add the buckets of the duplicates that each listing has from its own seller.

    Their labels are the same person's opinion of the same product: a member that has learnt from one would confirm the
    mistake of the other. Labels of other sellers are opinions of their own, and help to judge the listing; so are the
    decisions of people.

    Args:
        listings: with listing_id, seller_id, bucket and decided_category (null where no person has decided).
        found: listing_id and duplicate_of of listings that another one is kept for.

    Returns:
        `listings` with duplicate_buckets, an array of int with the listing's own bucket; null if all duplicates of its
        seller have the same one, or if a person has decided about the listing.
    """
    kept = found.select(F.col("duplicate_of").alias("listing_id"), "duplicate_of").distinct()
    members = found.select("listing_id", "duplicate_of").unionByName(kept)
    members = members.join(listings.select("listing_id", "seller_id", "bucket"), "listing_id")
    buckets = F.array_sort(F.collect_set("bucket")).alias("duplicate_buckets")
    by_seller = members.groupBy("duplicate_of", "seller_id").agg(buckets).where("size(duplicate_buckets) > 1")
    # A null seller is joined with nothing.
    with_buckets = members.join(by_seller, ["duplicate_of", "seller_id"]).select("listing_id", "duplicate_buckets")
    undecided = F.when(F.col("decided_category").isNull(), F.col("duplicate_buckets"))
    return listings.join(with_buckets, "listing_id", "left").withColumn("duplicate_buckets", undecided)


def _words(text: Column) -> Column:
    return F.filter(F.split(F.lower(text), _GAPS), lambda word: word != "")


def _hashes(words: Column) -> Column:
    return F.array_sort(F.array_distinct(F.transform(words, _hash)))


def _hash(word: Column) -> Column:
    return F.xxhash64(word)


def _band(band: int) -> Column:
    """One of the groups of bits of the perceptual hash, together with its number."""
    bits = F.shiftrightunsigned("image_key", band * _BAND_BITS).bitwiseAND(F.lit((1 << _BAND_BITS) - 1))
    return bits * _BANDS + band


def _shared(a: Column, b: Column) -> Column:
    return F.size(F.array_intersect(a, b))


def _smaller(a: Column, b: Column) -> Column:
    return F.least(F.size(a), F.size(b))
