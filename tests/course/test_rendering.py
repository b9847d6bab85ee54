"""What a notebook shows: alt text for every figure, its text folded below it, tables and results that keep columns."""

import ast
import html
import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from minigooglenet import console, figures, viz
from minigooglenet.counting import count
from minigooglenet.course import handout
from minigooglenet.course.grading import page
from minigooglenet.exercises import check, compare
from minigooglenet.exercises.result import Result
from minigooglenet.gradcheck.teaching import ucurve
from minigooglenet.layers import Conv2d
from minigooglenet.lessons.lesson_00_start import drawing
from minigooglenet.lessons.lesson_07_inception import drawing as inception_drawing
from minigooglenet.lessons.lesson_09_starts import drawing as starts_drawing
from minigooglenet.training import Epoch, Step

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
    assert alt == figure._repr_png_()[1]["alt"] == "bar chart of million MAC; a <b>: 1; c: 3"
    assert text.splitlines()[0] == "bar chart, 2 bars, million MAC; the longest is c with 3"
    assert re.search(r'<img alt="([^"]*)"', bundle["text/html"]).group(1) == html.escape(alt)
    assert set(bundle) == {"text/html", "image/png", "text/plain"}


def test_the_text_form_is_folded_below_the_figure_and_is_what_a_console_shows():
    figure, text = viz.images({"<ramp>": np.arange(9.0).reshape(3, 3)})
    bundle, _ = _shown(figure)
    image, folded = bundle["text/html"].split("<details>")
    assert "<img" in image
    assert html.escape(text) in folded
    assert bundle["text/plain"] == text


def test_alt_text_is_words_without_the_drawing_and_not_endless():
    figure, _ = viz.line_chart({"loss": (range(3), [3.0, 2.0, 1.0])}, "step", "loss")
    assert _shown(figure)[1] == "lines of loss against step; loss: from 3 to 1, largest 3 at step 0"
    many, _ = viz.images({f"a map called {i}": np.zeros((2, 2)) for i in range(40)})
    assert len(_shown(many)[1].split()) <= figures.MOST_ALT == 50
    assert _shown(many)[1].endswith("; and 36 more")
    figure, _ = figures.described(figures.new(2, 2)[0], "word " * 60)
    assert _shown(figure)[1] == "word " * 50 + "..."


def test_alt_text_of_images_says_how_many_they_are_how_large_and_where_the_largest_value_is():
    ramp = np.arange(6.0).reshape(2, 3)
    figure, _ = viz.images({"ramp": ramp, "flat": np.ones((2, 2)), "photo": np.zeros((4, 5, 3))})
    told = "3 images: ramp, 2 x 3, from 0 to 5 in row 1, column 2; flat, 2 x 2, 1 everywhere; photo, 4 x 5 in colour"
    assert _shown(figure)[1] == told


def test_alt_text_of_a_few_bars_has_every_value_and_that_of_many_the_extremes():
    assert _shown(viz.bar_chart({"a": 1.0, "b": 3.0}, "MAC")[0])[1] == "bar chart of MAC; a: 1; b: 3"
    many = _shown(viz.bar_chart({f"n{i}": float(i) for i in range(1, 10)}, "MAC")[0])[1]
    assert many == "bar chart, 9 bars, MAC; the longest is n9 with 9; the shortest is n1 with 1"


def _alts():
    """Return {function: alt text} of the figures about training, gradients and testing."""
    norms = {"conv1": 0.25, "conv2": 0.5, "loss": 2.0}
    steps = [Step(i, 3, 3.0 - i, 0.1 * i) for i in range(3)]
    drawn = {
        "training_curve": viz.training_curve(steps, [Epoch(0, 2.0, 0.1, 1.5, 0.4, 1.0)]),
        "confusion_matrix": viz.confusion_matrix(np.array([[3, 1], [0, 4]])),
        "gradient_norms": viz.gradient_norms(norms),
        "gradient_flow": viz.gradient_flow({"plain": norms}),
        "gradients_over_time": viz.gradients_over_time({name: [(0, norm), (1, 1.0)] for name, norm in norms.items()}),
        "ucurve": ucurve(Conv2d(1, 1, 1), (1, 2, 2)),
        "bottleneck_costs": inception_drawing.bottleneck_costs(8, 8, 3, 4, 2)[:2],
        "log_points": starts_drawing.log_points({"a": 1e-7, "b": 2.0}, "length"),
    }
    return {name: figure.alt_text for name, (figure, _) in drawn.items()}


def test_alt_text_has_numbers_and_neither_a_heading_alone_nor_the_rows_of_a_table():
    for name, alt in _alts().items():
        assert sum(character.isdigit() for character in alt) >= 3, name
        assert not re.search(r":$|\||\*|rows? {2}", alt), name
    assert _alts()["gradient_norms"].endswith("input first: conv1 0.25, loss 2")


def test_the_figures_of_the_primer_say_what_can_be_seen():
    figure, _ = drawing.descent(lambda w: (w - 2) ** 2, [0.0, 1.0], -1, 4)
    assert "lowest near w = 2" in _shown(figure)[1]
    assert "2 points" in _shown(figure)[1]
    figure, _ = drawing.chain(["y = w x"], ["x", "y"], ["dx", "dy"])
    assert _shown(figure)[1] == "boxes in a row. forward: x -> [ y = w x ] -> y backward: dx <- dy"


def test_on_a_narrow_page_a_figure_scrolls_before_its_letters_are_too_small_to_read():
    figure, _ = figures.described(figures.new(10, 2)[0], "wide")
    scroller, style = re.findall(r'style="([^"]*)"', _shown(figure)[0]["text/html"])[:2]
    assert "overflow-x:auto" in scroller
    assert "max-width:100%;min-width:600px" in style
    assert "min-width:600px" in page.figure(figure, "wide")


@pytest.mark.parametrize("arrays", [{"flat": np.zeros((3, 4))}, {"tall": np.zeros((9, 1)), "a title " * 6: np.eye(4)}])
def test_titles_of_images_are_inside_the_figure_and_apart_from_each_other(arrays):
    figure, _ = viz.images(arrays, inches=2.4)
    figure.canvas.draw()
    boxes = [axis.title.get_window_extent() for axis in figure.axes if axis.get_title()]
    width, height = figure.canvas.get_width_height()
    assert all(box.x0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_bars_fill_the_height_of_their_chart():
    figure, _ = viz.bar_chart({f"n{i}": 1.0 for i in range(60)}, "MAC")
    assert figure.axes[0].get_ylim() == (59.6, -0.6)


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
    for shown in (counted._repr_html_(), counted.table()._repr_html_(), console.monospaced("a")):
        assert "overflow-x:auto" in shown


def test_printed_lines_in_html_start_where_everything_else_does():
    assert "margin:0;padding:0" in console.monospaced("a")


def test_the_tables_of_a_count_start_at_one_place_whether_they_fold_or_not():
    shown = count(Conv2d(3, 8, 3), (3, 8, 8))._repr_html_()
    heading, _, nodes, total = re.findall(r'<table style="[^"]*?margin:([^;"]*)[^>]*"', shown)
    assert heading == nodes == total == "0 0 0 16px"
    assert '<summary style="list-style-position:outside;margin-left:16px"><table' in shown
    assert re.search(r'<summary[^>]*><table style="[^"]*margin:0"', shown)


def test_a_result_keeps_its_columns_whatever_the_page_prescribes():
    page = check("00.1", lambda x, i, j, k: x[i : i + k, j : j + k].sum() / k)._repr_html_()
    styles = re.findall(r'<(?:div|table|pre) style="([^"]*)"', page)
    assert len(styles) == 3
    assert all(f"font-family:monospace;font-size:{console.CODE_SIZE}" in style for style in styles)
    assert re.findall(r"<th[^>]*>([^<]*)</th>", page) == ["WHAT", "LOOKS LIKE", "TRY"]
    assert "white-space:pre;" in styles[2]


def test_the_rows_of_an_input_are_below_each_other():
    x = np.array([[5.0, 5.0], [10.0, 2.0]])
    result = Result("1", "wrong", inputs={"x": x, "k": np.arange(2)}, expected=np.float64(1), got=np.float64(2))
    assert "  x = array (2, 2) float64\n    [[ 5.,  5.],\n     [10.,  2.]]\n  k = array (2,) int64 [0, 1]" in str(
        result
    )


def test_the_image_of_a_difference_tells_how_many_values_differ_and_where():
    expected, got = np.zeros((4, 5)), np.zeros((4, 5))
    got[1:3, 4] = 1
    alt = re.search(r'<img alt="([^"]*)"', Result("1", "wrong", expected=expected, got=got)._repr_html_()).group(1)
    assert alt.endswith("2 of 20 values differ, in rows 1 to 2 and columns 4 to 4")


def test_short_cells_of_a_table_stay_on_one_line():
    page = console.Table(
        "T", ("name", "meaning"), [("64 x 112 x 112", "a sentence that may well be broken")]
    )._repr_html_()
    assert re.findall(r"white-space:([\w-]+)[^>]*>(64|a )", page) == [("pre", "64"), ("pre-line", "a ")]


def test_numbers_with_their_interval_stay_on_one_line_and_the_title_of_a_wide_table_is_broken():
    shown = console.Table("T", (">change",), [("+11.00 (-18.43 to -3.14) *",)])._repr_html_()
    assert 'white-space:pre">+11.00' in shown
    assert '<caption style="text-align:left"><div style="max-width:75vw">T</div></caption>' in shown


def test_code_that_compare_shows_scrolls_instead_of_being_broken_into_lines():
    check("00.1", lambda x, i, j, k: x[i : i + k, j : j + k].mean())
    code, sentence = compare("00.1")._repr_html_().split("</pre>")
    assert "white-space:pre;" in code
    assert "def mean_of_window" in code
    assert sentence.startswith("<p>On the test cases: your code takes")


def test_a_result_is_escaped():
    page = check("00.1", lambda x, i, j, k: (_ for _ in ()).throw(ValueError("<script>")))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_html_keeps_words_whole_where_pages_break_lines_inside_them():
    assert "word-break:normal" in console.WRAPPING
    for shown in (console.monospaced(""), console.Table("T", ("a",))._repr_html_()):
        assert console.WRAPPING in shown
