"""Quotes that are not closed are noticed; all other rows are counted."""

from __future__ import annotations

import io

import pytest

from jobs.ingestion.csv_check import CsvContent, CsvForm, UnclosedQuoteError, check_csv
from jobs.ingestion.dialects import find_delimiter

HEADER = "id,title,price\r\n"
ROWS = "".join(f"{i},title {i},3\r\n" for i in range(2, 200))


def check(text: str, form: CsvForm | None = None) -> CsvContent:
    return check_csv(io.StringIO(text, newline=""), form or CsvForm(), 300)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (HEADER, 0),
        (HEADER + ROWS, 198),
        ("\r\n\r\n" + HEADER + '1,"a\nb",3\r\n\r\n2,"say ""b""",3', 2),
        (HEADER + '1,"lines\n\nof, a, text\nwith, many, commas, in\nit",3\r\n', 1),
        (HEADER + '1,5" nail,3\r\n2,"a"b,3\r\n', 2),
        (HEADER + '1,"' + "line\n" * 250 + '",3\r\n', 1),
    ],
)
def test_rows_are_counted(text: str, rows: int) -> None:
    found = check(text)
    assert (found.header, found.rows, found.blank) == (
        ("id", "title", "price"),
        rows,
        2 if text.startswith("\r") else 0,
    )


@pytest.mark.parametrize(
    "text",
    [
        HEADER + '1,"a,3\r\n' + ROWS,
        HEADER + '1,"a,3\r\n2,b,3\r\n',
        HEADER + '1,"a,3\r\n2,b,3\r\n3,c,3\r\n4,d,3\r\n5,e,3\r\n6,f",3\r\n',
        HEADER + '1,"a,3\r\n2,"b",3\r\n3,"c",3\r\n',
        HEADER + '1,"a' + "\nline" * 400 + '",3\r\n',
    ],
)
def test_a_quote_that_is_not_closed_is_named_by_its_line(text: str) -> None:
    with pytest.raises(UnclosedQuoteError, match="line 2: the quote before 'a"):
        check(text)
    with pytest.raises(UnclosedQuoteError, match="line 4: the quote before 'a"):
        check(text.replace(HEADER, HEADER + '8,"two\nlines",3\r\n'))


def test_a_backslash_before_a_quote_is_read_if_it_is_said() -> None:
    text = HEADER + '1,"say \\"b\\",\nand c",3\r\n2,x,3\r\n'
    assert check(text, CsvForm(quotes="backslash")).rows == 2
    assert check(text).rows == 3, "two of them have too few values"


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["listing_id;title\n", "1;a,b\n"], ";"),
        (["title\tlisting_id\n"], "\t"),
        (["\n", '"listing_id"|"a,b"\n', "1|2\n"], "|"),
        (["listing_id\n", "1\n"], ","),
        (["id;title\n", "1;a\n", "2;b\n"], ";"),
        (["id;title,x\n", "1;a,b\n", "2;b,c\n"], None),
        (["a;b\n", "1,5;2\n", "1;2\n"], ";"),
        ([], ","),
    ],
)
def test_the_delimiter_is_found_where_it_is_sure(lines: list[str], delimiter: str | None) -> None:
    assert find_delimiter(lines, {"listing_id"}, quotes="doubled") == delimiter


def test_lines_of_a_value_that_look_like_rows_of_the_file_are_doubtful() -> None:
    doubtful = check(HEADER + ROWS + '200,"a,3\n201,b,3\n202,c",3\r\n203,d,4\r\n').doubtful
    assert doubtful == ((201, "201,b,3"), (202, '202,c",3'))
    texts = ["with, some, commas", "36, 38, 40", "40 cm, red, 3", "40, red", "40, red, 3 cm"]
    for text in texts:
        assert check(HEADER + ROWS + f'200,"a\n{text}\nb",3\r\n').doubtful == (), text
    assert check(HEADER + f'1,"a\n{texts[0]}\n{texts[0]}\nb",c\r\n2,d,e\r\n').doubtful == (), "no numbers"


def test_lines_of_values_that_look_like_rows_with_a_time_are_lost_rows() -> None:
    """A stray quote opens a value, and the next one closes it a few rows later."""
    rows = [f"A{number},screen,{number} inches wide,2026-01-{number:02d}\n" for number in range(1, 29)]
    header = "listing_id,title,description,updated_at\n"
    assert check(header + "".join(rows)).rows == 28
    lost = rows.copy()
    for first in (4, 12):
        lost[first] = lost[first].replace("screen", '"screen')
        lost[first + 2] = lost[first + 2].replace("screen", 'screen"')
    message = (
        "^line 6: the quote before 'screen,5 inches wide,2026-01-05' is probably not closed: lines within quoted "
        "values that look like rows: 4, the first is line 7: 'A6,screen,6 inches wide,2026-01-06'"
    )
    with pytest.raises(UnclosedQuoteError, match=message):
        check(header + "".join(lost))
    with pytest.raises(UnclosedQuoteError, match="look like rows: 2, the first is line 7"):
        check(header + "".join(lost[:10]))
    text = 'A7,"one, two\nand, three, four, five\nand, six, 2026-01-07, seven",a,2026-01-07\n'
    assert check(header + "".join(rows) + text * 9).doubtful == ()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_texts_over_several_lines_in_the_first_column_are_no_lost_rows(end: str) -> None:
    """The last line of such a value is followed by all others of its row, as if it were a row."""
    rows = "".join(f"warm boots,{number},3.5,2026-01-02{end}" for number in range(9))
    texts = "".join(f'"soft{end}and warm",{number},3.5,2026-01-02{end}' for number in range(10, 19))
    found = check(f"description,listing_id,price,updated_at{end}{rows}{texts}")
    assert (found.rows, found.doubtful) == (18, ())
    lost = f'"soft,30,3.5,2026-01-02{end}light,31,3.5,2026-01-02{end}warm",32,3.5,2026-01-02{end}'
    with pytest.raises(UnclosedQuoteError, match=r"^line 21: .* look like rows: 1, the first is line 22: 'light,31"):
        check(f"description,listing_id,price,updated_at{end}{rows}{texts[: len(texts) // 9 * 5]}{lost}")


def test_a_limit_ends_before_the_next_row() -> None:
    lines = ["\n", "id,title\n", '1,"a\n', 'b"\n', "\n", "2,c\n", "3,d\n"]
    read = [check_csv(lines, CsvForm(), 300, limit) for limit in (1, 2, 3)]
    assert [(content.rows, content.end) for content in read] == [(1, 5), (2, 6), (3, None)]
