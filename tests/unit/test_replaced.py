"""Former categories in a taxonomy file."""

from __future__ import annotations

import pytest

from jobs.ingestion.replaced import find_former_names, find_successors
from jobs.ingestion.taxonomies import validate_taxonomy


def row(category: str, replaced_by: str | None = None, parent: str | None = None) -> dict[str, str | None]:
    return {"category": category, "parent": parent, "replaced_by": replaced_by}


def test_former_categories_lead_to_the_newest_and_their_children_move() -> None:
    rows = [row("hats", "caps"), row("caps", " headwear "), row("headwear"), row("berets", parent="hats")]
    successors = find_successors(rows)
    assert successors == {"hats": "headwear", "caps": "headwear"}
    kept = validate_taxonomy(rows, successors)
    assert [(each[0], each[2]) for each in kept] == [("berets", "headwear"), ("headwear", "headwear")]


def test_a_fault_of_a_category_names_its_row_of_the_file() -> None:
    rows = [row("hats", "headwear"), row("headwear"), row("")]
    with pytest.raises(ValueError, match="row 3 has no category"):
        validate_taxonomy(rows, find_successors(rows))


def test_a_file_without_the_column_replaces_nothing() -> None:
    rows: list[dict[str, str | None]] = [{"category": "hats"}, {"category": "caps", "replaced_by": " "}]
    assert find_successors(rows) == {}
    assert [each[0] for each in validate_taxonomy(rows)] == ["caps", "hats"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row("hats", "caps")], "category 'hats' is replaced by 'caps', which is no category of the file"),
        ([row("hats", "caps"), row("caps", "hats")], "category 'hats' is replaced in a circle: hats > caps > hats"),
        ([row("hats", "hats")], "category 'hats' is replaced in a circle: hats > hats"),
        (
            [row("hats", "caps"), row("hats"), row("caps")],
            "row 1: category 'hats' is replaced by 'caps', but another row",
        ),
        ([row("a", "b"), row("a", "c"), row("b"), row("c")], "row 2: category 'a' is replaced by 'b' and by 'c'"),
        ([row("", "caps"), row("caps")], "row 1 has no category"),
    ],
)
def test_what_cannot_be_followed_is_an_error(rows: list[dict[str, str | None]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_successors(rows)


def test_the_label_of_a_former_category_stands_for_the_one_that_has_taken_its_place() -> None:
    rows = [
        row("1") | {"label": "Shoes"},
        row("2") | {"label": "Boots"},
        row("3", "1") | {"label": "Trainers "},
        row("4", "3") | {"label": "Plimsolls"},
        row("5", "2") | {"label": "shoes"},
        row("6", "1") | {"label": "Sandals"},
        row("7", "2") | {"label": "Sandals"},
        row("8", "2") | {"label": "2"},
        row("9", "2"),
    ]
    found = find_former_names(rows, find_successors(rows), "all")
    assert found == {"Trainers": "1", "Plimsolls": "1"}, "names of others, and of several, are left out"


def test_a_path_with_a_former_category_stands_for_the_one_that_has_taken_its_place() -> None:
    def placed(category: str, label: str, parent: str, replaced_by: str = "") -> dict[str, str | None]:
        of_shop = {"department": "Fashion", "label": label}
        return row(category, replaced_by or None, parent) | of_shop

    rows = [
        placed("shoes", "Shoes", "shoes"),
        placed("footwear", "Footwear", "footwear", "shoes"),
        placed("sneakers", "Sneakers", "shoes"),
        placed("trainers", "Trainers", "footwear", "sneakers"),
        placed("boots", "Boots", "footwear"),
        placed("boots2", "Boots", "shoes", "sneakers"),
    ]
    # The labels alone differ from the codes only in case, so the codes stand for them.
    assert find_former_names(rows, find_successors(rows), "all") == {
        "Fashion > Footwear": "shoes",
        "Footwear > Trainers": "sneakers",
        "Fashion > Footwear > Trainers": "sneakers",
        # The category itself has stayed, but not the one above it. Shoes > Boots is its path today.
        "Footwear > Boots": "boots",
        "Fashion > Footwear > Boots": "boots",
    }
