"""Users of the review page: their file, their sessions, and what happens to those who guess."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from jobs.reviewing.database import Store
from jobs.reviewing.sessions import SignIn, sign_in, sign_out, signed_in
from jobs.reviewing.users import Role, add_user, read_users, remove_user
from schemas.errors import FailedError, UsageError

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
PASSWORD, OTHER, WRONG = "correct horse battery", "another long password", "wrong"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    add_user(tmp_path, "ada", Role.LEAD, PASSWORD)
    return Store(tmp_path)


def attempt(
    store: Store, name: str = "ada", password: str = PASSWORD, seconds: float = 0, address: str = "127.0.0.1"
) -> SignIn:
    now = NOON + dt.timedelta(seconds=seconds)
    return sign_in(store, read_users(store.folder), name, password, address, now)


def who(store: Store, token: str | None, hours: float = 0) -> str | None:
    user = signed_in(store, read_users(store.folder), token, NOON + dt.timedelta(hours=hours))
    return f"{user.name} {user.role}" if user else None


def test_the_file_holds_no_password_and_only_its_owner_can_read_it(store: Store) -> None:
    file = store.folder / "users.json"
    assert PASSWORD not in file.read_text()
    assert "$argon2id$" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "password"), [("", PASSWORD), ("a b", PASSWORD), ("x" * 101, PASSWORD), ("bob", "short")]
)
def test_names_and_passwords_that_cannot_be_used_are_refused(tmp_path: Path, name: str, password: str) -> None:
    with pytest.raises(UsageError):
        add_user(tmp_path, name, Role.REVIEWER, password)
    assert read_users(tmp_path) == {}


def test_a_damaged_file_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text("{")
    with pytest.raises(FailedError, match="is damaged"):
        read_users(tmp_path)


def test_who_has_the_password_gets_a_session_that_ends_twelve_hours_after_its_last_use(store: Store) -> None:
    token = attempt(store).token
    assert who(store, token) == "ada lead"
    assert who(store, token, hours=11) == "ada lead"
    assert who(store, token, hours=22) == "ada lead"
    assert who(store, token, hours=34.1) is None
    assert who(store, "another") is None
    assert who(store, None) is None


def test_signing_out_another_password_and_removal_end_a_session(store: Store) -> None:
    token = attempt(store).token
    assert token is not None
    sign_out(store, token)
    assert who(store, token) is None
    token = attempt(store).token
    assert add_user(store.folder, "ada", Role.LEAD, OTHER) is False
    assert who(store, token) is None
    token = attempt(store, password=OTHER).token
    assert who(store, token) == "ada lead"
    remove_user(store.folder, "ada")
    assert who(store, token) is None
    with pytest.raises(UsageError, match="there is no user 'ada'"):
        remove_user(store.folder, "ada")


def test_the_store_does_not_hold_what_a_thief_could_use(store: Store) -> None:
    token = attempt(store).token
    assert token is not None
    store.close()
    assert all(token.encode() not in path.read_bytes() for path in store.folder.iterdir())


def test_guessing_a_password_is_slowed_down_and_the_wait_doubles(store: Store) -> None:
    assert [attempt(store, password=WRONG).wait_seconds for _ in range(5)] == [0] * 5
    refused = attempt(store)
    assert (refused.token, refused.wait_seconds) == (None, 11)
    assert attempt(store, password=WRONG, seconds=11).wait_seconds == 0
    assert attempt(store, seconds=12).wait_seconds == 20
    assert attempt(store, name="Ada", seconds=12).wait_seconds == 20, "the case of the name does not matter"
    assert attempt(store, seconds=32).token is not None
    assert attempt(store, password=WRONG, seconds=33).wait_seconds == 0, "success forgets the failures"


def test_guessing_names_from_one_address_is_slowed_down(store: Store) -> None:
    for number in range(50):
        assert attempt(store, name=f"user{number}", password=WRONG).wait_seconds == 0
    assert attempt(store).wait_seconds > 0
    assert attempt(store, address="10.0.0.2").token is not None
    assert attempt(store, seconds=4000).token is not None, "failures are forgotten after an hour"
