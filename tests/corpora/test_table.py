"""Tables and their cells: an invalid row is reported and the others are read."""

import csv
import io

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from mien.corpora.columns import COLUMNS, column, misnamed
from mien.corpora.table import MAX_CELL, RowError, cell_value, read_table, to_float, to_int


def rows(text: str, lenient: bool = False) -> list[tuple[int, object]]:
    found = read_table(text, lenient=lenient).rows
    return [(line, str(r) if isinstance(r, RowError) else list(r.values())) for line, r in found]


def test_cells_with_line_breaks_and_quotation_marks() -> None:
    text = 'a,b\r\n1,"two\r\nlines, and ""marks"""\r\n\r\n3,4\r\n5\r\n'
    assert rows(text) == [(3, ["1", 'two\r\nlines, and "marks"']), (5, ["3", "4"]), (6, ["5"])]
    assert rows(text.replace("\r\n", "\r"))[1] == (5, ["3", "4"])


@examples(st.lists(st.lists(st.text("ab ,\"\r\n'é", max_size=6), min_size=3, max_size=3)))
def test_what_is_csv_is_read_as_python_reads_it(table: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["x", "y", "z"], *table])
    wanted = [row for row in csv.reader(io.StringIO(file.getvalue(), newline="")) if row][1:]
    for lenient in (False, True):
        assert [row for _, row in rows(file.getvalue(), lenient)] == wanted


def test_a_mark_that_is_never_closed_costs_one_line() -> None:
    text = 'a,b\n1,2\n3,"four\n5,6\n7,8\n'
    assert rows(text) == [
        (2, ["1", "2"]),
        (3, "is not CSV: unexpected end of data"),
        (4, ["5", "6"]),
        (5, ["7", "8"]),
    ]


def test_stray_marks_are_taken_as_they_stand_where_that_is_wanted() -> None:
    text = 'a,b\n1,"he said "no" there"\n2,"open\n3,4\n'
    assert [line for line, row in rows(text) if isinstance(row, str)] == [2, 3]
    assert rows(text, lenient=True) == [
        (2, ["1", 'he said no" there"']),
        (3, ["2", "open"]),
        (4, ["3", "4"]),
    ]


def test_odd_cells() -> None:
    long = "x" * (MAX_CELL + 1)
    assert rows(f"a,b\n1,{long}\n2,{long[1:]}\n3,\0\n4,\udcff\n5,6,7\n8,9\n") == [
        (2, f"is not CSV: field larger than field limit ({MAX_CELL})"),
        (3, ["2", long[1:]]),
        (4, "a cell holds zero bytes"),
        (5, "a cell is not UTF-8 text"),
        (6, "3 cells under 2 columns"),
        (7, ["8", "9"]),
    ]
    for header in (long, '"open', "a\0", "\udcff"):
        with pytest.raises(RowError):
            read_table(f"{header}\n1\n")


def test_names_of_columns() -> None:
    assert read_table("\ufeff a ,,\u200eb\n").names == ["a", "column 2", "b"]
    assert read_table("").names == []


@pytest.mark.parametrize(
    ("word", "number"),
    [("0", 0), (" 1.5 ", 1.5), ("+.5", 0.5), ("1e1", 10), ("2.", 2), ("0" * 300 + "7", 7)],
)
def test_numbers(word: str, number: float) -> None:
    assert to_float(word, "start") == number


@pytest.mark.parametrize(
    "word",
    [
        *("", "soon", "nan", "inf", "-1", "1_0", "0x1", "1,5", "١", "1e400", "9" * 400),
        *("9" * 10_000, "1e8", "1:30", "True", "--1", "1e", "." * 100_000, "1" * 100_000 + "x"),
    ],
)
def test_what_is_no_number(word: str) -> None:
    with pytest.raises(RowError, match=r"start is .*, not a number from 0 to") as caught:
        to_float(word, "start")
    assert len(str(caught.value)) < 120
    assert caught.value.kind == "start is not a number from 0 to 1e+07"
    with pytest.raises(RowError, match="not a whole number from 0 to 9"):
        to_int(word, "clip", high=9)


@examples(st.floats(allow_nan=True) | st.integers(), st.floats(-1e3, 0), st.floats(0, 1e3))
def test_limits_are_kept(value: float, low: float, high: float) -> None:
    if low <= value <= high:
        assert to_float(repr(value), "x", low, high) == value
    else:
        with pytest.raises(RowError):
            to_float(repr(value), "x", low, high)


@examples(st.text(max_size=100))
def test_any_table_is_read_to_its_end(text: str) -> None:
    try:
        names, found = read_table(text)
    except RowError:
        return
    lines = [line for line, row in found if isinstance(row, RowError) or set(row) <= set(names)]
    assert lines == sorted(set(lines)), "each line once, and none without an end"


@examples(st.text(max_size=30))
def test_a_cell_is_given_or_missing(word: str) -> None:
    cell = cell_value({"a": word}, "a")
    assert cell is None or cell == word.strip() != ""
    assert cell_value({}, "a") is None


def test_known_columns_are_never_called_wrong() -> None:
    assert misnamed([*COLUMNS, "room", "take", "age", "note", "corpus", "camera"]) == {}
    assert [column(name.upper().replace("_", " ")) for name in COLUMNS] == list(COLUMNS)
