from __future__ import annotations

import json

import pytest

from udfs.json_values import json_values

ROW = {
    "id": 12345678901234567890,
    "price": {"amount": 0.10, "currency": "EUR", "net": None},
    "images": [{"uri": "a.jpg", "size": 1}, {"size": 2}, {"uri": "b.jpg"}],
    "variants": [{"images": [{"uri": "c.jpg"}]}, {"images": []}],
    "categories": ["Shoes > Boots"],
    "new": True,
    "twins": {"Name": None, "name": 2, "KIND": "large", "kind": "small"},
    "a": {"b": {"c": 'é"'}},
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("id", ["12345678901234567890"]),
        ("price.amount", ["0.10"]),
        ("price.net", None),
        ("Price.AMOUNT", ["0.10"]),
        ("a.b.C", ['é"']),
        ("twins.name", ["2"]),
        ("twins.Name", ["2"]),
        ("twins.kind", ["small"]),
        ("price.gross", None),
        ("price.amount.cents", None),
        ("images.uri", ["a.jpg", "b.jpg"]),
        ("variants.images.uri", ["c.jpg"]),
        ("categories", ["Shoes > Boots"]),
        ("new", ["true"]),
        ("a", ['{"b": {"c": "é\\""}}']),
        ("a.b.c", ['é"']),
        ("ID", ["12345678901234567890"]),
    ],
)
def test_values_are_found_through_objects_and_lists(path: str, values: list[str] | None) -> None:
    text = json.dumps(ROW).replace("0.1,", "0.10,")
    assert json_values(text, [path.split(".")]) == [values]


def test_half_a_character_is_replaced() -> None:
    assert json_values(r'{"a": "caf\u00e9 \ud83d\ude00 \ud83d", "b": {"c": "\ude00"}}', [["a"], ["b"]]) == [
        ["café 😀 \ufffd"],
        ['{"c": "\ufffd"}'],
    ]


@pytest.mark.parametrize("text", [None, "", "[", '{"a": 1', "null", "7", '"a"', "[" * 100_000])
def test_what_is_no_object_has_no_values(text: str | None) -> None:
    assert json_values(text, [["a"], ["b"]]) == [None, None]
