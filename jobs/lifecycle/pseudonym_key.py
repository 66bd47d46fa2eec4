"""The file with the secret key of a warehouse's pseudonyms: where it is, and how it is made.

Models, printed summaries and the table `suppressions` hold pseudonyms in place of ids (`udfs.pseudonyms`).
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from conf.settings import PrivacySettings
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError, UsageError
from training.models import Model
from udfs.pseudonyms import LEAST_BYTES, PseudonymKey

KEYS_FOLDER = "_keys"
_KEY_FILE = "pseudonyms.key"
NEEDED_BY_MODELS = (
    "models hold sellers by pseudonyms, and without the key they fit nobody. Copy it from the warehouse in which the "
    "model was trained, or from a backup; if it is lost, train a new model with `catalog-cleaner train`, which makes a "
    "new key."
)


def read_key(warehouse: Warehouse, settings: PrivacySettings, needed: str = NEEDED_BY_MODELS) -> PseudonymKey:
    """The key of a warehouse.

    Args:
        warehouse: the warehouse.
        settings: where the key is.
        needed: why it is needed and what to do if it is lost, for the message.

    Raises:
        UsageError: there is no key, or the file is none.
    """
    file = _key_file(warehouse, settings)
    try:
        text = file.read_text(encoding="ascii").strip()
        secret = bytes.fromhex(text)
    except OSError as error:
        raise UsageError(f"the key of pseudonyms {file} cannot be read ({error.strerror}): {needed}") from error
    except ValueError as error:
        raise _no_key(file, needed) from error
    if len(secret) < LEAST_BYTES:
        raise _no_key(file, needed)
    return PseudonymKey(secret)


def key_of_model(warehouse: Warehouse, settings: PrivacySettings, model: Model) -> PseudonymKey:
    """The key of a warehouse, if it is the one with which a model was trained.

    Deciding needs it. A command asks for it as soon as it knows the model, before it encodes and scores for hours.

    Raises:
        UsageError: there is no key, or the file is none.
        FailedError: the model's pseudonyms were made with another key.
    """
    key = read_key(warehouse, settings)
    if model.noise.key_check != key.check:
        raise FailedError(
            f"model {model.version} holds the sellers by pseudonyms that were made with another key, so it would know "
            "none of them. Name the key with which it was trained (privacy.key_file), or train a new model with "
            "`catalog-cleaner train`."
        )
    return key


def create_key(warehouse: Warehouse, settings: PrivacySettings) -> PseudonymKey:
    """The key of a warehouse. It is made if it is to be in the warehouse's folder and does not exist.

    Raises:
        UsageError: the settings name a file that is no key, or none although the warehouse is not a local folder.
    """
    file = _key_file(warehouse, settings)
    if settings.key_file is None and not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        # Written to a temporary file and linked, so that of two trainings that start at once both use the first key.
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="ascii") as new:  # its mode is 0600
            new.write(secrets.token_hex(LEAST_BYTES) + "\n")
            new.flush()
            with suppress(FileExistsError):
                os.link(new.name, file)
    return read_key(warehouse, settings)


def _key_file(warehouse: Warehouse, settings: PrivacySettings) -> Path:
    if settings.key_file is not None:
        return Path(settings.key_file)
    if warehouse.folder is None:
        raise UsageError(
            f"warehouse {warehouse.location} is not a folder of this machine, so it cannot keep the key of pseudonyms: "
            "write one with `openssl rand -hex 32 > pseudonyms.key`, keep it secret, and name it in "
            "--set privacy.key_file=FILE."
        )
    return warehouse.folder / KEYS_FOLDER / _KEY_FILE


def _no_key(file: Path, needed: str) -> UsageError:
    return UsageError(
        f"{file} must hold at least {2 * LEAST_BYTES} hexadecimal digits, as `openssl rand -hex 32` makes them; but if "
        f"it held a key before, {needed}"
    )
