"""Bar charts and line charts: the figure and its text."""

from minigooglenet import viz
from minigooglenet.counting import count
from minigooglenet.models import googlenet


def test_bar_chart_names_the_longest_and_marks_bars():
    figure, text = viz.bar_chart({"a": 1, "b": 3, "c": 2}, "MAC", marked=("c",))
    assert "3 bars, MAC; the longest is b with 3" in text
    hatches = [bar.get_hatch() for bar in figure.axes[0].patches]
    assert [bool(hatch) for hatch in hatches] == [False, False, True]


def test_line_chart_has_distinct_markers_and_text():
    figure, text = viz.line_chart({"up": ([0, 1], [2, 5]), "down": ([0, 1], [4, 1])}, "step", "loss", area=True)
    assert "up: from 2 to 5, largest 5 at step 1" in text
    assert len({line.get_marker() for line in figure.axes[0].lines}) == 2


def test_module_drawing_shows_output_channels():
    counted = count(googlenet(aux=False, init="zeros"))
    figure, text = viz.module_drawing(counted, "inception_4a")
    assert "5x5 (48) reads 5x5_reduce" in text
    assert "5x5\n48" in [label.get_text() for label in figure.axes[0].texts]
