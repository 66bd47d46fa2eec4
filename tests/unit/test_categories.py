from __future__ import annotations

import pytest

from udfs.categories import CategoryIndex, Separators, TaxonomyRow, category_key, find_cycle, split_path

SHOP = [
    TaxonomyRow("boots", "Boots", "Shoes", "Apparel"),
    TaxonomyRow("trail-boots", "Trail Boots", "boots", "Apparel"),
    TaxonomyRow("watches", "Watches", "Watches", "Accessories"),
    TaxonomyRow("bags", "Bags & Cases", "Bags", "Accessories"),
    TaxonomyRow("men-shirts", "Shirts", "Men", "Apparel"),
    TaxonomyRow("women-shirts", "Shirts", "Women", "Apparel"),
    TaxonomyRow("Toys > Games", "Games", "Toys", "Toys"),
    TaxonomyRow("Toys > Games > Chess", "Chess", "Toys > Games", "Toys"),
    TaxonomyRow("tv", "TV", "tv", "all"),
]
ALIASES = {"Stiefel": "boots", "Schuhe > Stiefel": "boots", "gone": "no-category"}


def resolve(delivered: str, category: str | None = None, path: str | None = None) -> str | None:
    return CategoryIndex(SHOP, ALIASES, Separators(category, path), "all").resolve(delivered)


@pytest.mark.parametrize(
    ("delivered", "code"),
    [
        ("boots", "boots"),
        (" BOOTS ", "boots"),
        ("Trail\u00a0boots", "trail-boots"),
        ("ｂｏｏｔｓ", "boots"),  # noqa: RUF001
        ("Bags &amp; cases", "bags"),
        ("Apparel > Shoes > Boots", "boots"),
        ("apparel>shoes > Boots>Trail Boots", "trail-boots"),
        ("Apparel &gt; Shoes &gt; Boots", "boots"),
        ("Shoes | Boots", None),
        ("Accessories > Watches", "watches"),
        ("Apparel > Men > Shirts", "men-shirts"),
        ("Women > Shirts", "women-shirts"),
        ("toys > games > CHESS", "Toys > Games > Chess"),
        ("Chess", "Toys > Games > Chess"),
        ("stiefel", "boots"),
        ("SCHUHE > Stiefel", "boots"),
        ("TV", "tv"),
        ("all > TV", None),
        ("Shirts", None),
        ("gone", None),
        ("Boot", None),
        ("Home > Apparel > Shoes > Boots", None),
        ("Boots, Sale", None),
        ("", None),
        (" > ", None),
    ],
)
def test_a_name_is_a_category_if_it_differs_in_form_alone(delivered: str, code: str | None) -> None:
    assert resolve(delivered) == code


def test_codes_that_differ_in_case_alone_are_found_only_as_they_are() -> None:
    rows = [TaxonomyRow(code, code, code, "all") for code in ("bag", "Bag")]
    index = CategoryIndex(rows, {}, Separators(), "all")
    assert [index.resolve(name) for name in ("bag", "Bag", "BAG")] == ["bag", "Bag", None]


@pytest.mark.parametrize(
    ("delivered", "code"),
    [
        ("Sale, Apparel > Shoes > Boots", "boots"),
        ("Boots, Apparel > Shoes > Boots > Trail Boots, Sale", "trail-boots"),
        ("Stiefel, Watches", "boots"),  # boots lie deeper
        ("Women > Shirts, Men > Shirts", "women-shirts"),  # the first of equally deep ones
        ("Sale, New", None),
    ],
)
def test_of_several_categories_the_deepest_counts(delivered: str, code: str | None) -> None:
    assert resolve(delivered, category=",") == code


def test_a_name_that_contains_the_separator_is_one_name() -> None:
    rows = [TaxonomyRow("a", "Bags, Cases", "a", "all"), TaxonomyRow("b", "Bags", "b", "all")]
    assert CategoryIndex(rows, {}, Separators(","), "all").resolve("bags, cases") == "a"


def test_a_separator_with_a_backslash_before_it_is_part_of_a_name() -> None:
    rows = [TaxonomyRow("a", "Hats, Caps & Gloves", "Clothing", "all"), TaxonomyRow("b", "Sale", "b", "all")]
    index = CategoryIndex(rows, {}, Separators(","), "all")
    assert index.split("Sale, Clothing > Hats\\, Caps &amp; Gloves") == ["Sale", " Clothing > Hats, Caps & Gloves"]
    assert index.resolve("Sale, Clothing > Hats\\, Caps &amp; Gloves") == "a"


def test_paths_may_have_another_separator() -> None:
    assert resolve("Apparel/Shoes/Boots") is None
    assert resolve("Apparel/Shoes/Boots", path="/") == "boots"


def test_paths_are_split_at_the_usual_separators() -> None:
    assert split_path("Home &amp; Garden  >  Pots >> Clay >") == ["Home & Garden", "Pots", "Clay"]
    assert split_path("Men/Women | Coats / Long") == ["Men/Women | Coats / Long"]
    assert split_path("Men/Women | Coats", " | ") == ["Men/Women", "Coats"]
    assert category_key("Straße >Ⅷ") == "strasse > viii"


def test_a_circle_of_parents_is_found() -> None:
    assert find_cycle({"a": "b", "b": "c", "c": "c", "d": "group"}) == []
    assert find_cycle({"x": "a", "a": "b", "b": "c", "c": "a"}) == ["a", "b", "c", "a"]
