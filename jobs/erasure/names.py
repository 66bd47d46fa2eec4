"""Finds ids in values, texts and bytes: what counts as naming an erased listing or seller.

* A value of a column of ids (`ID_COLUMNS`) names an id if it equals it.
* A text names an id if it stands in it as a whole token: no letter, digit or underscore is next to it. Delta's
  statistics cut texts after 32 characters, so the first 32 of a longer id count as well.
* Binary data, which have a zero byte, name an id if they have its bytes anywhere: nothing divides texts in them.
* An id that says little by itself (`is_telling`), such as `7` or `shoes`, stands in every text. Texts name it only
  where the name of a column of ids precedes it, as in `"listing_id":"7"` or `listing_id = '7'`; binary data are not
  searched.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

ID_COLUMNS = ("listing_id", "other_listing_id", "duplicate_of", "seller_id", "group_id")
LEAST_LENGTH, LEAST_DIGITS = 6, 8
REPLACEMENT = "[erased]"
_CUT = 32
_TOKEN = re.compile(r"\w+")
_BINARY_TOKEN = re.compile(rb"\w+")
_AFTER_NAME = r"(?:listing_id|duplicate_of|seller_id|group_id)(?:#\d+)?[^\w]{1,12}"


@dataclass(frozen=True)
class Names:
    """The ids to find.

    Attributes:
        listings, sellers: ids.
    """

    listings: frozenset[str]
    sellers: frozenset[str]

    @cached_property
    def ids(self) -> frozenset[str]:
        """All ids."""
        return self.listings | self.sellers

    def among(self, found: Collection[str]) -> Names:
        """Those that a search has found. Of a long id, the beginning that Delta's statistics keep is enough."""
        listings, sellers = (
            frozenset(each for each in ids if each in found or each[:_CUT] in found)
            for ids in (self.listings, self.sellers)
        )
        return Names(listings, sellers)

    def of_column(self, column: str) -> frozenset[str]:
        """The ids that the values of a column of ids are compared with."""
        return self.sellers if column == "seller_id" else self.listings

    def in_text(self, text: str) -> set[str]:
        """The ids that a text names."""
        tokens = set(_TOKEN.findall(text))
        likely = [form for form in self._forms if self._longest_token[form] in tokens]
        found = {form for form in likely if re.search(_whole(form), text)}
        if self._short and "_id" in text:
            found |= {each for each in self._short if re.search(_AFTER_NAME + _whole(each), text)}
        return found

    def in_bytes(self, content: bytes) -> set[str]:
        """The ids that the bytes of a file name."""
        if b"\0" not in content:
            return self.in_text(content.decode("utf-8", errors="replace"))
        lengths = {len(token) for token in self._by_bytes}
        found: set[str] = set()
        for token in set(_BINARY_TOKEN.findall(content)):
            for length in lengths:
                for start in range(len(token) - length + 1):
                    for form in self._by_bytes.get(token[start : start + length], ()):
                        if form.encode() in content:
                            found.add(form)
        return found

    def redacted(self, text: str) -> str:
        """The text with `REPLACEMENT` in the place of every id that it names."""
        for each in sorted(self.in_text(text), key=len, reverse=True):
            pattern = rf"({_AFTER_NAME}){_whole(each)}" if each in self._short else rf"(){_whole(each)}"
            text = re.sub(pattern, rf"\g<1>{REPLACEMENT}", text)
        return text

    @cached_property
    def _short(self) -> frozenset[str]:
        return frozenset(each for each in self.ids if not is_telling(each))

    @cached_property
    def _forms(self) -> Collection[str]:
        telling = self.ids - self._short
        return telling | {each[:_CUT] for each in telling if len(each) > _CUT and is_telling(each[:_CUT])}

    @cached_property
    def _longest_token(self) -> dict[str, str]:
        """A token that every text has which names an id, so that most ids need no search of their own."""
        return {form: max(_TOKEN.findall(form), key=len) for form in self._forms}

    @cached_property
    def _by_bytes(self) -> dict[bytes, list[str]]:
        """The longest run of ASCII letters, digits and underscores in an id -> the ids."""
        grouped: dict[bytes, list[str]] = {}
        for form in self._forms:
            if tokens := _BINARY_TOKEN.findall(form.encode()):
                grouped.setdefault(max(tokens, key=len), []).append(form)
        return grouped


def is_telling(value: str) -> bool:
    """Whether a text that has this id as a token means the id.

    It has a digit and at least `LEAST_LENGTH` characters; if it has nothing but digits, at least `LEAST_DIGITS`.
    """
    least = LEAST_DIGITS if value.isdecimal() else LEAST_LENGTH
    return len(value) >= least and any(c.isdigit() for c in value)


def _whole(value: str) -> str:
    return rf"(?<!\w){re.escape(value)}(?!\w)"
