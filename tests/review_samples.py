"""A small store of the review page, made without Spark, and a server that shows it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image, ImageDraw

from jobs.reviewing.shapes import (
    LARGE,
    SMALL,
    Category,
    OpenItem,
    Picture,
    Prices,
    Seller,
    Similar,
    Source,
    Suggested,
    write_export,
)

ROOT = Path(__file__).parents[1]
SOURCE = Source("nightly-2026-11-10-a02b69", "2026-11-10", "2026-11-10T05:00:00+00:00")
CATEGORIES = [
    Category("boots", "Boots", "Footwear > Boots", "Footwear", ("bottes", "wellies")),
    Category("sandals", "Sandals", "Footwear > Sandals", "Footwear"),
    Category("sneakers", "Sneakers", "Footwear > Sneakers", "Footwear", ("trainers",)),
    Category("shirts", "Shirts", "Clothing > Shirts", "Clothing"),
    Category("t-shirts", "T-Shirts", "Clothing > T-Shirts", "Clothing"),
    Category("hats", "Hats", "Accessories > Hats", "Accessories"),
]
SELLER = Seller("S0007", 49, 0.25, 0.14, 0.37)


def jpeg(seed: int, side: int = 320) -> bytes:
    """A picture that differs from those of other seeds."""
    image = Image.new("RGB", (side, side), (40 * seed % 200 + 30, 70 * seed % 200 + 30, 110 * seed % 200 + 30))
    ImageDraw.Draw(image).rectangle((side // 4, side // 4, 3 * side // 4, 3 * side // 4), fill="white")
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


def category_item(number: int, **changes: object) -> OpenItem:
    """An item whose category is asked about: the seller says sandals, the model boots, sneakers, then sandals."""
    item = OpenItem(
        listing_id=f"L{number:04d}",
        content_hash=f"content-{number}",
        reasons=["wrong_category"],
        title=f"Listing {number}",
        description="Leather, hardly worn.",
        category="sandals",
        price=20.0 + number,
        currency="EUR",
        seller=SELLER,
        language="en",
        suggested=[Suggested("boots", 0.81), Suggested("sneakers", 0.12), Suggested("sandals", 0.05)],
        best_category="boots",
        sentence="We think this belongs in Boots, not in Sandals: the words 'leather' and the picture say so.",
        similar=[Similar("B1", "Winter boots", "boots", 30.0, 0.91), Similar("B2", None, "boots", None, 0.84)],
        priority=0.9,
    )
    item = replace(item, **changes)  # type: ignore[arg-type]
    judged = {name: f"{name} of {item.content_hash}" for name in item.reasons}
    judged |= {"price_outlier": f"price {item.price}", "category": f"{item.category} for {item.content_hash}"}
    return replace(item, judged=judged)


def other_items() -> list[OpenItem]:
    """One item of each other question."""
    plain = {"suggested": [], "priority": 0.2, "sentence": None, "similar": []}
    text = "Call 07.23.27.30.01 today"
    return [
        category_item(901, reasons=["audit_sample", "wrong_category"], audit_chance=0.05),
        category_item(902, reasons=["price_outlier"], price=999.0, prices=Prices(30.0, 20.0, 45.0, 48), **plain),
        category_item(903, reasons=["price_outlier"], price=None, **plain),
        category_item(
            904,
            reasons=["duplicate"],
            duplicate=Similar("B1", "Winter boots, older", "boots", 30.0, None, "The older description."),
            **plain,
        ),
        category_item(
            905,
            reasons=["personal_data"],
            description=text,
            personal_data=["phone"],
            marks=[("description", 5, 19)],
            **plain,
        ),
        category_item(906, reasons=["missing_category"], category=None, seller=None),
        category_item(907, reasons=["low_confidence", "uninformative_title"], title="aaa"),
        category_item(908, reasons=["low_confidence"], title="نعال جلدية للرجال", language="ar", description=None),
        category_item(909, reasons=["missing_image"], **plain),
    ]


def write_store(folder: Path, items: Sequence[OpenItem], source: Source = SOURCE) -> int:
    """Write a store with pictures of all items but the one without."""
    large = [
        Picture(item.listing_id, LARGE, jpeg(n)) for n, item in enumerate(items) if "missing_image" not in item.reasons
    ]
    small = [Picture("B1", SMALL, jpeg(98, 160))]
    return write_export(folder, source, CATEGORIES, [*large, *small], items)


@dataclass
class Server:
    """A running server of the page."""

    folder: Path
    port: int
    second_share: float = 0.0
    known_share: float = 0.0
    proxy: Mapping[str, str | None] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {
            "folder": str(self.folder),
            "warehouse": None,
            "host": "127.0.0.1",
            "port": self.port,
            "reviewer": "ada",
            "role": "reviewer",
            "second_share": self.second_share,
            "known_share": self.known_share,
            "renew_command": [sys.executable, "-c", ""],
            "renew_minutes": 60,
            "proxy": dict(self.proxy),
        }
        words = [sys.executable, "-m", "jobs.reviewing.serving", json.dumps(options)]
        self.process = subprocess.Popen(words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self.process.poll() is None, "the server has ended"
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """Kill it as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def running_server(folder: Path, second_share: float = 0.0, known_share: float = 0.0, **proxy: str) -> Iterator[Server]:
    """A server of a store, until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(folder, port, second_share, known_share, proxy)
    server.start()
    try:
        yield server
    finally:
        server.kill()
