"""Lesson 00: how the course answers, on a mean that is divided by the wrong number and a layer's multiply-adds."""

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
        "How many numbers are in the window?",
        "A window of 2 x 2 holds a, b, c, d. Its mean is (a + b + c + d) / 4, and not / 2.",
        "`return x[i : i + k, j : j + k].sum() / ____`",
    ),
)


@mean_of_window.cases
def _(rng):
    yield integers(rng, (3, 4), 1, 10), 0, 1, 2  # small enough to be printed
    x = integers(rng, (6, 8), 1, 100)
    yield from ((x, 0, 0, 3), (x, 1, 4, 3), (x, 2, 1, 4), (x, 3, 5, 1))


@mean_of_window.reference
def _(x, i, j, k):
    return x[i : i + k, j : j + k].mean()


@mean_of_window.right
def _(x, i, j, k):
    return sum(x[i + u, j + v] for u in range(k) for v in range(k)) / (k * k)


@mean_of_window.right
def _(x, i, j, k):
    return np.lib.stride_tricks.sliding_window_view(x, (k, k))[i, j].sum() / k**2


@mean_of_window.wrong("divided by k", "Every mean is k times too big: a window of k x k holds k*k numbers.")
def divided_by_k(x, i, j, k):
    """Return what the lesson's planted mistake returns."""
    return x[i : i + k, j : j + k].sum() / k


@mean_of_window.wrong("a sum, not a mean", "Exactly k*k times our value: you forgot to divide.")
def _(x, i, j, k):
    return x[i : i + k, j : j + k].sum()


@mean_of_window.wrong("one row too low", "Your window starts at row i + 1; the first row of the window is row i.")
def _(x, i, j, k):
    return x[i + 1 : i + 1 + k, j : j + k].sum() / k**2


@mean_of_window.wrong("one column too far right", "Your window starts at column j + 1; it starts at column j.")
def _(x, i, j, k):
    return x[i : i + k, j + 1 : j + 1 + k].sum() / k**2


@mean_of_window.wrong("last row and column missing", "The end of a slice is not in it: i : i + k holds k rows.")
def _(x, i, j, k):
    return x[i : i + k - 1, j : j + k - 1].sum() / k**2


@mean_of_window.wrong("rows and columns exchanged", "i counts rows and is the first index, j counts columns.")
def _(x, i, j, k):
    return x.T[i : i + k, j : j + k].sum() / k**2


@mean_of_window.wrong("mean of the whole image", "That is the mean of all of x; take the window first.")
def _(x, i, j, k):
    return x.mean()


@mean_of_window.wrong("rounded down", "The mean lost its fraction: // and int() round down, / does not.")
def _(x, i, j, k):
    return x[i : i + k, j : j + k].sum() // k**2


@mean_of_window.wrong("changes its input", "The value is right, but x is another array afterwards: work on a copy.")
def _(x, i, j, k):
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
        "A row tells parameters, MAC and outputs. `counted[name]` is the row of one layer: counted['conv2/3x3'].macs.",
        "`macs = counted[____].macs`",
    ),
)


@functools.cache
def _rows():
    return {row.name: row for row in count(googlenet(aux=False, rng=0)).rows if row.kind == "Conv2d"}


@macs_of_layer.draw
def _(rng):
    return {"layer": str(rng.choice(list(_rows())))}


@macs_of_layer.solution
def _(layer):
    return _rows()[layer].macs


@macs_of_layer.wrong(
    "FLOP, not MAC", "That is twice the number: a MAC, one multiplication and one addition, is 2 FLOP."
)
def _(layer):
    return _rows()[layer].flops


@macs_of_layer.wrong(
    "parameters, not MAC", "Those are the numbers that the layer has learned; each is used many times."
)
def _(layer):
    return _rows()[layer].params


@macs_of_layer.wrong("weights, not MAC", "Those are the weights; each is used once for every place of the map.")
def _(layer):
    return _rows()[layer].weights


@macs_of_layer.wrong("outputs, not MAC", "Those are the numbers that leave the layer; each costs many multiply-adds.")
def _(layer):
    return _rows()[layer].activations


@macs_of_layer.wrong(
    "bias counted", "That counts one more for each output's bias. A bias is an addition, no multiply-add."
)
def _(layer):
    return _rows()[layer].macs + _rows()[layer].activations
