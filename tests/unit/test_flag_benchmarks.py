"""The benchmarks of flags, price limits and copied labels: what they count, on rows that are counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.copied_labels import World, copied, repaired
from benchmarks.flags import count_reasons
from benchmarks.price_limits import at_limit, make_wrong


def test_reasons_are_counted_where_they_are_and_where_they_are_flagged() -> None:
    truth = pd.Series({"a": ["duplicate"], "b": ["duplicate", "wrong_category"], "c": None, "d": ["blank_image"]})
    flagged = pd.Series({"b": ["duplicate", "low_confidence"], "c": ["duplicate"], "gone": ["duplicate"]})
    counted = count_reasons(truth, flagged).to_dict("index")
    assert list(counted) == ["blank_image", "duplicate"], "none that is about the category"
    assert list(counted["duplicate"].values()) == [2, 2, 1, 0.5, 0.5]
    *numbers, precision = counted["blank_image"].values()
    assert numbers == [1, 0, 0, 0]
    assert np.isnan(precision)


def test_wrong_prices_differ_by_their_factor() -> None:
    prices = make_wrong(pd.DataFrame({"price": np.full(10_000, 8.0)}))
    np.testing.assert_allclose(prices.price, 8.0 * prices.factor)
    shares = prices.factor.round(4).value_counts(normalize=True)
    assert set(shares.index) == {1.0, 10.0, 0.1, 3.0, 0.3333}
    assert shares.drop(1.0).between(0.006, 0.014).all()


def test_recall_and_precision_of_a_limit() -> None:
    distances = pd.DataFrame(
        {
            "factor": [10.0, 0.1, 3.0, 1 / 3, *[1.0] * 100],
            "price_distance": [4.0, -2.0, 2.0, -3.5, *[0.5] * 98, None, -3.0],
        }
    )
    np.testing.assert_allclose(at_limit(distances, 3.0, (10.0, 0.1)), (0.5, 0.005 / (0.005 + 0.99 * 0.01)))
    np.testing.assert_allclose(at_limit(distances, 2.0, (3.0, 1 / 3)), (1.0, 0.01 / (0.01 + 0.99 * 0.01)))


def test_every_other_title_is_copied_with_two_words_exchanged() -> None:
    titles = [f"one two {number}" for number in range(400)]
    truth = np.arange(400) % 4
    own, same = (copied(titles, truth, 2, same_label=each) for each in (False, True))
    assert len(own.titles) == 400 + 2 * 200
    assert own.titles[:400] == titles
    for title, product in zip(own.titles[400:], own.products[400:], strict=True):
        assert product % 2 == 0
        assert sorted(title.split()) == sorted(titles[product].split())
        assert title != titles[product]
    np.testing.assert_array_equal(own.truth, truth[own.products])
    np.testing.assert_array_equal(same.labels, same.labels[same.products])
    assert (own.labels != own.labels[own.products]).any()
    # A quarter gets a label by chance, one in four of which is right.
    assert 0.13 < (own.labels != own.truth).mean() < 0.25


def test_only_wrong_labels_of_titles_with_copies_are_asked() -> None:
    world = World(
        titles=["a", "b", "c", "a again"],
        truth=np.array([0, 1, 2, 0]),
        labels=np.array([1, 0, 0, 1]),
        products=np.array([0, 1, 2, 0]),
    )
    assert repaired(world, np.array([0, 9, 9, 1])) == 0.5
