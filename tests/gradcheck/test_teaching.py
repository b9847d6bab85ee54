"""The functions for teaching show the steps of a gradient check with the right numbers."""

import re

import numpy as np
import pytest

from minigooglenet.gradcheck import compare_steps, directional_check, ucurve, watch
from minigooglenet.layers import Conv2d, LocalResponseNorm, ReLU, Softmax
from minigooglenet.models import mini_googlenet


def test_error_curve_has_a_minimum():
    figure, text = ucurve(LocalResponseNorm(alpha=1.0))
    rows = {
        float(h): (float(a), float(b)) for h, a, b in re.findall(r"(\de-\d+)  float64\s+(\S+).*float32\s+(\S+)", text)
    }
    assert 1e4 * rows[1e-5][0] < min(rows[1e-1][0], rows[1e-14][0])
    assert min(b for _, b in rows.values()) > 1e3 * min(a for a, _ in rows.values())
    assert "the checker's step" in [t.get_text() for t in figure.axes[0].texts]
    assert "* " in next(line for line in text.splitlines() if "1e-05  float64" in line)


def test_ucurve_text_reports_truncation_only_for_curves():
    _, curved = ucurve(Softmax())
    _, linear = ucurve(Conv2d(2, 3, 3, algorithm="im2col", rng=0))
    assert curved.endswith("A smaller step has round-off error, a larger one has truncation error.")
    assert linear.endswith(
        "A smaller step has round-off error, a larger one loses nothing, because the layer is linear."
    )
    assert "Best step: float64 1e-01, " in linear


def test_watch_shows_the_arithmetic_of_one_index():
    layer = Conv2d(2, 3, 3, padding=1, rng=0)
    text = watch(layer, (2, 1, 0, 2), (2, 4, 4), argument="weight", step=1e-4)
    lines = dict(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in text.splitlines()[1:])
    up, down = (float(lines[f"f{sign} = sum(y * g) at {sign}h"]) for sign in "+-")
    assert float(lines["(f+ - f-) / 2h"]) == pytest.approx((up - down) / 2e-4, rel=1e-6)
    assert float(lines["backward"]) == pytest.approx((up - down) / 2e-4, rel=1e-6)
    assert float(lines["weight[2, 1, 0, 2] + h"]) - float(lines["weight[2, 1, 0, 2]"]) == pytest.approx(1e-4)


def test_watch_rejects_unknown_index_and_argument():
    with pytest.raises(ValueError, match="argument must be one of x, got 'weight'"):
        watch(ReLU(), (0, 0, 0, 0), argument="weight")
    with pytest.raises(ValueError, match=r"index must be 4 integers inside the shape \(3, 3, 5, 7\) of x, got \(9,\)"):
        watch(ReLU(), 9)


def test_complex_step_is_exact_for_tiny_steps():
    table = compare_steps(LocalResponseNorm(alpha=1.0))
    last = [float(cell) for cell in table.rows[-1][1:]]
    assert last[0] > 1e-6
    assert last[1] > 1e-6
    assert last[2] < 1e-13
    assert [row[3] for row in compare_steps(ReLU()).rows] == ["-"] * 7


def test_directional_check_is_repeatable():
    g = mini_googlenet(4, in_channels=1, width=0.5, rng=0)
    x = np.random.default_rng(1).standard_normal((2, 1, 32, 32))
    first, second = (directional_check(g, x, np.array([0, 3]), rng=5) for _ in range(2))
    assert first == second
    assert first.relative_error < 1e-4
