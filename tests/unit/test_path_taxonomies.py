from __future__ import annotations

from jobs.ingestion.path_taxonomies import new_categories, rows_of_paths
from udfs.categories import CategoryIndex, Separators, TaxonomyRow


def added(names: dict[str, int], *known: str, category: str | None = None, path: str | None = None) -> dict[str, int]:
    rows = [TaxonomyRow(name, name, name, "all") for name in known]
    return new_categories(names, CategoryIndex(rows, {}, Separators(category, path), "all"))


def test_spellings_of_a_path_are_one_category_and_the_most_frequent_is_its_name() -> None:
    names = {"Clothing>Tops": 2, "Clothing &gt;  Tops": 3, "clothing > tops": 1, "Clothing": 4}
    assert added(names) == {"Clothing > Tops": 6, "Clothing": 4}


def test_what_the_taxonomy_has_is_not_added() -> None:
    assert added({"Tops": 2, "tops ": 1, "Hats": 1}, "tops") == {"Hats": 1}


def test_of_several_categories_in_a_value_the_longest_path_is_added() -> None:
    names = {"Sale, Clothing > Tops": 2, "Clothing > Tops, New": 1, "Sale": 1}
    assert added(names, category=",") == {"Clothing > Tops": 3, "Sale": 1}


def test_a_longer_path_is_added_although_the_taxonomy_has_another_category_of_the_value() -> None:
    names = {"Sale, Clothing > Tops": 2, "Sale": 1}
    assert added(names, "Sale", category=",") == {"Clothing > Tops": 2}
    assert added(names, "Sale", "Clothing > Tops", category=",") == {}


def test_a_path_may_have_another_separator() -> None:
    assert added({"Clothing/Tops": 2}, path="/") == {"Clothing > Tops": 2}


def test_label_parent_and_department_come_from_the_path() -> None:
    assert rows_of_paths(["Clothing", "Clothing > Tops", "Clothing > Tops > Long", "Gifts"], set()) == [
        ("Clothing", "Clothing", "Clothing", "Clothing", False),
        ("Clothing > Tops", "Tops", "Clothing", "Clothing", False),
        ("Clothing > Tops > Long", "Long", "Clothing > Tops", "Clothing", False),
        ("Gifts", "Gifts", "Gifts", "all", False),
    ]
    assert rows_of_paths(["Gifts"], {"Gifts"}) == [("Gifts", "Gifts", "Gifts", "Gifts", False)]
