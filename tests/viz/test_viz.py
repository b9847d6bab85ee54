"""Figures are drawn, and their text agrees with them."""

import numpy as np
import pytest

from minigooglenet import figures, viz
from minigooglenet.training import Epoch, Step


def test_training_curve_text_has_first_and_last_loss():
    steps = [Step(i, 40, 2.0 - i / 20, i / 40) for i in range(40)]
    figure, text = viz.training_curve(steps)
    assert "40 steps" in text
    assert "from 2.000 to 0.150 nats" in text  # the mean of the last 5 steps
    assert len(figure.axes) == 2
    assert len(figure.axes[0].lines[0].get_ydata()) == 40


def test_training_curve_of_one_step_is_drawn():
    assert "1 steps" in viz.training_curve([Step(0, 1, 1.0, 0.5)])[1]


def test_training_curve_has_the_held_out_line():
    steps = [Step(i, 40, 2.0 - i / 20, i / 40) for i in range(40)]
    nan = float("nan")
    rows = [(1.5, 0.5), (1.0, 0.8125), (1.2, 0.75), (nan, nan)]
    epochs = [Epoch(number, 1.0, 0.5, loss, accuracy, 1.0) for number, (loss, accuracy) in enumerate(rows)]
    figure, text = viz.training_curve(steps, epochs, epochs[1])
    for axis, expected in zip(figure.axes, ([1.5, 1.0, 1.2], [50, 81.25, 75]), strict=True):
        (line,) = [line for line in axis.lines if line.get_label() == "held out"]
        assert list(line.get_xdata()) == [9, 19, 29]
        assert list(line.get_ydata()) == expected
        assert line.get_linestyle() == "--"
    assert "    2    1.0000    81.25%  best" in text.splitlines()
    assert "    3    1.2000    75.00%" in text.splitlines()
    assert "held" not in viz.training_curve(steps)[1].lower()
    assert "The loss of a step includes 2 auxiliary heads" in viz.training_curve(steps, epochs, None, 2)[1]


def test_training_curve_clips_a_huge_held_out_loss():
    steps = [Step(i, 40, 2.0, 0.5) for i in range(40)]
    figure, text = viz.training_curve(steps, [Epoch(0, 2.0, 0.5, 1e9, 0.5, 1.0)])
    assert figure.axes[0].get_ylim()[1] <= 5
    assert "1000000000.0000" in text


def test_confusion_matrix_lists_the_commonest_mistake_first():
    figure, text = viz.confusion_matrix(np.array([[5, 1], [3, 4]]), ["cat", "dog"])
    assert "9 of 13 right. Mistakes: dog as cat (3), cat as dog (1)." in text
    assert [t.get_text() for t in figure.axes[0].texts] == ["5", "1", "3", "4"]


def test_gradient_norms_text_includes_missing_gradients():
    _, text = viz.gradient_norms({"conv1": 0.5, "conv2": 1.0, "dead": 0.0})
    lines = text.splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["conv1", "conv2", "dead"]
    assert [line.count("#") for line in lines] == [15, 30, 0]


@pytest.mark.parametrize("shape", [(5, 3, 7, 7), (2, 1, 3, 3), (1, 3, 1, 1)])
def test_first_filters_are_shown_one_by_one(shape):
    weight = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    weight[0] = 0
    figure, text = viz.first_filters(weight)
    assert sum(bool(axis.images) for axis in figure.axes) == shape[0]
    assert f"{shape[0]} filters of {shape[1]} x {shape[2]} x {shape[3]}" in text


def test_first_filters_rejects_many_channels():
    with pytest.raises(ValueError, match=r"1 or 3 input channels to be drawn, got shape \(4, 64, 3, 3\)"):
        viz.first_filters(np.ones((4, 64, 3, 3)))


def test_saved_figure_has_text_file_and_description(tmp_path):
    from PIL import Image

    figure, axis = figures.new()
    axis.plot([0, 1])
    written, words = figures.save(figure, "A line that rises.", tmp_path / "line")
    assert words.read_text(encoding="utf-8") == "A line that rises.\n"
    with Image.open(written) as image:
        assert image.text["Description"] == "A line that rises."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.png", "line.txt"]


def test_text_curve_falls_from_left_to_right():
    lines = figures.curve([4.0, 3.0, 2.0, 1.0], height=4).splitlines()
    assert [line.index("*") - line.index("|") for line in lines] == [1, 2, 3, 4]
    assert lines[0].split()[0] == "4"
    assert "*" in figures.curve([1.0])
