"""The settings of how pictures are fetched from web servers, with their defaults and meanings."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from conf.setting_types import FROZEN, Count, Positive

_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[0-9]{1,5})?|\[[0-9a-f:]+\](:[0-9]{1,5})?")


def _host(value: str) -> str:
    if not _HOST.fullmatch(value.lower()):
        raise PydanticCustomError(
            "host", "must be the name of a host: cdn.example.com, *.example.com, or with a port localhost:8080"
        )
    return value.lower()


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise PydanticCustomError("network", "must be a network, such as 10.20.0.0/16 or fd00::/8") from None
    return value


Host = Annotated[str, AfterValidator(_host)]
Network = Annotated[str, AfterValidator(_network)]


@dataclass(frozen=True, config=FROZEN)
class FetchSettings:
    """How to fetch the pictures of http and https addresses."""

    hosts: tuple[Host, ...] = ()
    """The only hosts that are asked, also after redirects: cdn.example.com; *.example.com for all names that end so;
    with a port if that is not 80 or 443. Empty: none is."""
    networks: tuple[Network, ...] = ()
    """Networks that may be asked although they are not public, such as 10.20.0.0/16 for the shop's own servers. Others
    are never asked, whatever a name resolves to."""
    folder: str | None = None
    """Folder for the pictures of this warehouse alone, which all machines can read: an absolute path, or a URI as in
    ingest.image_prefixes. Default: `_pictures` in the warehouse's folder; a warehouse in a catalogue needs it."""
    parallel: Count = 16
    """Pictures that are fetched at the same time ..."""
    parallel_per_host: Count = 4
    """... and how many of them from one host."""
    retries: Annotated[int, Field(ge=0)] = 3
    """How often a request is repeated if the host does not answer, or says that it is busy or has failed."""
    connect_seconds: Positive = 5.0
    """How long a connection may take."""
    read_seconds: Positive = 20.0
    """How long a host may send nothing."""
    total_seconds: Positive = 60.0
    """How long a request may take, with its redirects."""
    retry_hours: Positive = 24.0
    """A picture that could not be fetched is tried again after this time."""
    user_agent: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")] = "catalog-cleaner"
    """What the requests say who asks. Operators of hosts like to find an address there."""
