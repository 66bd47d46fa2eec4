"""Who may use the review page: a file in the store, with hashes of passwords. Only this module imports argon2."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from schemas.errors import FailedError, UsageError

_FILE = "users.json"
_NAME = re.compile(r"[\w.@+-]{1,100}")
SHORTEST = 10
"""Characters of a password."""
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("nobody has this password")
"""Compared for unknown names, so that the time does not tell which names there are."""


class Role(StrEnum):
    """What a user is, as stored with each decision (`review_decisions.reviewer_role`)."""

    REVIEWER = "reviewer"
    LEAD = "lead"
    ADMIN = "admin"


@dataclass(frozen=True)
class User:
    """A user. `hash` is that of the password; empty for the one local reviewer of a page without users."""

    name: str
    role: str
    hash: str = ""


def read_users(folder: Path) -> dict[str, User]:
    """Name -> user; empty if nobody was added.

    Raises:
        FailedError: the file is damaged. Nobody may get in because of that.
    """
    file = folder / _FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise FailedError(f"the users of the review page cannot be read: {error}.") from error
    try:
        return {name: User(**values) for name, values in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise FailedError(f"{file} is damaged: bring it back, or remove it and add the users again.") from error


def is_name(text: str) -> bool:
    """Whether a text can be a user's name."""
    return _NAME.fullmatch(text) is not None


def add_user(folder: Path, name: str, role: Role, password: str) -> bool:
    """Add a user, or change role and password of one.

    Returns:
        Whether the user is new.

    Raises:
        UsageError: name or password cannot be used.
    """
    if not is_name(name):
        raise UsageError(f"user {name!r}: write a name of letters, digits and . @ + - _, at most 100 characters.")
    if len(password) < SHORTEST:
        raise UsageError(f"the password has {len(password)} characters, but it needs at least {SHORTEST}.")
    users = read_users(folder)
    _write(folder, {**users, name: User(name, role.value, _HASHER.hash(password))})
    return name not in users


def remove_user(folder: Path, name: str) -> None:
    """Remove a user, whose sessions then end.

    Raises:
        UsageError: there is none of this name.
    """
    users = read_users(folder)
    if name not in users:
        raise UsageError(f"there is no user {name!r}; the users are {', '.join(sorted(users)) or 'none'}.")
    _write(folder, {key: user for key, user in users.items() if key != name})


def check_password(users: Mapping[str, User], name: str, password: str) -> User | None:
    """The user, if name and password are right."""
    user = users.get(name)
    try:
        _HASHER.verify(user.hash if user else _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return None
    return user


def _write(folder: Path, users: Mapping[str, User]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as out:  # noqa: PTH123 - of a descriptor
            json.dump({name: asdict(user) for name, user in sorted(users.items())}, out, indent=1)
        partial.replace(folder / _FILE)
    except OSError as error:
        raise FailedError(f"the users of the review page were not written: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)
