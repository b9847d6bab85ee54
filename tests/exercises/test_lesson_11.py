"""Lesson 11: its judges, and the small networks that evaluate crops."""

import numpy as np
import pytest

from minigooglenet import data, models
from minigooglenet.exercises import check
from minigooglenet.lessons.lesson_11_crops import crops, drawing, small_networks, spending


def test_crops_pass_in_any_order_but_not_moved():
    rng = np.random.default_rng(0)
    assert check("11.1", lambda H, W: rng.permutation(crops.crop_boxes.reference_function(H, W))).passed

    def moved(H, W):
        rows = crops.crop_boxes.reference_function(H, W)
        rows[7, 1] += 1
        return rows

    result = check("11.1", moved)
    assert result.mistake is None
    assert "300 x 450" in result.what
    assert "not one of the paper's 144 crops" in result.what


def test_stub_and_missing_return_are_distinguished():
    def stub(H, W):
        raise NotImplementedError("exercise 11.1: write this")

    assert check("11.1", stub).status == "not yet"
    assert check("11.5", (None, ..., 1, "")).status == "not yet"
    assert "missing return" in check("11.1", lambda H, W: None).what


@pytest.mark.parametrize("models", range(1, 8))
def test_only_affordable_rows_are_compared(models):
    rows = spending.affordable(spending._MEASURED)
    assert all(row.cost <= spending.BUDGET for row in rows)
    assert any(row.models == models for row in rows)


def test_random_crop_is_inside_image_with_network_size():
    rng = np.random.default_rng(0)
    image = data.load("digits", small_networks.SIDE).train.images[0]
    crops_drawn = [small_networks.random_crop(image, rng) for _ in range(50)]
    assert {crop.shape for crop in crops_drawn} == {(1, small_networks.SIZE, small_networks.SIZE)}


def test_evaluation_reports_each_quarter_and_all_crops():
    net = models.mini_googlenet(in_channels=1, size=small_networks.SIZE, width=0.25, depth=2, dropout=False, rng=0)
    lines = []
    small_networks.evaluate([net], images=40, counts=(1, 10), log=lines.append)
    assert lines[-1] == "100% of 400 crops"
    assert len(lines) <= 4


def test_six_crops_figure_lists_their_positions():
    image = np.zeros((3, 384, 512), np.uint8)
    _, text = drawing.six_crops(image)
    header, *rows = text.splitlines()
    assert "6 of 144" in header
    assert len(rows) == 6
    assert rows[-1].split() == ["whole", "64.0", "0.0", "448.0", "384.0"]
