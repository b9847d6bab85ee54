"""The figures of an evaluation agree with their text."""

import numpy as np
import pytest

from minigooglenet.evaluation import boxes, calibration, crop_list, crops
from minigooglenet.evaluation.comparison import Change, Row, Table3
from minigooglenet.viz import evaluation


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("count", "different"), [(1, 1), (10, 5), (144, 72)])
def test_crops_figure_shows_every_crop_and_box(channels, count, different):
    image = np.random.default_rng(0).integers(0, 250, (channels, 30, 50), np.uint8)
    images = crops(image, 16, count)
    figure, text = evaluation.crops(image, images, boxes(image.shape, 16, count)[0], crop_list(count))
    left, right = figure.axes
    assert len([line for line in left.lines if len(line.get_xdata())]) == different
    sheet = np.asarray(right.images[0].get_array())
    sheet = sheet[None] if channels == 1 else sheet.transpose(2, 0, 1)
    columns = {1: 1, 10: 10, 144: 12}[count]
    for number, expected in enumerate(images):
        y, x = 17 * (number // columns), 17 * (number % columns)
        assert np.array_equal(sheet[:, y : y + 16, x : x + 16], expected)
    lines = text.splitlines()
    assert lines[0].startswith(f"{count} crop{'s' * (count > 1)} of an image of 50 x 30 pixels")
    assert len(lines) == 3 + different


def test_crops_text_lists_the_boxes():
    image = np.zeros((1, 256, 256), np.uint8)
    _, text = evaluation.crops(image, crops(image, 224, 10), boxes(image.shape, 224, 10)[0], crop_list(10))
    assert text.splitlines()[4].split() == ["256", "middle", "top", "right", "32.0", "0.0", "256.0", "224.0"]


def test_calibration_text_reports_over_and_underconfidence():
    probabilities = np.array([[0.95, 0.05]] * 10)
    _, text = evaluation.calibration(calibration(probabilities, [0] * 6 + [1] * 4))
    assert "expected calibration error 35.0%; on average the confidence is 35.0% above the accuracy" in text
    assert text.splitlines()[-1].split() == ["0.90-1.00", "10", "95.0%", "60.0%"]
    figure, text = evaluation.calibration(calibration(np.array([[0.55, 0.45]] * 10), [0] * 10))
    assert "45.0% below the accuracy" in text
    assert len(figure.axes[0].patches) == 1


def test_insignificant_setting_is_hollow():
    base = Change(1, 0.2, 0, 0, 0)
    rows = [Row(1, 1, 1, (base,)), Row(1, 10, 10, (Change(1, 0.15, -0.05, -0.08, -0.02),))]
    rows.append(Row(7, 0, 7, (Change(1, 0.19, -0.01, -0.03, 0.01),)))
    figure, text = evaluation.table3(Table3(tuple(rows), 400, 3))
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True]
    assert [" ".join(line.split()[-2:]) for line in text.splitlines()[2:]] == ["-2.00) significant", "not significant"]
    assert "Top-1 error of the base: 20.00%" in text
    assert "7 models, whole image" in text
