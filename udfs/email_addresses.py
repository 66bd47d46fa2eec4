"""Find e-mail addresses in texts, also written so that programs should not find them."""

from __future__ import annotations

import re

_DOMAINS = frozenset((
    "com", "org", "net", "info", "biz", "edu", "gov", "mil", "int", "name", "pro", "mobi", "jobs", "museum", "travel",
    "coop", "aero", "asia", "cat", "post", "tel", "xxx", "email", "mail", "shop", "store", "online", "site",
    "website", "web", "app", "dev", "cloud", "tech", "digital", "agency", "company", "group", "team", "work",
    "business", "solutions", "services", "support", "studio", "design", "art", "gallery", "photo", "photos",
    "fashion", "style", "boutique", "clothing", "shoes", "jewelry", "beauty", "home", "garden", "kitchen",
    "furniture", "house", "toys", "games", "bike", "auto", "cars", "sport", "sports", "fitness", "health", "care",
    "club", "community", "social", "blog", "news", "press", "media", "live", "life", "world", "today", "space", "fun",
    "xyz", "top", "icu", "vip", "one", "link", "click", "page", "plus", "zone", "city", "town", "paris", "berlin",
    "hamburg", "koeln", "bayern", "wien", "london", "nyc", "tokyo", "amsterdam", "brussels", "vlaanderen", "gent",
    "barcelona", "madrid", "gal", "eus", "swiss", "scot", "wales", "bzh", "corsica", "alsace", "quebec",
))  # fmt: skip
"""Top-level domains of more than two letters. Of two letters, every one counts: they are those of countries."""
_FILES = frozenset(("js", "ts", "py", "rb", "cs", "gz", "ps", "so"))
"""File extensions of two letters that may follow an @ in code, and are hardly ever domains of e-mail addresses."""
_FREE_MAIL = r"(?:gmail|googlemail|hotmail|outlook|icloud|protonmail|yahoo|gmx|live|laposte|orange|wanadoo|libero)"
_DOT = r"(?:dot|point|punkt|punto|ponto|punt|kropka)"
_AT = r"(?:at|arobase|arroba|chiocciola|ät|malpa|małpa|apenstaartje)"

_ADDRESS = re.compile(
    r"""
    (?<![\w.+%/&?-]) (?P<local>[^\W_][\w.+%'-]{0,63})
    @ (?P<domain>(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+) (?P<top>[a-z]{2,13})
    (?![\w@-]) (?!:[\w/~])   # git@host:path is no address
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BRACKETED_AT = re.compile(rf"\s?[\[({{<]\s?(?:@|{_AT})\s?[\])}}>]\s?", re.IGNORECASE)
_BRACKETED_DOT = re.compile(rf"\s?[\[({{<]\s?(?:\.|{_DOT})\s?[\])}}>]\s?", re.IGNORECASE)
_SPELT = re.compile(rf"(?<=\w)\s{_AT}\s({_FREE_MAIL})\s{_DOT}\s([a-z]{{2,3}})\b", re.IGNORECASE)
_SPACED = re.compile(rf"(?<=\w)\s?@\s?({_FREE_MAIL})\s?\.\s?(com|fr|de|es|it|net|me)\b", re.IGNORECASE)
_SPELT_AT = re.compile(
    r"(?<=\w)\s(?:at|arobase)\s(gmail|googlemail|hotmail|icloud|protonmail)\.(com|fr|de|es|it)\b", re.I
)
_HINT = re.compile(rf"@|[\[({{<]\s?{_AT}\s?[\])}}>]|\s{_AT}\s", re.IGNORECASE)
_VERSION = re.compile(r"v?\d+(?:\.\d+)*x?\.$", re.IGNORECASE)


def may_have_email(text: str) -> bool:
    """Whether a text has an @, or a word for it. Most texts have none, and this is much faster than the search."""
    return "@" in text or _HINT.search(text) is not None


def remove_emails(text: str) -> tuple[str, bool]:
    """Replace the e-mail addresses in a text by spaces.

    `name (at) host.com` and, for well-known hosts, `name at gmail dot com` and `name @ gmail . com` count too.

    Args:
        text: in Unicode NFKC, without markup.

    Returns:
        The text without them, and whether there was one.
    """
    if not may_have_email(text):
        return text, False
    plain = _BRACKETED_AT.sub("@", text)
    if plain != text:
        plain = _BRACKETED_DOT.sub(".", plain)
        plain = re.sub(rf"(@[\w-]+)\s{_DOT}\s(\w+)", r"\1.\2", plain, flags=re.IGNORECASE)
    for pattern in (_SPELT, _SPACED, _SPELT_AT):
        plain = pattern.sub(r"@\1.\2", plain)
    found = False

    def replace(match: re.Match[str]) -> str:
        nonlocal found
        if not _is_address(match):
            return match[0]
        found = True
        return " "

    without = _ADDRESS.sub(replace, plain)
    return (without, True) if found else (text, False)


def _is_address(match: re.Match[str]) -> bool:
    """Whether what looks like an address is none of retina@2x.png, package@1.0.beta and the like."""
    top, domain = match["top"].lower(), match["domain"]
    known = top in _DOMAINS or (len(top) == 2 and top not in _FILES)
    return known and not _VERSION.match(domain)
