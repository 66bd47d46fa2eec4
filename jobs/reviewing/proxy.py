"""A reverse proxy before the review page: the https address that it gives the page, and perhaps the names of users."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from conf.review_settings import ProxySettings
from jobs.reviewing.users import Role, User, is_name
from schemas.errors import UsageError

SECRET_HEADER = "x-review-secret"  # noqa: S105 - a name
"""The header in which the proxy shows that a request comes from it."""
_SHORTEST = 32


@dataclass(frozen=True)
class Proxy:
    """A reverse proxy.

    Attributes:
        address: at which browsers reach the page: https, host and port without a path.
        user_header: the header in which the proxy names the user; None: people sign in on the page.
        secret: what the proxy sends as `SECRET_HEADER`; empty without a `user_header`.
    """

    address: str
    user_header: str | None = None
    secret: str = ""

    @property
    def host(self) -> str:
        """What browsers send as the host."""
        return urlsplit(self.address).netloc

    def user(self, secrets: Sequence[str], names: Sequence[str], users: Mapping[str, User]) -> User | None:
        """Whose request it is; None if the proxy does not say so.

        Args:
            secrets: the values of the request's `SECRET_HEADER`.
            names: the values of its `user_header`.
            users: the page's users, for their roles; others are reviewers.
        """
        if len(secrets) != 1 or not hmac.compare_digest(secrets[0].encode(), self.secret.encode()):
            return None
        if len(names) != 1 or not is_name(names[0]):
            return None
        known = users.get(names[0])
        return User(names[0], known.role if known else Role.REVIEWER.value)


def read_proxy(settings: ProxySettings) -> Proxy | None:
    """Check the settings of the proxy; None if there is none.

    Raises:
        UsageError: they cannot be used.
    """
    address, header = settings.address, settings.user_header
    if (header is None) != (settings.secret_file is None):
        raise UsageError(
            "review.proxy.user_header and review.proxy.secret_file belong together: without a secret, everybody who "
            "reaches the page's port could name any user."
        )
    if address is None:
        if header is not None:
            raise UsageError("review.proxy.user_header needs review.proxy.address, where the proxy shows the page.")
        return None
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.netloc or parts.path not in ("", "/") or parts.query or "@" in parts.netloc:
        raise UsageError(
            f"review.proxy.address is {address}: it must be https:// with a host and perhaps a port, such as "
            "https://review.example.com. The page itself speaks http, over which passwords must not travel."
        )
    secret = _read_secret(Path(settings.secret_file)) if settings.secret_file is not None else ""
    return Proxy(f"https://{parts.netloc.lower()}", header.lower() if header else None, secret)


def _read_secret(file: Path) -> str:
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"review.proxy.secret_file is {file}, which cannot be read: {error}.") from error
    if len(secret) < _SHORTEST:
        raise UsageError(
            f"{file}: the secret has {len(secret)} characters, but it needs at least {_SHORTEST}. Make one with "
            "`openssl rand -hex 32`."
        )
    return secret
