"""Words that listings of all categories use, in English and French, and invented brand names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ENGLISH, FRENCH = 0, 1
Words = tuple[str, ...]
Bilingual = tuple[Words, Words]
"""Indexed by ENGLISH or FRENCH."""


class Colour(NamedTuple):
    """A colour: its names in English and French, and its RGB values, 0 to 255."""

    names: tuple[str, str]
    rgb: tuple[int, int, int]


COLOURS: dict[str, Colour] = {
    "k": Colour(("black", "noir"), (38, 38, 42)),
    "w": Colour(("white", "blanc"), (240, 240, 236)),
    "g": Colour(("grey", "gris"), (138, 142, 148)),
    "n": Colour(("navy", "bleu marine"), (32, 48, 92)),
    "b": Colour(("blue", "bleu"), (52, 112, 190)),
    "r": Colour(("red", "rouge"), (196, 44, 48)),
    "v": Colour(("green", "vert"), (62, 130, 72)),
    "y": Colour(("yellow", "jaune"), (240, 200, 60)),
    "o": Colour(("orange", "orange"), (232, 128, 40)),
    "p": Colour(("pink", "rose"), (236, 152, 176)),
    "u": Colour(("purple", "violet"), (122, 76, 152)),
    "t": Colour(("brown", "marron"), (122, 80, 48)),
    "e": Colour(("beige", "beige"), (218, 200, 168)),
    "s": Colour(("silver", "argent"), (184, 190, 198)),
    "d": Colour(("gold", "doré"), (206, 164, 72)),
    "c": Colour(("turquoise", "turquoise"), (140, 206, 212)),
}
"""By letter."""

AUDIENCES: Bilingual = (
    ("women", "women's", "men", "men's", "ladies", "unisex", "girls", "boys"),
    ("femme", "femmes", "homme", "hommes", "mixte", "fille", "garçon", "ado"),
)
PRAISE: Bilingual = (
    ("new", "classic", "premium", "original", "modern", "basic", "best seller", "2026 edition", "must have", "elegant"),
    ("neuf", "classique", "tendance", "original", "moderne", "basique", "promo", "édition 2026", "idée cadeau", "chic"),
)
USES: Bilingual = (
    ("casual", "everyday", "gift", "outdoor", "weekend", "home", "travel", "sport", "formal", "all seasons"),
    ("décontracté", "quotidien", "cadeau", "extérieur", "week-end", "maison", "voyage", "sport", "habillé", "saisons"),
)
FILLER: Bilingual = (
    (
        "Ships within two days.",
        "Free returns for 30 days.",
        "Photos are of the actual item.",
        "Brand new with tags.",
        "Ask for a combined delivery.",
        "Limited stock, order now.",
        "Quality checked before dispatch.",
        "Our customers love it.",
        "A great gift for the family.",
        "Easy to clean and to keep.",
    ),
    (
        "Expédié sous deux jours.",
        "Retours gratuits pendant 30 jours.",
        "Photos du produit réel.",
        "Neuf avec étiquette.",
        "Livraison groupée possible.",
        "Stock limité, commandez vite.",
        "Qualité contrôlée avant envoi.",
        "Nos clients l'adorent.",
        "Un beau cadeau pour la famille.",
        "Facile à nettoyer et à ranger.",
    ),
)
HINT_SENTENCES: Bilingual = (
    ("With {}.", "{}, well made.", "Features: {}."),
    ("Avec {}.", "{}, bien fini.", "Détails : {}."),
)
"""Sentences with a hint."""
NAME_SENTENCES: Bilingual = (
    ("Item: {}.", "Our {} for every day.", "You will like this {}.", "Type: {}."),
    ("Article : {}.", "Voici : {}.", "Vous aimerez : {}.", "Type : {}."),
)
"""Sentences with a noun."""
COLOUR_SENTENCES: Bilingual = (("Colour: {}.", "Comes in {}."), ("Couleur : {}.", "Existe en {}."))
"""Sentences with a colour."""

_STARTS = (
    "al an ar bel bor cal car dan del dor el fal fen gal hal jor kal kes lan lor mar mel nor ol pel ran sel tor val"
)
_MIDDLES = "a e i o u an en in on ar er or ia io ea"
_ENDS = "be da dis ka la lis lo ma mo na nel no ra ris ro sa so ta tex tis va vex vo xa"


def invent_names(rng: np.random.Generator, count: int) -> tuple[str, ...]:
    """Invent `count` different names for brands or product lines, in lower case."""
    names: dict[str, None] = {}
    while len(names) < count:
        parts = [str(rng.choice(syllables.split())) for syllables in (_STARTS, _MIDDLES, _ENDS)]
        if len(names) > 5000 or rng.random() < 0.2:
            parts.insert(1, str(rng.choice(_MIDDLES.split())) + str(rng.choice(_STARTS.split())))
        names["".join(parts)] = None
    return tuple(names)
