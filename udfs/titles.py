"""Detect titles that say nothing about the product."""

from __future__ import annotations

import unicodedata

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.reasons import TitleStatus

_PLACEHOLDERS = (
    # on forms and in exports, whatever the language
    "n a", "na", "nan", "none", "null", "nil", "undefined", "test", "testing", "tbd", "tba", "tbc", "todo", "to do",
    "xxx", "asdf", "asdfgh", "qwerty", "lorem ipsum", "dummy", "placeholder", "foo", "foo bar", "temp", "wip", "sku",
    # English
    "untitled", "no title", "no name", "title", "title here", "insert title", "insert title here", "enter title",
    "enter title here", "product", "product name", "product title", "new product", "item", "item name", "new item",
    "listing", "new listing", "article", "sample", "sample product", "test product", "test item", "test listing",
    "example", "unknown", "unknown product", "to be completed", "to be defined", "to be determined",
    "to be confirmed", "to be announced", "to be added", "to be filled", "to be filled in", "to complete",
    "to fill in", "not available", "not specified", "no description", "name",
    # French
    "produit", "titre", "nom", "sans titre", "sans nom", "essai", "nom du produit", "titre du produit",
    "nom de l article", "nouveau produit", "nouvel article", "exemple", "inconnu", "produit inconnu", "produit test",
    "article test", "à compléter", "à remplir", "à définir", "à renseigner", "à venir", "non renseigné",
    "non disponible",
    # German
    "produkt", "artikel", "titel", "ohne titel", "kein titel", "ohne name", "produktname", "artikelname",
    "neues produkt", "neuer artikel", "beispiel", "platzhalter", "unbekannt", "testprodukt", "testartikel",
    "test produkt", "test artikel", "zu ergänzen", "noch zu ergänzen", "wird ergänzt", "wird noch ergänzt",
    "nicht verfügbar", "keine angabe",
    # Spanish
    "producto", "artículo", "título", "sin título", "sin nombre", "nombre", "nombre del producto", "nuevo producto",
    "ejemplo", "prueba", "producto de prueba", "desconocido", "a completar", "por completar", "por definir",
    "no disponible",
    # Italian
    "prodotto", "articolo", "titolo", "senza titolo", "senza nome", "nome", "nome prodotto", "nome del prodotto",
    "nuovo prodotto", "esempio", "prova", "sconosciuto", "da completare", "da definire", "da inserire",
    "non disponibile",
    # Portuguese
    "produto", "artigo", "sem título", "sem nome", "nome do produto", "novo produto", "exemplo", "teste",
    "produto de teste", "desconhecido", "a preencher", "por preencher", "não disponível",
    # Dutch
    "zonder titel", "geen titel", "zonder naam", "naam", "productnaam", "nieuw product", "voorbeeld", "onbekend",
    "in te vullen", "nog in te vullen", "aan te vullen", "nog aan te vullen", "niet beschikbaar",
    # Polish
    "tytuł", "bez tytułu", "brak tytułu", "brak nazwy", "nazwa", "nazwa produktu", "nowy produkt", "przykład",
    "nieznany", "do uzupełnienia",
)  # fmt: skip
_DECORATIONS = r"[\p{P}\p{S}\p{N}\s]+"
_REMARK = r"^new | new$"
"""Sellers add it to whatever the title was."""


def is_uninformative(title: Column) -> Column:
    """Whether a title is empty, a placeholder, one repeated letter, or has no letter of any script.

    Placeholders are found in any case, with or without accents, between any punctuation and numbers, such as
    "*** Test 12 ***", and beside the remark "new".

    Args:
        title: a string column; the result is false where it is null.
    """
    plain = F.trim(F.regexp_replace(F.lower(title), _DECORATIONS, " "))
    bare = F.trim(F.regexp_replace(plain, _REMARK, ""))
    uninformative = ~title.rlike(r"\p{L}") | bare.isin(*_spellings()) | F.trim(title).rlike(r"^(?i)(\p{IsLatin})\1*$")
    return title.isNotNull() & uninformative


def title_status(title: Column) -> Column:
    """The `TitleStatus` of a title.

    Args:
        title: a string column; null is `missing`.
    """
    return (
        F.when(title.isNull(), TitleStatus.MISSING.value)
        .when(F.trim(title) == "", TitleStatus.EMPTY.value)
        .when(is_uninformative(title), TitleStatus.UNINFORMATIVE.value)
        .otherwise(TitleStatus.OK.value)
    )


def _spellings() -> list[str]:
    """The placeholders with and without accents."""
    return sorted({*_PLACEHOLDERS, *map(_without_accents, _PLACEHOLDERS)})


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).replace("ł", "l")
    return "".join(character for character in decomposed if not unicodedata.combining(character))
