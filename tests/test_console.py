"""Tables for every console."""

import io

import pytest
from rich.console import Console

from minigooglenet import console


def _table():
    table = console.Table("Title", ("name", ">count"), notes=["a note"], total=("total", 3000))
    table.rows += [("a [b] <c>", 1000), ("b", 2000)]
    return table


def test_table_as_text_is_ascii_and_aligned():
    lines = str(_table()).splitlines()
    assert str(_table()).isascii()
    assert next(line for line in lines if "[b]" in line).split("|")[2].strip() == "1,000"
    assert any("total" in line and "3,000" in line for line in lines)
    assert lines[-1] == "a note"


def test_table_as_html_escapes_what_it_shows():
    page = _table()._repr_html_()
    assert "a [b] &lt;c&gt;" in page
    assert "3,000" in page


def test_console_that_knows_only_ascii_shows_tables_and_progress():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    out = Console(file=stream, force_terminal=True, width=80)
    out.print(_table())
    with console.progress(out) as bar:
        bar.update(bar.add_task("working", total=2, status="half"), completed=1)
        bar.refresh()
    stream.flush()
    assert b"working" in stream.buffer.getvalue()


def test_cells_read_as_people_write_them():
    cells = (1234567, 2.5, (64, 112, 112), True, False, None, "x")
    assert [console.text(cell) for cell in cells] == ["1,234,567", "2.50", "64x112x112", "yes", "no", "", "x"]


def test_narrow_terminal_does_not_truncate_numbers():
    stream = io.StringIO()
    wide = console.Table("T", ("name", *(f">column {i}" for i in range(8))), [("row", *([123_456_789] * 8))])
    console.show(Console(file=stream, width=40), wide)
    assert stream.getvalue().count("123,456,789") == 8


@pytest.mark.parametrize("width", [30, 60, 200])
def test_wide_tables_are_shown_in_parts_that_fit(width):
    stream = io.StringIO()
    columns = ("name", *(f">column {i}" for i in range(8)))
    rows = [("first", *range(8)), ("second", *range(8, 16))]
    console.show(Console(file=stream, width=width), console.Table("T", columns, rows, ["A note of some words."]))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    parts = sum("column" in line for line in lines)
    assert (parts > 1) == (width < 200)
    assert sum(line.split()[:1] == ["first"] for line in lines) == parts  # every part has its first column
    assert all(stream.getvalue().count(f"column {i}") == 1 for i in range(8))


@pytest.mark.parametrize("width", [40, 60, 100])
def test_progress_keeps_its_numbers_at_any_width(width):
    stream = io.StringIO()
    with console.progress(Console(file=stream, force_terminal=True, width=width, color_system=None)) as bar:
        status = "loss 2.123, accuracy 43%, 1,234 images/s"
        bar.update(bar.add_task("training", total=2250, status=""), completed=125, status=status)
        bar.refresh()
    assert "125/2250" in stream.getvalue()
    assert "training" in stream.getvalue()


@pytest.mark.parametrize(
    "name", ["Zo\u00eb", "\u738b", "\u0627\u0633\u0645", "e\u0301", "\u0939\u093f", "a b", "\ufffd"]
)
def test_printable_keeps_ordinary_names(name):
    assert console.printable(name) == name


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\tb\nc\r", r"a\tb\nc\r"),
        ("\x9b1A", r"\x9b1A"),
        ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
        ("\u202ecod.exe", r"\u202ecod.exe"),
        ("\u2066a\u2069\u061c", r"\u2066a\u2069\u061c"),
        ("\u3164\u115f\ufe0f", r"\u3164\u115f\ufe0f"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff", r"\udcff"),
    ],
)
def test_printable_escapes_invisible_characters(text, escaped):
    assert console.printable(text) == escaped
    assert console.printable(console.printable(text)) == escaped


def test_console_and_a_table_show_names_as_escapes(capsys):
    name = "\x1b]0;owned\x07\u202e"
    console.stdout().print(f"{name}\nline", markup=False)
    table = console.Table(name, (name,), [(name,)], notes=[name], total=(name,))
    console.show(console.stdout(), table)
    with console.progress(console.stdout()) as bar:
        bar.add_task("task", status=name)
    shown = capsys.readouterr().out + table._repr_html_() + str(table)
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert r"\x1b]0;owned\x07\u202e" in shown
