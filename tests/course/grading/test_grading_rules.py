"""Grading enforces the rules of the exercises: right values by forbidden means get no points."""

import numpy as np
import pytest
from test_grading_round_off import graded

from minigooglenet.exercises.find import find


def _direct_gradient(dout, w, x_shape, stride, pad):
    return find("03.3").reference_function(dout, w, x_shape, stride, pad)


def _each_image(x, w, b, stride, pad):
    right = find("13.2").reference_function
    return np.concatenate([right(image[None], w, b, stride, pad) for image in x])


def _three_products(d, g):
    d = np.array(d, float)
    return np.array([d[i] * g[0] + d[i + 1] * g[1] + d[i + 2] * g[2] for i in range(len(d) - 2)])


def _nine_products(d, g):
    d = np.array(d, float)
    return np.array(
        [[(d[i : i + 3, j : j + 3] * g).sum() for j in range(d.shape[1] - 2)] for i in range(d.shape[0] - 2)]
    )


def _stops(x, w, b, stride, pad):
    assert x.shape[2:] != (7, 7), "no such size"
    return find("13.2").reference_function(x, w, b, stride, pad)


@pytest.mark.parametrize(
    ("number", "answer", "mistake", "expected"),
    [
        ("03.4", _direct_gradient, None, "conv is called 0 times"),
        ("13.2", _each_image, "a loop over images and filters", "it loops over the images"),
        ("13.2", _stops, None, "with other arguments it raised AssertionError: no such size"),
        ("13.4", _three_products, "three products each", "products of data and filter for"),
        ("13.7", _nine_products, "nine products each", "products of data and filter for"),
    ],
)
def test_right_values_by_forbidden_means_get_no_points(number, answer, mistake, expected):
    row = graded(number, answer)
    assert (row["status"], row["points"], row["mistake"]) == ("wrong", 0, mistake)
    assert expected in row["message"]
