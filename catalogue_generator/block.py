"""Draws one block of listings with its truth. Blocks are independent, so that a catalogue can be streamed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from catalogue_generator import faults, pictures, texts
from catalogue_generator.details import Details, add_details
from catalogue_generator.faults import FaultPlan
from catalogue_generator.pictures import Subject
from catalogue_generator.texts import Product
from catalogue_generator.vocabulary import COLOURS
from catalogue_generator.world import World
from schemas.arrays import Bools, Ints
from schemas.reasons import Reason

BLOCK_SIZE = 4096
"""Listings per block. Duplicates and second deliveries stay within their block."""

LISTINGS_SCHEMA = pa.schema(
    [
        ("listing_id", pa.large_string()),
        ("title", pa.large_string()),
        ("description", pa.large_string()),
        ("category", pa.large_string()),
        ("price", pa.float64()),
        ("seller_id", pa.large_string()),
        ("updated_at", pa.timestamp("us", tz="UTC")),
        ("image", pa.binary()),
    ]
)
DETAILS = (pa.field("condition", pa.large_string()), pa.field("colour", pa.large_string()))
"""The columns that follow if the catalogue has details."""
TRUTH_SCHEMA = pa.schema(
    [
        ("listing_id", pa.large_string()),
        ("true_category", pa.large_string()),
        ("issues", pa.list_(pa.string())),
        ("duplicate_of", pa.large_string()),
    ]
)
"""`duplicate_of` is an empty string, not null, if a listing is not a duplicate."""

_FIRST_TIME = int(datetime(2023, 11, 1, tzinfo=UTC).timestamp())
_MINUTES = 2 * 365 * 24 * 60
_DAY = 24 * 60 * 60
_REDELIVERED_SHARE = 0.002
_MIN_FOR_REDELIVERY = 50
"""A catalogue with at least this many listings has at least one that is delivered twice."""
_RELISTED_QUALITY = 60
"""JPEG quality of a duplicate's picture: the same picture, encoded again."""


def listings_schema(*, details: bool) -> pa.Schema:
    """The columns of a delivery."""
    return pa.schema([*LISTINGS_SCHEMA, *DETAILS]) if details else LISTINGS_SCHEMA


@dataclass(frozen=True)
class Block:
    """Up to `BLOCK_SIZE` listings and their truth.

    Attributes:
        listings: as delivered, in random order, by LISTINGS_SCHEMA. Some appear twice; the later updated_at is current.
        truth: one row per listing, by TRUTH_SCHEMA, sorted by id.
    """

    listings: pa.Table
    truth: pa.Table


@dataclass
class _Rows:
    """The n listings of a block while faults are added; lists of length n, arrays of shape (n,)."""

    ids: list[str]
    category: Ints
    seller: Ints
    titles: list[str | None]
    descriptions: list[str | None]
    labels: list[str | None]
    prices: list[float | None]
    images: list[bytes | None]
    colours: list[str]
    languages: Ints
    details: Details | None = None


def draw_block(world: World, number: int) -> Block:
    """Draw block `number`, counted from 0. Its rows depend only on the world's spec and this number."""
    spec = world.spec
    start = number * BLOCK_SIZE
    n = min(BLOCK_SIZE, spec.listings - start)
    rng = np.random.default_rng((spec.seed, 1, number))
    category = rng.choice(len(world.prior), size=n, p=world.prior).astype(np.int64)
    original_seller = _draw_sellers(rng, world, category)
    plan = faults.plan_faults(rng, np.sqrt(world.sellers.sloppiness[original_seller]), number == 0, spec.pictures)
    # A duplicate is the same product as its original; its seller and its label are drawn separately.
    original = np.where(plan.duplicate_of >= 0, plan.duplicate_of, np.arange(n))
    category = category[original]
    kind = rng.choice(len(texts.TITLE_SHARES), size=n, p=texts.TITLE_SHARES)[original]
    seller = np.where(plan.duplicate_of >= 0, _draw_sellers(rng, world, category), original_seller)
    label = world.noise.labels(rng, category, seller, kind > 0)
    rows = _Rows(
        ids=[f"D{listing:07d}" for listing in range(start, start + n)],
        category=category,
        seller=seller,
        titles=[],
        descriptions=[],
        labels=world.depths.name(np.random.default_rng((spec.seed, 3, number)), label, category, seller),
        prices=[],
        images=[],
        colours=[],
        languages=np.zeros(n, np.int64),
    )
    _fill_in_content(rng, world, rows, original, kind, original_seller[original], plan)
    if spec.details:
        own = np.random.default_rng((spec.seed, 5, number))
        rows.details = add_details(own, original, rows.colours, rows.languages, rows.descriptions, rows.images)
        plan.rows[Reason.CONDITION_MISMATCH] = rows.details.contradicted
    _add_faults(rng, world, number, rows, plan)
    truth = _truth(world, rows, label != category, plan)
    return Block(_deliver(rng, world, rows, plan.duplicate_of), truth)


def _draw_sellers(rng: np.random.Generator, world: World, category: Ints) -> Ints:
    """Draw a seller for each listing, given its department."""
    sellers = np.empty(len(category), dtype=np.int64)
    departments = world.departments[category]
    for department in np.unique(departments):
        here = departments == department
        shares = world.sellers.shares[department]
        sellers[here] = rng.choice(len(shares), size=int(here.sum()), p=shares)
    return sellers


def _fill_in_content(
    rng: np.random.Generator, world: World, rows: _Rows, original: Ints, kind: Ints, author: Ints, plan: FaultPlan
) -> None:
    """Fill in titles, descriptions, prices and pictures; a duplicate takes its original's draws (row `original`)."""
    n, category, brands = len(original), rows.category, world.brands
    sibling = world.siblings.other(category, rng.random(n))[original]
    brand = brands.candidates[category, texts.draw_columns(rng, brands.shares[category])][original]
    rows.prices = [
        round(float(price), 2)
        for price in (world.prices[category] * brands.tiers[brand] * rng.lognormal(0.0, 0.3, n))[original]
    ]
    rows.languages = language = (rng.random(n) < world.sellers.french[author]).astype(np.int64)[original]
    colour_draw, model = (rng.random(n) ** 1.5)[original], rng.integers(10**6, size=n)[original]
    text_draws, picture_draws = (
        rng.random((n, 2, texts.UNIFORMS))[original],
        rng.random((n, pictures.UNIFORMS))[original],
    )
    shown = category.copy()
    if world.spec.pictures:
        mismatched = plan.rows[Reason.IMAGE_MISMATCH]
        shown[mismatched] = world.neighbours.outside(category[mismatched], rng.random(len(mismatched)))
    companion = world.neighbours.other(shown, rng.random(n))[original]
    for i in range(n):
        true_category = world.categories[category[i]]
        product = Product(
            category=true_category,
            sibling=world.categories[sibling[i]],
            kind=int(kind[i]),
            brand=brands.names[brand[i]],
            number=int(model[i]),
            colour=true_category.colours[int(colour_draw[i] * len(true_category.colours))],
            language=int(language[i]),
            typos=float(world.sellers.typos[author[i]]),
        )
        rows.colours.append(COLOURS[product.colour].names[product.language])
        rows.titles.append(texts.write_title(product, brands.lines, text_draws[i, 0].tolist()))
        rows.descriptions.append(texts.write_description(product, text_draws[i, 1].tolist()))
        if not world.spec.pictures:
            rows.images.append(None)
            continue
        pictured = world.categories[shown[i]]
        subject = Subject(
            product_type=pictured.product_type,
            companion=world.categories[companion[i]].product_type,
            colour=product.colour,
            pattern=next((modifier.pattern for modifier in pictured.modifiers if modifier.pattern), ""),
            backdrop=next((modifier.backdrop for modifier in pictured.modifiers if modifier.backdrop), ""),
            seller=int(author[i]),
        )
        options = {"quality": _RELISTED_QUALITY} if original[i] != i else {}
        rows.images.append(pictures.draw_picture(subject, picture_draws[i].tolist(), **options))


def _add_faults(rng: np.random.Generator, world: World, number: int, rows: _Rows, plan: FaultPlan) -> None:
    """Add all faults except wrong categories and mismatched pictures, which have been drawn already."""
    faulty = plan.rows
    for i in faulty[Reason.DUPLICATE]:
        rows.titles[i] = faults.relisted_title(rng, rows.titles[i] or "")
    for i in faulty[Reason.MISSING_CATEGORY]:
        rows.labels[i] = None
    for i in faulty[Reason.UNKNOWN_CATEGORY]:
        rows.labels[i] = faults.unknown_code(rng)
    for i in faulty[Reason.MISSING_TITLE]:
        rows.titles[i] = None
    for i in faulty[Reason.UNINFORMATIVE_TITLE]:
        rows.titles[i] = faults.uninformative_title(rng)
    for i in faulty[Reason.PRICE_OUTLIER]:
        rows.prices[i] = faults.outlier_price(rng, rows.prices[i] or 0.0)
    _add_contacts(rng, np.random.default_rng((world.spec.seed, 4, number)), rows, faulty[Reason.PERSONAL_DATA])
    if world.spec.pictures:
        _add_picture_faults(rng, rows, plan)


def _add_contacts(rng: np.random.Generator, own: np.random.Generator, rows: _Rows, faulty: Ints) -> None:
    """Add personal data to some descriptions, and to others what only looks like it.

    Args:
        rng: draws the usual contacts.
        own: draws everything else, so that it changes no other draw.
        rows: the listings.
        faulty: rows with personal data.
    """
    for i in faulty:
        usual = faults.personal_data(rng)
        rows.descriptions[i] = " ".join(filter(None, (rows.descriptions[i], faults.other_contact(own) or usual)))
    for i in sorted(set(range(len(rows.ids))) - set(faulty.tolist())):
        if sentence := faults.decoy(own):
            rows.descriptions[i] = " ".join(filter(None, (rows.descriptions[i], sentence)))


def _add_picture_faults(rng: np.random.Generator, rows: _Rows, plan: FaultPlan) -> None:
    """Remove pictures, or damage them."""
    for i in plan.rows[Reason.MISSING_IMAGE]:
        rows.images[i] = None
    for i in plan.rows[Reason.CORRUPT_IMAGE]:
        rows.images[i] = faults.corrupt(rng, rows.images[i] or b"")
    for i in plan.rows[Reason.BLANK_IMAGE]:
        rows.images[i] = pictures.draw_blank(rng.random(3).tolist())


def _truth(world: World, rows: _Rows, wrong: Bools, plan: FaultPlan) -> pa.Table:
    issues: list[list[str]] = [[] for _ in rows.ids]
    unlabelled = {Reason.MISSING_CATEGORY, Reason.UNKNOWN_CATEGORY}
    without_label = set(np.concatenate([plan.rows[reason] for reason in unlabelled]).tolist())
    for reason, faulty in plan.rows.items():
        for i in faulty:
            issues[i].append(reason.value)
    for i in np.flatnonzero(wrong):
        if int(i) not in without_label:
            issues[i].append(Reason.WRONG_CATEGORY.value)
    originals = ["" if original < 0 else rows.ids[original] for original in plan.duplicate_of]
    codes = [world.categories[c].code for c in rows.category]
    return pa.table([rows.ids, codes, [sorted(names) for names in issues], originals], schema=TRUTH_SCHEMA)


def _deliver(rng: np.random.Generator, world: World, rows: _Rows, duplicate_of: Ints) -> pa.Table:
    """The listings in random order; some of them also appear in an older version. A duplicate is newer."""
    n, spec = len(rows.ids), world.spec
    anonymous = (rng.random(n) < spec.without_seller) | (spec.sellers == 0)
    times = _FIRST_TIME + 60 * rng.integers(_MINUTES, size=n)
    copies = np.flatnonzero(duplicate_of >= 0)
    pairs = np.stack([times[duplicate_of[copies]], times[copies]])
    times[duplicate_of[copies]], times[copies] = pairs.min(axis=0), pairs.max(axis=0) + 60
    minimum = int(rows.ids[0] == "D0000000" and n >= _MIN_FOR_REDELIVERY)
    redelivered = rng.permutation(n)[: max(minimum, int(_REDELIVERED_SHARE * n + rng.random()))]
    order = rng.permutation(np.concatenate((np.arange(n), n + redelivered)))
    schema = listings_schema(details=spec.details)
    columns: list[list[object]] = [[] for _ in schema]
    for position in order:
        i, old = int(position % n), bool(position >= n)
        title, price, label = rows.titles[i], rows.prices[i], rows.labels[i]
        values = (
            rows.ids[i],
            f"{title} (old)" if old and title else title,
            rows.descriptions[i],
            None if old and i % 2 else label,
            round(price * 1.1, 2) if old and price else price,
            None if anonymous[i] else world.sellers.ids[rows.seller[i]],
            (int(times[i]) - (_DAY if old else 0)) * 1_000_000,
            rows.images[i],
            *((rows.details.conditions[i], rows.details.colours[i]) if rows.details else ()),
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    return pa.table([pa.array(c, type=f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
