"""Former categories in a taxonomy file."""

from __future__ import annotations

import pytest

from jobs.ingestion.replaced import divide_replaced


def row(category: str, replaced_by: str | None = None, parent: str | None = None) -> dict[str, str | None]:
    return {"category": category, "parent": parent, "replaced_by": replaced_by}


def test_former_categories_lead_to_the_newest_and_their_children_move() -> None:
    rows = [row("hats", "caps"), row("caps", " headwear "), row("headwear"), row("berets", parent="hats")]
    kept, successors = divide_replaced(rows)
    assert successors == {"hats": "headwear", "caps": "headwear"}
    assert [(each["category"], each["parent"]) for each in kept] == [("headwear", None), ("berets", "headwear")]


def test_a_file_without_the_column_replaces_nothing() -> None:
    rows: list[dict[str, str | None]] = [{"category": "hats"}, {"category": "caps", "replaced_by": " "}]
    assert divide_replaced(rows) == (rows, {})


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
        divide_replaced(rows)
