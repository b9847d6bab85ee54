"""What a notebook shows: alt text for every figure, its text folded below it, tables and results that keep columns."""

import ast
import html
import re
from pathlib import Path

import numpy as np
import pytest

from minigooglenet import console, figures, viz
from minigooglenet.counting import count
from minigooglenet.course import handout
from minigooglenet.exercises import check
from minigooglenet.layers import Conv2d

PACKAGE = Path(console.__file__).parent
SOURCES = handout.sources()


def _code(path):
    """Return the code cells of a lesson's source."""
    cells = re.split(r"(?m)^# %%", path.read_text(encoding="utf-8"))[1:]
    return [cell.partition("\n")[2] for cell in cells if not cell.startswith(" [markdown]")]


def _shown(figure):
    bundle, metadata = figure._repr_mimebundle_()
    return bundle, metadata["image/png"]["alt"]


def test_a_figure_has_alt_text_as_metadata_and_in_html():
    figure, text = viz.bar_chart({"a <b>": 1.0, "c": 3.0}, "million MAC")
    bundle, alt = _shown(figure)
    assert alt == figure._repr_png_()[1]["alt"] == text.splitlines()[0]
    assert re.search(r'<img alt="([^"]*)"', bundle["text/html"]).group(1) == html.escape(alt)
    assert set(bundle) == {"text/html", "image/png", "text/plain"}


def test_the_text_form_is_folded_below_the_figure_and_is_what_a_console_shows():
    figure, text = viz.pictures({"<ramp>": np.arange(9.0).reshape(3, 3)})
    bundle, _ = _shown(figure)
    image, folded = bundle["text/html"].split("<details>")
    assert image.startswith("<img")
    assert html.escape(text) in folded
    assert bundle["text/plain"] == text


def test_alt_text_is_words_without_the_drawing_and_not_endless():
    figure, _ = viz.line_chart({"loss": (range(3), [3.0, 2.0, 1.0])}, "step", "loss")
    assert _shown(figure)[1] == "lines of loss against step; loss: from 3 to 1, largest 3 at step 0"
    many, _ = viz.pictures({f"a map called {i}": np.zeros((2, 2)) for i in range(40)})
    assert len(_shown(many)[1]) <= figures.MOST_ALT + 3
    assert "\n" not in _shown(many)[1]


def test_a_figure_without_text_is_still_an_image():
    figure, _ = figures.new(2, 2)
    bundle, alt = _shown(figure)
    assert alt == ""
    assert "<details>" not in bundle["text/html"]


def test_every_function_that_returns_a_figure_and_its_text_describes_it():
    bare = []
    for path in set(PACKAGE.rglob("*.py")) - {PACKAGE / "figures.py"}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Return(ast.Tuple([ast.Name("figure"), other, *_])) if getattr(other, "id", "") != "axes":
                    bare.append(f"{path.name}:{node.lineno}")
    assert bare == [], "return figures.described(figure, text)"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_lesson_prints_the_text_of_a_figure_that_it_shows(path):
    both = [cell for cell in _code(path) if re.search(r"(?m)^ *print\(text", cell) and cell.rstrip().endswith("figure")]
    assert both == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_lesson_prints_a_table_that_a_notebook_would_show(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?m)^print\((?:counted|\S*table\(.*\)|\S*compare_steps\(.*\))\)$", text) == []


def test_a_table_is_html_with_columns_aligned_by_their_headings():
    table = console.Table("T", ("name", ">shape", ">n"), [("a", (3, 4), 5)], total=("total", "", 5))
    page = table._repr_html_()
    assert re.findall(r"text-align:(left|right)[^>]*>([^<]*)</t[hd]", page) == [
        *(("left", "name"), ("right", "shape"), ("right", "n")),
        *(("left", "a"), ("right", "3x4"), ("right", "5")),
        *(("left", "total"), ("right", ""), ("right", "5")),
    ]


def test_text_of_a_table_is_made_without_showing_anything_in_a_notebook(monkeypatch):
    rich = pytest.importorskip("rich.console")
    monkeypatch.setattr(rich, "_is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *shown: pytest.fail("it was displayed"))
    assert "| a" in str(console.Table("T", ("name", ">n"), [("a", 5)]))


def test_what_is_wider_than_a_phone_scrolls():
    counted = count(Conv2d(3, 8, 3), (3, 8, 8))
    for page in (counted._repr_html_(), counted.table()._repr_html_(), console.monospaced("a")):
        assert "overflow-x:auto" in page


def test_a_result_keeps_its_columns_whatever_the_page_prescribes():
    page = check("00.1", lambda x, i, j, k: x[i : i + k, j : j + k].sum() / k)._repr_html_()
    styles = re.findall(r'<(?:div|table|pre) style="([^"]*)"', page)
    assert len(styles) == 3
    assert all("font-family:monospace" in style for style in styles)
    assert re.findall(r"<th[^>]*>([^<]*)</th>", page) == ["WHAT", "LOOKS LIKE", "TRY"]
    assert "white-space:pre;" in styles[2]


def test_a_result_is_escaped():
    page = check("00.1", lambda x, i, j, k: (_ for _ in ()).throw(ValueError("<script>")))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_html_keeps_words_whole_where_pages_break_lines_inside_them():
    assert "word-break:normal" in console.WRAPPING
    for page in (console.monospaced(""), console.Table("T", ("a",))._repr_html_()):
        assert console.WRAPPING in page
