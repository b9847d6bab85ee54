"""Lesson 07: the judge of stems on unknown answers, and the figures."""

import numpy as np
import pytest

from minigooglenet.exercises import check
from minigooglenet.lessons.lesson_07_inception import drawing


def test_missing_stem_gives_not_yet_and_nonsense_wrong():
    assert check("07.1", ...).status == "not yet"
    for nonsense in (7, [], ["conv"], [("dense", 5)], [("conv", 64, 7)]):
        assert (check("07.1", nonsense).status, check("07.1", nonsense).mistake) == ("wrong", None)


def test_verdict_shows_counts_of_a_stem():
    stem = [("conv", 64, 7, 2), ("pool", 3, 2), ("conv", 64, 1, 1), ("conv", 192, 3, 1), ("pool", 3, 2)]
    assert "477,675,520 MACs, 124,416 parameters, 7.46 MiB" in check("07.1", stem).what


def test_bottleneck_curves_cross_at_equal_cost():
    _, text, crossing = drawing.bottleneck_costs(480, 48, 5, 196, chosen=16)
    direct, reduced = (480 * 48 * 25, crossing * (480 + 48 * 25))
    assert reduced == pytest.approx(direct)
    assert "r = 16: 5.27" in text


def test_correlations_skip_constant_channels():
    values = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [3.0, 2.0, 1.0]])
    _, text = drawing.correlations(values)
    assert "2 of 3 channels" in text
    assert "from -1.00" in text
