"""A block of listings with its truth, drawn independently of all other blocks: what makes the catalogue stream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from catalogue_generator import faults, pictures, texts
from catalogue_generator.faults import FaultPlan
from catalogue_generator.pictures import Subject
from catalogue_generator.texts import Product
from catalogue_generator.world import World
from schemas.arrays import Bools, Ints
from schemas.reasons import Reason

BLOCK = 4096
"""Listings a block; duplicates and second deliveries stay within it."""

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
TRUTH_SCHEMA = pa.schema(
    [
        ("listing_id", pa.large_string()),
        ("true_category", pa.large_string()),
        ("issues", pa.list_(pa.string())),
        ("duplicate_of", pa.large_string()),
    ]
)
"""`duplicate_of` is empty, not null, where a listing is no duplicate."""

_FIRST_MOMENT = int(datetime(2024, 11, 1, tzinfo=UTC).timestamp())
_MINUTES = 2 * 365 * 24 * 60
_DAY = 24 * 60 * 60
_TWICE_SHARE = 0.002
_TWICE_FROM = 50
"""A catalogue of so many listings has at least one that is delivered twice."""
_RELISTED_QUALITY = 60
"""JPEG quality of a duplicate's picture: the same one, encoded anew."""


@dataclass(frozen=True)
class Block:
    """Some thousand listings.

    Attributes:
        listings: as delivered, in no order, by LISTINGS_SCHEMA; some twice, the later updated_at is in force.
        truth: one row a listing, by TRUTH_SCHEMA, in the order of the ids.
    """

    listings: pa.Table
    truth: pa.Table


@dataclass
class _Rows:
    """The n listings of a block while their faults are planted; lists of n, arrays of shape (n,)."""

    ids: list[str]
    category: Ints
    seller: Ints
    titles: list[str | None]
    descriptions: list[str | None]
    labels: list[str | None]
    prices: list[float | None]
    images: list[bytes | None]


def draw_block(world: World, number: int) -> Block:
    """Draw block `number`, from 0; its rows depend on the world's spec and this number alone."""
    spec = world.spec
    start = number * BLOCK
    n = min(BLOCK, spec.listings - start)
    rng = np.random.default_rng((spec.seed, 1, number))
    category = rng.choice(len(world.prior), size=n, p=world.prior).astype(np.int64)
    first_seller = _draw_sellers(rng, world, category)
    plan = faults.plan_faults(rng, np.sqrt(world.sellers.sloppiness[first_seller]), number == 0, spec.pictures)
    # A duplicate offers what its first offers; who sells it, and under which label, is its own matter.
    first = np.where(plan.duplicate_of >= 0, plan.duplicate_of, np.arange(n))
    category = category[first]
    kind = rng.choice(len(texts.TITLE_SHARES), size=n, p=texts.TITLE_SHARES)[first]
    seller = np.where(plan.duplicate_of >= 0, _draw_sellers(rng, world, category), first_seller)
    label = world.noise.labels(rng, category, seller, kind > 0)
    rows = _Rows(
        ids=[f"D{listing:07d}" for listing in range(start, start + n)],
        category=category,
        seller=seller,
        titles=[],
        descriptions=[],
        labels=[world.categories[c].code for c in label],
        prices=[],
        images=[],
    )
    _describe(rng, world, rows, first, kind, first_seller[first], plan)
    _plant(rng, world, rows, plan)
    truth = _truth(world, rows, label != category, plan)
    return Block(_deliver(rng, world, rows), truth)


def _draw_sellers(rng: np.random.Generator, world: World, category: Ints) -> Ints:
    """A seller for each listing, by its department."""
    sellers = np.empty(len(category), dtype=np.int64)
    departments = world.departments[category]
    for department in np.unique(departments):
        here = departments == department
        shares = world.sellers.shares[department]
        sellers[here] = rng.choice(len(shares), size=int(here.sum()), p=shares)
    return sellers


def _describe(
    rng: np.random.Generator, world: World, rows: _Rows, first: Ints, kind: Ints, author: Ints, plan: FaultPlan
) -> None:
    """Fill in titles, descriptions, prices and pictures; what a duplicate shares with its first is drawn at `first`."""
    n, category, brands = len(first), rows.category, world.brands
    sibling = world.siblings.other(category, rng.random(n))[first]
    brand = brands.candidates[category, texts.pick_each(rng, brands.shares[category])][first]
    rows.prices = [
        round(float(price), 2)
        for price in (world.prices[category] * brands.tiers[brand] * rng.lognormal(0.0, 0.3, n))[first]
    ]
    language = (rng.random(n) < world.sellers.french[author]).astype(np.int64)[first]
    tint, model = (rng.random(n) ** 1.5)[first], rng.integers(10**6, size=n)[first]
    words, looks = rng.random((n, 2, texts.UNIFORMS))[first], rng.random((n, pictures.UNIFORMS))[first]
    shown = category.copy()
    if world.spec.pictures:
        mismatched = plan.rows[Reason.IMAGE_MISMATCH]
        shown[mismatched] = world.neighbours.outside(category[mismatched], rng.random(len(mismatched)))
    companion = world.neighbours.other(shown, rng.random(n))[first]
    for i in range(n):
        what = world.categories[category[i]]
        product = Product(
            category=what,
            sibling=world.categories[sibling[i]],
            kind=int(kind[i]),
            brand=brands.names[brand[i]],
            number=int(model[i]),
            colour=what.colours[int(tint[i] * len(what.colours))],
            language=int(language[i]),
            typos=float(world.sellers.typos[author[i]]),
        )
        rows.titles.append(texts.write_title(product, brands.lines, words[i, 0].tolist()))
        rows.descriptions.append(texts.write_description(product, words[i, 1].tolist()))
        if not world.spec.pictures:
            rows.images.append(None)
            continue
        seen = world.categories[shown[i]]
        subject = Subject(
            good=seen.good,
            companion=world.categories[companion[i]].good,
            colour=product.colour,
            pattern=next((modifier.pattern for modifier in seen.modifiers if modifier.pattern), ""),
            backdrop=next((modifier.backdrop for modifier in seen.modifiers if modifier.backdrop), ""),
            seller=int(author[i]),
        )
        again = {"quality": _RELISTED_QUALITY} if first[i] != i else {}
        rows.images.append(pictures.draw_picture(subject, looks[i].tolist(), **again))


def _plant(rng: np.random.Generator, world: World, rows: _Rows, plan: FaultPlan) -> None:
    """Plant the faults, but for wrong categories and pictures that show something else: those are drawn already."""
    found = plan.rows
    for i in found[Reason.DUPLICATE]:
        rows.titles[i] = faults.relisted_title(rng, rows.titles[i] or "")
    for i in found[Reason.MISSING_CATEGORY]:
        rows.labels[i] = None
    for i in found[Reason.UNKNOWN_CATEGORY]:
        rows.labels[i] = faults.unknown_code(rng)
    for i in found[Reason.MISSING_TITLE]:
        rows.titles[i] = None
    for i in found[Reason.UNINFORMATIVE_TITLE]:
        rows.titles[i] = faults.uninformative_title(rng)
    for i in found[Reason.PRICE_OUTLIER]:
        rows.prices[i] = faults.outlying_price(rng, rows.prices[i] or 0.0)
    for i in found[Reason.PERSONAL_DATA]:
        rows.descriptions[i] = " ".join(filter(None, (rows.descriptions[i], faults.personal_data(rng))))
    if world.spec.pictures:
        _plant_pictures(rng, rows, plan)


def _plant_pictures(rng: np.random.Generator, rows: _Rows, plan: FaultPlan) -> None:
    """Take pictures away, or spoil them."""
    for i in plan.rows[Reason.MISSING_IMAGE]:
        rows.images[i] = None
    for i in plan.rows[Reason.CORRUPT_IMAGE]:
        rows.images[i] = faults.corrupt(rng, rows.images[i] or b"")
    for i in plan.rows[Reason.BLANK_IMAGE]:
        rows.images[i] = pictures.draw_blank(rng.random(3).tolist())


def _truth(world: World, rows: _Rows, wrong: Bools, plan: FaultPlan) -> pa.Table:
    issues: list[list[str]] = [[] for _ in rows.ids]
    unlabelled = {Reason.MISSING_CATEGORY, Reason.UNKNOWN_CATEGORY}
    without = set(np.concatenate([plan.rows[reason] for reason in unlabelled]).tolist())
    for reason, faulty in plan.rows.items():
        for i in faulty:
            issues[i].append(reason.value)
    for i in np.flatnonzero(wrong):
        if int(i) not in without:
            issues[i].append(Reason.WRONG_CATEGORY.value)
    firsts = ["" if first < 0 else rows.ids[first] for first in plan.duplicate_of]
    codes = [world.categories[c].code for c in rows.category]
    return pa.table([rows.ids, codes, [sorted(names) for names in issues], firsts], schema=TRUTH_SCHEMA)


def _deliver(rng: np.random.Generator, world: World, rows: _Rows) -> pa.Table:
    """The listings in no order, some of them in an older version too."""
    n, spec = len(rows.ids), world.spec
    unnamed = (rng.random(n) < spec.without_seller) | (spec.sellers == 0)
    moments = _FIRST_MOMENT + 60 * rng.integers(_MINUTES, size=n)
    least = int(rows.ids[0] == "D0000000" and n >= _TWICE_FROM)
    twice = rng.permutation(n)[: max(least, int(_TWICE_SHARE * n + rng.random()))]
    order = rng.permutation(np.concatenate((np.arange(n), n + twice)))
    columns: list[list[object]] = [[] for _ in LISTINGS_SCHEMA]
    for place in order:
        i, old = int(place % n), bool(place >= n)
        title, price, label = rows.titles[i], rows.prices[i], rows.labels[i]
        values = (
            rows.ids[i],
            f"{title} (old)" if old and title else title,
            rows.descriptions[i],
            None if old and i % 2 else label,
            round(price * 1.1, 2) if old and price else price,
            None if unnamed[i] else world.sellers.ids[rows.seller[i]],
            (int(moments[i]) - (_DAY if old else 0)) * 1_000_000,
            rows.images[i],
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    return pa.table(
        [pa.array(c, type=f.type) for c, f in zip(columns, LISTINGS_SCHEMA, strict=True)], schema=LISTINGS_SCHEMA
    )
