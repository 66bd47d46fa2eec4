"""The quality benchmark: its label noise, its metrics and its report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import mlflow
import numpy as np
import pytest

from benchmarks.quality.catalogue import Catalogue, of_categories, one_dominant, sample, without_half_the_texts
from benchmarks.quality.charts import draw_charts
from benchmarks.quality.document import quality_document
from benchmarks.quality.leakage import compare_passes
from benchmarks.quality.metrics import error_of, measure
from benchmarks.quality.noise import (
    ambiguous_errors,
    careless_sellers,
    one_careless_seller,
    renamed_categories,
    uniform_errors,
)
from benchmarks.quality.origin import WORLD_CODE, origin_of
from benchmarks.quality.our_method import CleaningResult, OurMethod
from benchmarks.quality.tracking import log_to_mlflow
from benchmarks.quality.worlds import World
from conf.settings import DecideSettings
from schemas.arrays import Floats
from training.transitions import category_distances

_ROWS = 4000
RULES = DecideSettings(correction_min_listings=1)
_NAMES = ("boots", "sandals", "shirts", "skirts")


FULL = {
    "seconds": {"ingest": 12.3, "encode": 40.0, "train": 300.0, "nightly": 60.0},
    "listings": 2000,
    "rows": [("sellers", 0.225, 0.98), ("text and picture fused", 0.03, 1.0), ("ours: best guess", 0.02, 1.0)],
    "precision": 0.96,
    "reliability": [(0.5, 0.6), (0.9, 0.88), (1.0, 0.99)],
    "review": {"ours": [0.02, 0.01, 0.005], "people alone": [0.2, 0.19, 0.18]},
    "shares": [0.0, 0.01, 0.02],
    "categories": [("boots", 1500, 0.2, 0.01), ("hats", 500, 0.3, 0.05)],
    "branches": [("text alone", 0.07, 0.04), ("text and fused head", 0.05, 0.03)],
    "minutes": [("texts, one pass", 90.0, 0.94, 0.05), ("texts, two passes", 120.0, 0.95, 0.04)],
    "leak": [("one pass", 0.9, 0.05, 0.6), ("two passes, nested folds", 0.93, 0.04, 0.625)],
}

REGRETS = [
    (
        World("real", 3000, before, "sellers"),
        {
            "before": before,
            "least": 0.02,
            "rules": {
                "keep every label": [[before, before]],
                "classifier": [[0.06, 0.06]],
                "all evidence": [[best, 0.03]],
                "the true share": [[0.02, 0.02]],
            },
        },
    )
    for before, best in ((0.05, 0.02), (0.22, 0.04))
]


def catalogue(rows: int = _ROWS) -> Catalogue:
    """Two pairs of siblings, boots and sandals and shirts and skirts, and ten sellers; the title names the truth."""
    random = np.random.default_rng(3)
    truth = random.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    titles = np.array([f"{_NAMES[t]} number {i}" for i, t in enumerate(truth)], object)
    sellers = np.array([f"s{i}" for i in random.integers(0, 10, rows)], object)
    distances = category_distances(["shoes", "shoes", "clothes", "clothes"], ["all"] * 4)
    no_ancestors, nothing = np.zeros((4, 4), np.bool_), np.full(rows, None, object)
    ids = np.array([f"l{i}" for i in range(rows)], object)
    return Catalogue(_NAMES, no_ancestors, distances, ids, titles, nothing, sellers, truth, truth.copy())


def random() -> np.random.Generator:
    return np.random.default_rng(7)


def test_parts_of_a_catalogue_have_the_named_listings() -> None:
    whole = catalogue()
    assert len(sample(whole, 100, random())) == 100
    assert len(sample(whole, 10**6, random())) == _ROWS
    largest = of_categories(whole, [0, 2])
    assert set(largest.truth) == {0, 2}
    assert [title.split()[0] for title in largest.titles] == [_NAMES[t] for t in largest.truth]
    assert (one_dominant(whole, random()).truth == 0).mean() == pytest.approx(0.9, abs=0.001)
    titled = without_half_the_texts(whole, random())
    assert np.mean([title is None for title in titled.titles]) == pytest.approx(0.5, abs=0.03)
    assert [each is None for each in titled.descriptions] == [True] * _ROWS
    assert None not in whole.titles


def test_uniform_errors_have_the_specified_rate_and_are_mostly_siblings() -> None:
    whole = catalogue()
    labels = uniform_errors(whole, 0.3, random())
    wrong = labels != whole.truth
    assert wrong.mean() == pytest.approx(0.3, abs=0.02)
    siblings = whole.distances[whole.truth[wrong], labels[wrong]] == 1
    # 60 % by design, and a third of the rest: one of the three other categories is the sibling.
    assert siblings.mean() == pytest.approx(0.6 + 0.4 / 3, abs=0.04)


def test_careless_sellers_have_different_rates_and_one_seller_can_make_all_errors() -> None:
    whole = catalogue()
    wrong = careless_sellers(whole, 0.2, random()) != whole.truth
    rates = [wrong[whole.sellers == f"s{i}"].mean() for i in range(10)]
    assert min(rates) < 0.05
    assert max(rates) > 0.3
    alone = one_careless_seller(whole, random()) != whole.truth
    assert len(set(whole.sellers[alone])) == 1
    assert alone[whole.sellers == whole.sellers[alone][0]].mean() == pytest.approx(0.9, abs=0.05)


def test_ambiguous_errors_get_the_category_that_the_classifier_predicts() -> None:
    whole = catalogue()
    log_q = np.log(np.full((_ROWS, 4), 0.01))
    log_q[np.arange(_ROWS), whole.truth] = np.log(0.97)
    look_like_skirts = np.arange(_ROWS) % 3 == 0
    log_q[look_like_skirts, whole.truth[look_like_skirts]] = np.log(0.02)
    log_q[look_like_skirts, 3] = np.log(0.96)
    labels = ambiguous_errors(whole, log_q, 1.0, random())
    wrong = labels != whole.truth
    assert wrong.mean() == pytest.approx(0.22, abs=0.01)
    assert set(labels[wrong & (whole.truth != 3)]) == {3}
    assert look_like_skirts[wrong & (whole.truth != 3)].all()


def test_categories_are_renamed_by_all_or_half_of_the_sellers() -> None:
    whole = catalogue()
    by_all = renamed_categories(whole, 1.0, random())
    assert (by_all[whole.truth == 0] == 1).all()
    assert (by_all[whole.truth == 2] == 3).all()
    half = renamed_categories(whole, 0.5, random())
    calls = {
        seller: (half[(whole.truth == 0) & (whole.sellers == seller)] == 1).mean() for seller in set(whole.sellers)
    }
    assert {round(share) for share in calls.values()} == {0, 1}
    assert all(share == 1 or share < 0.1 for share in calls.values())


def _cleaned(belief: Floats, claim_slope: float = 1.0) -> CleaningResult:
    return CleaningResult(np.log(belief), belief, claim_slope, {})


def test_metrics_of_a_small_example() -> None:
    belief = np.array([[0.99, 0.01], [0.02, 0.98], [0.6, 0.4], [0.96, 0.04], *[[1.0, 0.0]] * 16])
    labels = np.array([1, 0, 1, 1, *[0] * 16])
    truth = np.array([0, 1, 1, 0, *[0] * 15, 1])
    found = measure(_cleaned(belief), labels, truth, RULES)
    assert found.before == pytest.approx(4 / 20)
    assert found.accuracy == pytest.approx(18 / 20)
    assert found.best_guess == pytest.approx(2 / 20)
    # 0.99, 0.98 and 0.96 are corrected; with 0.6 their mean would be 0.88.
    assert found.precision == 1.0
    assert found.corrected == pytest.approx(1 / 20)
    assert found.reviewed == pytest.approx(1 / 20)
    assert found.claimed == pytest.approx((0.01 + 0.02 + 0.4 + 0.04) / 20, abs=1e-5)
    # Only the claims for the 16 labels that are kept are lowered, each from 1 - 1e-6 to 0.999.
    lower = measure(_cleaned(belief, claim_slope=0.5), labels, truth, RULES)
    assert lower.claimed == pytest.approx((0.01 + 0.02 + 0.4 + 0.04 + 16 * 0.001) / 20, abs=1e-4)
    assert lower.corrected == found.corrected
    assert measure(_cleaned(belief), labels, truth, DecideSettings(correction_precision=1.0)).precision is None
    few = measure(_cleaned(belief), labels, truth, DecideSettings(correction_min_listings=4))
    # Category 1 has three labels: nothing is corrected into it.
    assert few.corrected == pytest.approx(2 / 20)
    assert error_of(labels != truth, truth, labels, truth) == 0.0
    assert error_of(labels == truth, 1 - truth, labels, truth) == 1.0


def test_an_audit_corrects_an_overconfident_posterior() -> None:
    truth = np.where(random().random(4000) < 0.3, 1, 0)
    belief = np.tile([0.99, 0.01], (4000, 1))
    found = measure(_cleaned(belief), np.zeros(4000, np.int64), truth, RULES)
    assert found.claimed == pytest.approx(0.01)
    assert found.best_guess == pytest.approx(0.3, abs=0.02)
    assert found.calibration == pytest.approx(0.29, abs=0.02)
    assert found.audited_best_guess == pytest.approx(0.3, abs=0.02)
    assert found.audited_claimed == pytest.approx(0.3, abs=0.06)
    assert found.audited_calibration < 0.06


def test_our_method_cleans_a_simple_catalogue() -> None:
    whole = catalogue(400)
    labels = careless_sellers(whole, 0.2, random())
    ours = OurMethod(whole, labels).clean()
    figures = measure(ours, labels, whole.truth, DecideSettings())
    assert figures.before > 0.15
    assert figures.best_guess < 0.02
    assert figures.corrected < 0.05
    assert figures.precision is not None
    assert figures.precision > 0.95


def test_one_pass_two_passes_and_nested_folds_are_compared() -> None:
    rows = {what: shares for what, *shares in compare_passes(catalogue(800))}
    assert list(rows) == ["one pass", "two passes", "two passes, nested folds"]
    for right, wrong, corrected in rows.values():
        # The titles name the truth, so that nearly every canary is corrected.
        assert right > 0.95
        assert wrong < 0.05
        assert corrected > 0.8


def test_the_report_has_all_tables_and_lists_worse_catalogues() -> None:
    belief = np.array([[0.99, 0.01], [0.02, 0.98], [0.9, 0.1], [0.9, 0.1]])
    ours = asdict(measure(_cleaned(belief), np.array([0, 1, 0, 0]), np.array([0, 1, 1, 0]), RULES))
    left = {"one_pass": 0.4, "no_sellers": 0.5, "classifier": 0.25}
    audited = {"audited_best_guess": 0.07, "audited_claimed": 0.08}
    kept = {
        "calm": {"listings": 4, "ours": ours | audited, "peers": {"both": 0.1, "other": 0.3}, **left},
        "worse": {"listings": 4, "ours": ours | {"corrected": 0.3}, "peers": {"both": 0.9}, **left},
    }
    charts = [("worlds.svg", "Regret by world"), ("review.svg", "What is left")]
    text = quality_document(kept, REGRETS, [(96, 700.4, 0.7312)], FULL, charts)
    assert (
        "| calm | 4 | 25.00 | 25.00 | 25.00 | - | 25.00 | 5.75 | 7.00 | 8.00 | 40.00 | 50.00 | 25.00 | **10.00** |"
        in text
    )
    assert "| worse | 4 | 25.00 | **25.00** | 30.00! |" in text
    assert "Corrections made 1 of 2 catalogues worse (worse)." in text
    assert "cleanlab left less than ours in 1 (calm)." in text
    assert "All 2,000 listings through `ingest` (12 s), `encode` (40 s), `train` (300 s) and\n`nightly` (60 s)" in text
    assert "| worlds | keep every label | classifier | all evidence | the true share |" in text
    assert "| real 3,000 | 11.5 (20.0) | 4.0 (4.0) | 1.0 (2.0) | 0.0 (0.0) |" in text
    assert "| dirtier | 0 of 2 | 1 of 2 | 0 of 2 | 0 of 2 |" in text
    assert "![Regret by world](quality/worlds.svg)" in text
    assert "| 96 | 700 | 73.12 |" in text
    assert "| sellers | 98.0 | 22.50 |" in text
    assert "| text and fused head | 5.00 | 3.00 |" in text
    assert "| texts, two passes | 2.0 | 95.00 | 4.00 |" in text
    assert "| two passes, nested folds | 93.00 | 4.00 | 62.50 |" in text
    assert "![What is left](quality/review.svg)" in text


def test_metrics_curves_and_files_are_logged_to_mlflow(tmp_path: Path) -> None:
    file = tmp_path / "quality.md"
    file.write_text("# Quality", encoding="utf-8")
    ours = {"before": 0.2, "best_guess": 0.03, "precision": None}
    found = {"ours": ours, "one_pass": 0.04, "no_sellers": 0.05, "classifier": 0.07, "peers": {"both": 0.06}}
    run = log_to_mlflow(tmp_path / "store", {"small": found}, FULL, [file])
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'store' / 'mlflow.db'}")
    metrics = client.get_run(run).data.metrics
    assert metrics["small/best_guess"] == 0.03
    assert "small/precision" not in metrics
    assert metrics["small/cleanlab both"] == 0.06
    assert metrics["whole/wrong ours: best guess"] == 0.02
    assert metrics["whole/wrong text and fused head"] == 0.03
    assert metrics["whole/right texts two passes"] == 0.95
    assert metrics["leak/canaries undone two passes nested folds"] == 0.625
    curve = client.get_metric_history(run, "left by reviewed percent/people alone")
    assert [(point.step, point.value) for point in curve] == [(0, 0.2), (1, 0.19), (2, 0.18)]
    assert [each.path for each in client.list_artifacts(run)] == ["quality.md"]


def test_the_charts_show_the_results_and_are_reproducible(tmp_path: Path) -> None:
    made = draw_charts(FULL, REGRETS, tmp_path / "quality")
    assert [name for name, _ in made] == ["worlds.svg", "reliability.svg", "review.svg", "categories.svg"]
    shown = {name: (tmp_path / "quality" / name).read_text(encoding="utf-8") for name, _ in made}
    assert "our rule" in shown["worlds.svg"]
    assert "people alone" in shown["review.svg"]
    assert "boots (1,500)" in shown["categories.svg"]
    assert "mean posterior of the best guess" in shown["reliability.svg"]
    again = draw_charts(FULL, REGRETS, tmp_path / "again")
    assert {name: (tmp_path / "again" / name).read_text(encoding="utf-8") for name, _ in again} == shown


def test_another_catalogue_or_other_code_has_another_origin(tmp_path: Path) -> None:
    for folder, label in (("one", b"a"), ("same", b"a"), ("other", b"b")):
        (tmp_path / folder).mkdir()
        for name in ("listings.parquet", "taxonomy.csv", "truth.parquet"):
            (tmp_path / folder / name).write_bytes(label)
    assert origin_of(tmp_path / "one") == origin_of(tmp_path / "same")
    assert origin_of(tmp_path / "one") != origin_of(tmp_path / "other")
    assert origin_of(tmp_path / "one") != origin_of(tmp_path / "one", WORLD_CODE)
