"""Names of the gradient checks and figures that were renamed still work, with a DeprecationWarning."""

import numpy as np
import pytest

from minigooglenet import gradcheck, viz


@pytest.fixture
def report():
    return gradcheck.check_function(np.square, lambda grad_y, x: (grad_y * x,), np.array([1.0, 2.0]))


@pytest.mark.parametrize(("old", "new"), [("rungs", "stages"), ("place", "error_map")])
def test_old_report_attribute_warns(report, old, new):
    with pytest.warns(
        DeprecationWarning, match=rf"Report\.{old} is now Report\.{new}; the old name will be removed in 0\.3"
    ):
        assert getattr(report, old) == getattr(report, new)


def test_old_attribute_of_finding_and_derivative_warns(report):
    with pytest.warns(DeprecationWarning, match=r"Finding\.numeric is now Finding\.numerical"):
        assert report.findings[-1].numeric == report.findings[-1].numerical
    with pytest.warns(DeprecationWarning, match="DirectionalDerivative.numeric is now DirectionalDerivative.numerical"):
        assert gradcheck.DirectionalDerivative(1.0, 2.0, 1e-9).numeric == 2.0


@pytest.mark.parametrize(("old", "new"), [("Rung", "Stage"), ("Slope", "DirectionalDerivative")])
def test_old_class_name_warns(old, new):
    with pytest.warns(DeprecationWarning, match=rf"gradcheck\.{old} is now"):
        assert getattr(gradcheck, old) is getattr(gradcheck, new)


def test_old_argument_of_gradient_norms_warns():
    with pytest.warns(DeprecationWarning, match="beside= is now auxiliary="):
        figure, _ = viz.gradient_norms({"conv1": 1.0, "loss1": 2.0}, beside=["loss1"])
    assert [line.get_label() for line in figure.axes[0].lines] == ["main network", "auxiliary heads"]
