"""The running mean of the parameters."""

import numpy as np
import pytest

from minigooglenet.training import averaging


def test_average_is_the_mean_and_shares_no_memory():
    average, array = {}, np.array([1.0])
    for count, value in enumerate((1.0, 2.0, 6.0)):
        array[:] = value
        averaging.average_step(average, {"w": array}, count)
    assert average["w"] == pytest.approx(3.0)
    assert not np.shares_memory(average["w"], array)
