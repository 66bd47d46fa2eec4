"""Faults other than wrong categories: which listings get them, and what they look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.arrays import Floats, Ints
from schemas.reasons import Reason

# Groups of faults that exclude each other, with their shares of the listings.
CATEGORY_FAULTS = {Reason.MISSING_CATEGORY: 0.02, Reason.UNKNOWN_CATEGORY: 0.005}
PICTURE_FAULTS = {
    Reason.IMAGE_MISMATCH: 0.03,
    Reason.MISSING_IMAGE: 0.02,
    Reason.CORRUPT_IMAGE: 0.006,
    Reason.BLANK_IMAGE: 0.005,
}
TITLE_FAULTS = {Reason.MISSING_TITLE: 0.003, Reason.UNINFORMATIVE_TITLE: 0.01}
PRICE_FAULTS = {Reason.PRICE_OUTLIER: 0.01}
PERSONAL_FAULTS = {Reason.PERSONAL_DATA: 0.005}
DUPLICATE_SHARE = 0.02

_OTHER_CONTACT_SHARE = 0.4
"""Share of the listings with personal data whose contact is not that of `personal_data`."""
_DECOY_SHARE = 0.01
"""Share of the listings with digits or signs that are no personal data, but look a little like it."""

_MIN_FOR_ALL_FAULTS = 200
"""A catalogue with at least this many listings has every fault at least once."""

_UNKNOWN_CODES = ("misc", "other", "todo", "zz-old-code", "0", "divers", "new-category")
_UNINFORMATIVE = ("", " ", "N/A", "test", "???", "produit", "article", "aaaa", ".", "sans titre", "to be completed")
_FIRST_NAMES = ("jean.dupont", "marie_martin", "t.bernard", "contact", "sophie.petit", "paul-durand", "lea.moreau")
_HOSTS = ("example.com", "example.fr", "mail.example.org")
_CONTACTS = ("Contact: {}", "Call or write: {}", "Me joindre : {}", "Infos au {}", "Reserve at {}.")


@dataclass(frozen=True)
class FaultPlan:
    """Which of the n listings of a block have which fault.

    Attributes:
        rows: fault -> the rows that have it, unordered.
        duplicate_of: shape (n,), the row of the original; -1 if the row is not a duplicate.
    """

    rows: dict[Reason, Ints]
    duplicate_of: Ints


def plan_faults(rng: np.random.Generator, weights: Floats, first: bool, pictures: bool) -> FaultPlan:
    """Choose the faulty listings of a block.

    Args:
        rng: the random generator.
        weights: shape (n,), > 0, how likely each listing is to be faulty, relative to the others.
        first: whether this is the catalogue's first block, which has every fault if it is large enough.
        pictures: False leaves out the faults of pictures.
    """
    n = len(weights)
    minimum = int(first and n >= _MIN_FOR_ALL_FAULTS)
    rows: dict[Reason, Ints] = {}
    duplicate_of = np.full(n, -1, dtype=np.int64)
    pairs = rng.permutation(n)[: 2 * _count(rng, DUPLICATE_SHARE, n // 2 * 2, minimum)].reshape(-1, 2)
    duplicate_of[pairs[:, 1]] = pairs[:, 0]
    rows[Reason.DUPLICATE] = pairs[:, 1]
    everyone = np.ones(n, dtype=np.bool_)
    # Both of a pair keep title and picture: otherwise nobody could see that they are the same product.
    unpaired = everyone.copy()
    unpaired[pairs] = False
    groups = [
        (CATEGORY_FAULTS, everyone),
        (TITLE_FAULTS, unpaired),
        (PRICE_FAULTS, unpaired),
        (PERSONAL_FAULTS, unpaired),
    ]
    for faults, allowed in [*groups, (PICTURE_FAULTS, unpaired)] if pictures else groups:
        allowed_weights = np.where(allowed, weights, 0.0)
        # Weighted sampling without replacement: the shortest waiting times (Efraimidis and Spirakis, 2006).
        with np.errstate(divide="ignore"):
            order = np.argsort(rng.exponential(size=n) / allowed_weights)[: int(allowed.sum())]
        for fault, share in faults.items():
            taken, order = np.split(order, [_count(rng, share, n, minimum)])
            rows[fault] = taken
    return FaultPlan(rows, duplicate_of)


def unknown_code(rng: np.random.Generator) -> str:
    """A category code that is not in any generated taxonomy."""
    return str(rng.choice(_UNKNOWN_CODES))


def uninformative_title(rng: np.random.Generator) -> str:
    """A title that says nothing about the product."""
    return str(rng.choice(_UNINFORMATIVE))


def outlier_price(rng: np.random.Generator, price: float) -> float | None:
    """A missing or impossible price, or one far above its category's."""
    return (0.0, -1.0, None, round(price * 250, 2))[int(rng.integers(4))]


def personal_data(rng: np.random.Generator) -> str:
    """A sentence with an e-mail address (of a reserved domain) or a French mobile number; see `other_contact`."""
    if rng.random() < 0.4:
        contact = f"{rng.choice(_FIRST_NAMES)}{rng.integers(10000)}@{rng.choice(_HOSTS)}"
    else:
        digits = [f"{pair:02d}" for pair in rng.integers(100, size=4)]
        start = str(rng.choice(["06", "07", "+33 6"]))
        contact = str(rng.choice([" ", ".", ""] if start != "+33 6" else [" "])).join((start, *digits))
    return str(rng.choice(_CONTACTS)).format(contact)


def other_contact(rng: np.random.Generator) -> str | None:
    """At times, a sentence with a phone number of another country, from the blocks that are kept for films and books.

    Returns:
        The sentence that takes the place of that of `personal_data`; None: that one stays.
    """
    if rng.random() >= _OTHER_CONTACT_SHARE:
        return None
    two, three = f"{rng.integers(100):02d}", f"{rng.integers(1000):03d}"
    number = str(
        rng.choice(
            [
                f"07700 900{three}",
                f"+44 7700 900{three}",
                f"(212) 555-01{two}",
                f"+1 212 555 01{two}",
                f"0171 39200{two}",
                f"+49 171 39200{two}",
                f"+33 1 99 00 {two} {two}",
            ]
        )
    )
    return str(rng.choice(_CONTACTS)).format(number)


def decoy(rng: np.random.Generator) -> str | None:
    """At times, a sentence with a code, sizes or a name that looks a little like personal data."""
    if rng.random() >= _DECOY_SHARE:
        return None
    digits = "".join(map(str, rng.integers(10, size=12)))
    checked = f"{digits}{-sum(int(d) * (1, 3)[i % 2] for i, d in enumerate(digits)) % 10}"
    return str(
        rng.choice(
            [
                f"EAN {checked}.",
                f"{checked}",
                f"SKU 06{digits[:8]}.",
                f"Ref. 06 {digits[:2]} {digits[2:4]} {digits[4:6]} {digits[6:8]}.",
                f"Model {digits[:4]}-{digits[4:7]}-{digits[7:9]}A.",
                "36 38 40 42 44",
                f"@shop.{digits[:3]}",
                f"photo-{digits[:4]}@2x.png",
                f"https://example.com/item/06{digits[:8]}",
            ]
        )
    )


def relisted_title(rng: np.random.Generator, title: str) -> str:
    """The title of the same product when it is listed again: changed a little, with the same words."""
    words = title.split(" ")
    return (
        f"{title} NEW",
        f"{title}!!",
        f"* {title} *",
        title.upper(),
        title.lower(),
        "  ".join(words),
        " ".join((*words[1:], words[0])),
    )[int(rng.integers(7))]


def corrupt(rng: np.random.Generator, picture: bytes) -> bytes:
    """A picture file that no decoder can read: the first part of `picture`, or random bytes."""
    if rng.random() < 0.5:
        return picture[: int(len(picture) * rng.uniform(0.05, 0.6))]
    return rng.bytes(int(rng.integers(200, 900)))


def _count(rng: np.random.Generator, share: float, n: int, minimum: int) -> int:
    """`share` of n, rounded up or down at random, and at least `minimum`."""
    return max(minimum, int(share * n + rng.random()))
