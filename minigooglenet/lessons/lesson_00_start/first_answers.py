"""The first two exercises: the mean of a window, and the multiply-adds of a layer."""

import functools

import numpy as np

from minigooglenet.counting import count
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question
from minigooglenet.models import googlenet

mean_of_window = Exercise(
    "00.1",
    "the mean of a window",
    "mean_of_window(x, i, j, k) -> float",
    minutes=3,
    difficulty=1,
    hints=(
        "How many values are in the window?",
        "A window of 2 x 2 has the values a, b, c, d. Their mean is (a + b + c + d) / 4, not (a + b + c + d) / 2.",
        "`return x[i : i + k, j : j + k].sum() / ____`",
    ),
)


@mean_of_window.cases
def mean_of_window_cases(rng):
    yield integers(rng, (3, 4), 1, 10), 0, 1, 2  # small enough to print
    x = integers(rng, (6, 8), 1, 100)
    yield from ((x, 0, 0, 3), (x, 1, 4, 3), (x, 2, 1, 4), (x, 3, 5, 1))


@mean_of_window.reference
def mean_of_window_reference(x, i, j, k):
    return x[i : i + k, j : j + k].mean()


@mean_of_window.right
def mean_of_window_summed_in_a_loop(x, i, j, k):
    return sum(x[i + u, j + v] for u in range(k) for v in range(k)) / (k * k)


@mean_of_window.right
def mean_of_window_by_sliding_windows(x, i, j, k):
    return np.lib.stride_tricks.sliding_window_view(x, (k, k))[i, j].sum() / k**2


@mean_of_window.wrong
def divided_by_k(x, i, j, k):
    """Every mean is k times too large: a window of k x k has k*k values."""
    return x[i : i + k, j : j + k].sum() / k


@mean_of_window.wrong
def a_sum_not_a_mean(x, i, j, k):
    """Exactly k*k times the expected value: divide the sum by the number of values."""
    return x[i : i + k, j : j + k].sum()


@mean_of_window.wrong
def rows_sliced_twice(x, i, j, k):
    """x[a:b][c:d] slices the rows twice. Write both slices in one pair of brackets: x[a:b, c:d]."""
    rows = x[i : i + k][j : j + k]
    return rows.mean() if rows.size else np.nan


@mean_of_window.wrong
def size_used_as_the_end(x, i, j, k):
    """The slice i : k ends before row k. A window of k rows that starts at row i is i : i + k."""
    window = x[i:k, j:k]
    return window.mean() if window.size else np.nan


@mean_of_window.wrong
def one_row_too_low(x, i, j, k):
    """Your window starts at row i + 1; it must start at row i."""
    return x[i + 1 : i + 1 + k, j : j + k].sum() / k**2


@mean_of_window.wrong
def one_column_too_far_right(x, i, j, k):
    """Your window starts at column j + 1; it must start at column j."""
    return x[i : i + k, j + 1 : j + 1 + k].sum() / k**2


@mean_of_window.wrong
def last_row_and_column_missing(x, i, j, k):
    """A slice does not include its end: i : i + k has k rows."""
    return x[i : i + k - 1, j : j + k - 1].sum() / k**2


@mean_of_window.wrong
def rows_and_columns_exchanged(x, i, j, k):
    """The row i is the first index, the column j the second."""
    return x.T[i : i + k, j : j + k].sum() / k**2


@mean_of_window.wrong
def mean_of_the_whole_image(x, i, j, k):
    """That is the mean of all of x; slice the window first."""
    return x.mean()


@mean_of_window.wrong
def rounded_down(x, i, j, k):
    """The fractional part of the mean is missing: // and int() drop it, / does not."""
    return x[i : i + k, j : j + k].sum() // k**2


@mean_of_window.wrong
def changes_its_input(x, i, j, k):
    """The value is right, but your function changes x. Work on a copy."""
    window = x[i : i + k, j : j + k]
    window /= k**2
    return window.sum()


macs_of_layer = Question(
    "00.2",
    "a row of the table",
    "How many multiply-adds (MAC) does the layer {layer} of GoogLeNet need for one image?",
    minutes=2,
    difficulty=1,
    hints=(
        "Find the layer's row in the table, then the column MAC.",
        "`counted[name]` is the row of one layer, with its parameters, MACs and outputs: counted['conv2/3x3'].macs.",
        "`macs = counted[____].macs`",
    ),
)


@functools.cache
def _rows():
    return {row.name: row for row in count(googlenet(aux=False, rng=0)).rows if row.kind == "Conv2d"}


@macs_of_layer.draw
def macs_of_layer_draw(rng):
    return {"layer": str(rng.choice(list(_rows())))}


@macs_of_layer.solution
def macs_of_layer_solution(layer):
    return _rows()[layer].macs


@macs_of_layer.wrong
def FLOP_not_MAC(layer):
    """That is twice the number of MACs: a MAC, one multiplication and one addition, is 2 FLOP."""
    return _rows()[layer].flops


@macs_of_layer.wrong
def parameters_not_MAC(layer):
    """Those are the parameters of the layer; each is used in many multiply-adds."""
    return _rows()[layer].params


@macs_of_layer.wrong
def millions_of_MAC(layer):
    """That is in millions, as in the figure. Give the full number, as in the table."""
    return _rows()[layer].macs / 1e6


@macs_of_layer.wrong
def weights_not_MAC(layer):
    """Those are the weights; each is used once for every position of the feature map."""
    return _rows()[layer].weights


@macs_of_layer.wrong
def outputs_not_MAC(layer):
    """Those are the output values of the layer; each needs many multiply-adds."""
    return _rows()[layer].activations


@macs_of_layer.wrong
def bias_counted(layer):
    """You also counted the bias of each output. A bias is an addition, not a multiply-add."""
    return _rows()[layer].macs + _rows()[layer].activations
