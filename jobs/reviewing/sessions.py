"""Signs users in and out of the review page, and slows down those who guess."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.reviewing.database import Store
from jobs.reviewing.users import User, check_password

_HOURS = 12.0
"""How long a session lasts after it was last used."""
_FREE = {"name": 5, "address": 50}
"""Failures without a wait. All who forward a port come from one address."""
_FIRST_WAIT, _LONGEST_WAIT, _FORGOTTEN = 10.0, 900.0, 3600.0
"""Seconds: the wait after one failure more, which doubles with each; and after how long failures are forgotten."""


@dataclass(frozen=True)
class SignIn:
    """How an attempt ended: with the session's token, or how many seconds to wait; neither: wrong name or password."""

    token: str | None = None
    wait_seconds: int = 0


def sign_in(
    store: Store, users: Mapping[str, User], name: str, password: str, address: str, now: dt.datetime
) -> SignIn:
    """Begin a session, if name and password are right and there were not too many wrong ones.

    Args:
        store: the store.
        users: name -> user.
        name, password: as typed.
        address: where the attempt comes from.
        now: UTC.
    """
    keys = {"name": f"name:{name[:100].casefold()}", "address": f"address:{address}"}
    wait = max(_wait(store, kind, key, now) for kind, key in keys.items())
    if wait > 0:
        return SignIn(wait_seconds=int(wait) + 1)
    user = check_password(users, name, password)
    with store.writing() as connection:
        if user is None:
            for key in keys.values():
                connection.execute(
                    "INSERT INTO failures VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET last = excluded.last, "
                    "count = CASE WHEN excluded.last - last > ? THEN 1 ELSE count + 1 END",
                    (key, now.timestamp(), _FORGOTTEN),
                )
            return SignIn()
        connection.execute("DELETE FROM failures WHERE key = ?", (keys["name"],))
        connection.execute("DELETE FROM sessions WHERE until < ?", (now.timestamp(),))
        token = secrets.token_urlsafe(32)
        connection.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?)", (_digest(token), user.name, _digest(user.hash), _until(now))
        )
        return SignIn(token)


def signed_in(store: Store, users: Mapping[str, User], token: str | None, now: dt.datetime) -> User | None:
    """The user of a session; None if there is none, it has expired, or the user was removed or got another password."""
    if token is None:
        return None
    row = store.reading().execute("SELECT * FROM sessions WHERE session = ?", (_digest(token),)).fetchone()
    if row is None or row["until"] < now.timestamp():
        return None
    user = users.get(row["name"])
    if user is None or _digest(user.hash) != row["credential"]:
        return None
    if _until(now) - row["until"] > 60:  # not at every key press
        with store.writing() as connection:
            connection.execute("UPDATE sessions SET until = ? WHERE session = ?", (_until(now), _digest(token)))
    return user


def sign_out(store: Store, token: str) -> None:
    """End a session."""
    with store.writing() as connection:
        connection.execute("DELETE FROM sessions WHERE session = ?", (_digest(token),))


def _wait(store: Store, kind: str, key: str, now: dt.datetime) -> float:
    """Seconds until the next attempt is looked at; 0 or less: it is now."""
    row = store.reading().execute("SELECT count, last FROM failures WHERE key = ?", (key,)).fetchone()
    if row is None or row["count"] < _FREE[kind] or now.timestamp() - row["last"] > _FORGOTTEN:
        return 0.0
    wait = min(_FIRST_WAIT * 2.0 ** (row["count"] - _FREE[kind]), _LONGEST_WAIT)
    return float(row["last"] + wait - now.timestamp())


def _until(now: dt.datetime) -> float:
    return now.timestamp() + _HOURS * 3600


def _digest(secret: str) -> str:
    """What is stored of a secret: who reads the store cannot use the session."""
    return hashlib.sha256(secret.encode()).hexdigest()
