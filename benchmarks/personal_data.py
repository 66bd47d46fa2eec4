"""Measure how well personal data is found in a catalogue with known truth, and what it costs.

    python -m benchmarks.personal_data FOLDER [--regions FR,BE]

The folder has listings.parquet and truth.parquet, as the catalogue generator writes them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

from schemas.reasons import Reason
from udfs.languages import find_language
from udfs.personal_data import find_personal_data


def main() -> None:
    """Print recall and precision by listing, the languages, and microseconds a listing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with listings.parquet and truth.parquet")
    parser.add_argument("--regions", default="", help="countries, as in privacy.phone_regions")
    options = parser.parse_args()
    regions = tuple(filter(None, options.regions.split(",")))
    listings = _newest(options.folder)
    texts = [
        tuple(None if pd.isna(value) else str(value) for value in row)
        for row in listings[["title", "description"]].itertuples(index=False)
    ]
    started = time.perf_counter()
    languages = [find_language(title, description) for title, description in texts]
    between = time.perf_counter()
    found = [
        bool(find_personal_data(title, description, language=language, regions=regions))
        for (title, description), language in zip(texts, languages, strict=True)
    ]
    ended = time.perf_counter()
    planted = listings["issues"].map(lambda issues: Reason.PERSONAL_DATA.value in issues).tolist()
    both = sum(here and there for here, there in zip(found, planted, strict=True))
    print(f"listings with personal data {sum(planted):,}, found {sum(found):,}, both {both:,}")
    print(f"recall {both / max(sum(planted), 1):.3f}, precision {both / max(sum(found), 1):.3f}")
    print("languages", pd.Series(languages).value_counts(dropna=False, normalize=True).head(6).round(3).to_dict())
    print(f"language {_micros(started, between, len(texts))}, personal data {_micros(between, ended, len(texts))}")


def _newest(folder: Path) -> pd.DataFrame:
    """The newest version of each listing, with its issues."""
    listings = pd.read_parquet(
        folder / "listings.parquet", columns=["listing_id", "title", "description", "updated_at"]
    )
    newest = listings.sort_values("updated_at").drop_duplicates("listing_id", keep="last")
    return newest.merge(pd.read_parquet(folder / "truth.parquet", columns=["listing_id", "issues"]), on="listing_id")


def _micros(started: float, ended: float, listings: int) -> str:
    return f"{(ended - started) / listings * 1e6:.0f} microseconds a listing"


if __name__ == "__main__":
    main()
