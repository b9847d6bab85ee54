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


def test_figure_has_alt_text_in_metadata_and_html():
    figure, text = viz.bar_chart({"a <b>": 1.0, "c": 3.0}, "million MAC")
    bundle, alt = _shown(figure)
    assert alt == figure._repr_png_()[1]["alt"] == "bar chart of million MAC; a <b>: 1; c: 3"
    assert text.splitlines()[0] == "bar chart, 2 bars, million MAC; the longest is c with 3"
    assert re.search(r'<img alt="([^"]*)"', bundle["text/html"]).group(1) == html.escape(alt)
    assert set(bundle) == {"text/html", "image/png", "text/plain"}


def test_figure_text_is_folded_in_html():
    figure, text = viz.images({"<ramp>": np.arange(9.0).reshape(3, 3)})
    bundle, _ = _shown(figure)
    image, folded = bundle["text/html"].split("<details>")
    assert "<img" in image
    assert html.escape(text) in folded
    assert bundle["text/plain"] == text


def test_alt_text_has_no_drawing_and_a_limited_length():
    figure, _ = viz.line_chart({"loss": (range(3), [3.0, 2.0, 1.0])}, "step", "loss")
    assert _shown(figure)[1] == "line chart of loss against step; loss: from 3 to 1, largest 3 at step 0"
    many, _ = viz.images({f"a map called {i}": np.zeros((2, 2)) for i in range(40)})
    assert len(_shown(many)[1].split()) <= figures.MOST_ALT == 50
    assert _shown(many)[1].endswith("; and 36 more")
    figure, _ = figures.described(figures.new(2, 2)[0], "word " * 60)
    assert _shown(figure)[1] == "word " * 50 + "..."


def test_alt_text_of_images_gives_number_sizes_and_maxima():
    ramp = np.arange(6.0).reshape(2, 3)
    figure, _ = viz.images({"ramp": ramp, "flat": np.ones((2, 2)), "photo": np.zeros((4, 5, 3))})
    expected = (
        "3 images: ramp, 2 x 3, from 0 to 5 in row 1, column 2; flat, 2 x 2, 1 everywhere; photo, 4 x 5 in colour"
    )
    assert _shown(figure)[1] == expected


def test_alt_text_of_bars_has_all_values_or_extremes():
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


def test_alt_text_has_numbers_but_no_table_rows():
    for name, alt in _alts().items():
        assert sum(character.isdigit() for character in alt) >= 3, name
        assert not re.search(r":$|\||\*|rows? {2}", alt), name
    assert _alts()["gradient_norms"].endswith("input first: conv1 0.25, loss 2")


def test_primer_figures_describe_their_contents():
    figure, _ = drawing.descent(lambda w: (w - 2) ** 2, [0.0, 1.0], -1, 4)
    assert "lowest near w = 2" in _shown(figure)[1]
    assert "2 points" in _shown(figure)[1]
    figure, _ = drawing.chain(["y = w x"], ["x", "y"], ["dx", "dy"])
    assert _shown(figure)[1] == "boxes in a row. forward: x -> [ y = w x ] -> y backward: dx <- dy"


def test_figure_scrolls_on_a_narrow_page():
    figure, _ = figures.described(figures.new(10, 2)[0], "wide")
    scroller, style = re.findall(r'style="([^"]*)"', _shown(figure)[0]["text/html"])[:2]
    assert "overflow-x:auto" in scroller
    assert "max-width:100%;min-width:600px" in style
    assert "min-width:600px" in page.figure(figure, "wide")


@pytest.mark.parametrize("arrays", [{"flat": np.zeros((3, 4))}, {"tall": np.zeros((9, 1)), "a title " * 6: np.eye(4)}])
def test_image_titles_fit_and_do_not_overlap(arrays):
    figure, _ = viz.images(arrays, inches=2.4)
    figure.canvas.draw()
    boxes = [axis.title.get_window_extent() for axis in figure.axes if axis.get_title()]
    width, height = figure.canvas.get_width_height()
    assert all(box.x0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_bars_fill_the_height_of_their_chart():
    figure, _ = viz.bar_chart({f"n{i}": 1.0 for i in range(60)}, "MAC")
    assert figure.axes[0].get_ylim() == (59.6, -0.6)


def test_figure_without_text_is_still_an_image():
    figure, _ = figures.new(2, 2)
    bundle, alt = _shown(figure)
    assert alt == ""
    assert "<details>" not in bundle["text/html"]


def test_every_figure_function_returns_a_description():
    bare = []
    for path in set(PACKAGE.rglob("*.py")) - {PACKAGE / "figures.py"}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Return(ast.Tuple([ast.Name("figure"), other, *_])) if getattr(other, "id", "") != "axes":
                    bare.append(f"{path.name}:{node.lineno}")
    assert bare == [], "return figures.described(figure, text)"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_lessons_do_not_print_text_of_displayed_figures(path):
    both = [cell for cell in _code(path) if re.search(r"(?m)^ *print\(text", cell) and cell.rstrip().endswith("figure")]
    assert both == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_lessons_do_not_print_tables_that_notebooks_show(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?m)^print\((?:counted|\S*table\(.*\)|\S*compare_steps\(.*\))\)$", text) == []


def test_table_html_aligns_columns_by_their_headings():
    table = console.Table("T", ("name", ">shape", ">n"), [("a", (3, 4), 5)], total=("total", "", 5))
    page = table._repr_html_()
    assert re.findall(r"text-align:(left|right)[^>]*>([^<]*)</t[hd]", page) == [
        *(("left", "name"), ("right", "shape"), ("right", "n")),
        *(("left", "a"), ("right", "3x4"), ("right", "5")),
        *(("left", "total"), ("right", ""), ("right", "5")),
    ]


def test_table_text_displays_nothing_in_a_notebook(monkeypatch):
    rich = pytest.importorskip("rich.console")
    monkeypatch.setattr(rich, "_is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *shown: pytest.fail("it was displayed"))
    assert "| a" in str(console.Table("T", ("name", ">n"), [("a", 5)]))


def test_wide_content_scrolls_on_a_phone():
    counted = count(Conv2d(3, 8, 3), (3, 8, 8))
    for shown in (counted._repr_html_(), counted.table()._repr_html_(), console.monospaced("a")):
        assert "overflow-x:auto" in shown


def test_printed_lines_in_html_are_left_aligned():
    assert "margin:0;padding:0" in console.monospaced("a")


def test_count_tables_have_the_same_indent():
    shown = count(Conv2d(3, 8, 3), (3, 8, 8))._repr_html_()
    heading, _, nodes, total = re.findall(r'<table style="[^"]*?margin:([^;"]*)[^>]*"', shown)
    assert heading == nodes == total == "0 0 0 16px"
    assert '<summary style="list-style-position:outside;margin-left:16px"><table' in shown
    assert re.search(r'<summary[^>]*><table style="[^"]*margin:0"', shown)


def test_result_keeps_its_columns_in_any_page():
    page = check("00.1", lambda x, i, j, k: x[i : i + k, j : j + k].sum() / k)._repr_html_()
    styles = re.findall(r'<(?:div|table|pre) style="([^"]*)"', page)
    assert len(styles) == 3
    assert all(f"font-family:monospace;font-size:{console.CODE_SIZE}" in style for style in styles)
    assert re.findall(r"<th[^>]*>([^<]*)</th>", page) == ["WHAT", "LOOKS LIKE", "TRY"]
    assert "white-space:pre;" in styles[2]


def test_rows_of_an_input_are_on_separate_lines():
    x = np.array([[5.0, 5.0], [10.0, 2.0]])
    result = Result("1", "wrong", inputs={"x": x, "k": np.arange(2)}, expected=np.float64(1), got=np.float64(2))
    assert "  x = array (2, 2) float64\n    [[ 5.,  5.],\n     [10.,  2.]]\n  k = array (2,) int64 [0, 1]" in str(
        result
    )


def test_difference_image_reports_count_and_position():
    expected, got = np.zeros((4, 5)), np.zeros((4, 5))
    got[1:3, 4] = 1
    alt = re.search(r'<img alt="([^"]*)"', Result("1", "wrong", expected=expected, got=got)._repr_html_()).group(1)
    assert alt.endswith("2 of 20 values differ, in rows 1 to 2 and columns 4 to 4")


def test_short_table_cells_stay_on_one_line():
    page = console.Table(
        "T", ("name", "meaning"), [("64 x 112 x 112", "a sentence that may well be broken")]
    )._repr_html_()
    assert re.findall(r"white-space:([\w-]+)[^>]*>(64|a )", page) == [("pre", "64"), ("pre-line", "a ")]


def test_intervals_stay_on_one_line_and_wide_titles_wrap():
    shown = console.Table("T", (">change",), [("+11.00 (-18.43 to -3.14) *",)])._repr_html_()
    assert 'white-space:pre">+11.00' in shown
    assert '<caption style="text-align:left"><div style="max-width:75vw">T</div></caption>' in shown


def test_compared_code_scrolls_instead_of_wrapping():
    check("00.1", lambda x, i, j, k: x[i : i + k, j : j + k].mean())
    code, sentence = compare("00.1")._repr_html_().split("</pre>")
    assert "white-space:pre;" in code
    assert "def mean_of_window" in code
    assert sentence.startswith("<p>On the test cases: your code takes")


def test_result_is_escaped():
    page = check("00.1", lambda x, i, j, k: (_ for _ in ()).throw(ValueError("<script>")))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_html_does_not_break_lines_inside_words():
    assert "word-break:normal" in console.WRAPPING
    for shown in (console.monospaced(""), console.Table("T", ("a",))._repr_html_()):
        assert console.WRAPPING in shown
