"""Lesson 03: the gradients of a convolution, each written by asking who used this number."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question

conv_db = Exercise(
    "03.1",
    "the bias's gradient",
    "conv_db(dout) -> (K,)",
    minutes=5,
    difficulty=1,
    hints=(
        "Raise b[k] by 1: which outputs move, and by how much?",
        "It moves every output of filter k, in every image, by 1. Two images of 1 x 2: the sum of four numbers.",
        "`return dout.sum(axis=(0, 2, ____))`",
    ),
    tolerance=0,
)


@conv_db.cases
def _(rng):
    yield (integers(rng, (3, 4, 4, 4)),)  # all sizes but N alike, so that a wrong axis runs
    yield (integers(rng, (2, 3, 2, 5)),)


@conv_db.reference
def _(dout):
    return dout.sum(axis=(0, 2, 3))


@conv_db.right
def _(dout):
    db = np.zeros(dout.shape[1])
    for n, k, i, j in np.ndindex(dout.shape):
        db[k] += dout[n, k, i, j]
    return db


@conv_db.right
def _(dout):
    return np.einsum("nkij->k", dout)


@conv_db.wrong("mean over the images", "Exactly 1/N of ours: the mean belongs in the loss.")
def _(dout):
    return dout.mean(axis=0).sum(axis=(1, 2))


@conv_db.wrong("first image only", "Equals the sum over image 0.")
def _(dout):
    return dout[0].sum(axis=(1, 2))


@conv_db.wrong("wrong axes", "One number per column: keep the filter axis.")
def _(dout):
    return dout.sum(axis=(0, 1, 2))


@conv_db.wrong("one number for all", "One number for all filters.")
def _(dout):
    return dout.sum()


@conv_db.wrong("dout not used", "N*Ho*Wo for every filter: you counted, you did not add dout.")
def _(dout):
    return np.full(dout.shape[1], dout[:, 0].size, float)


readers = Question(
    "03.5",
    "how many outputs read a pixel",
    "A {k} x {k} kernel moves with stride {s} over an image of {n} x {n} with padding {p}. How many outputs read the "
    "pixel in row {i}, column {j} (counted from 0)?",
    minutes=5,
    difficulty=2,
    hints=(
        "Draw the windows on a line of ten pixels.",
        "Count the starts t for which t*s - p <= i < t*s - p + k and the window exists.",
        "`rows * ____`, each counted alike",
    ),
)


@readers.draw
def _(rng):
    n, k, s = int(rng.integers(9, 20)), int(rng.integers(3, 8)), int(rng.integers(2, 4))
    i, j = (int(place) for place in rng.integers(0, n, 2))
    return {"n": n, "k": k, "s": s, "p": int(rng.integers(0, k // 2 + 1)), "i": i, "j": j}


def _along(n, k, s, p, i):
    outputs = (n + 2 * p - k) // s + 1
    return sum(t * s - p <= i < t * s - p + k for t in range(outputs))


@readers.solution
def _(n, k, s, p, i, j):
    return _along(n, k, s, p, i) * _along(n, k, s, p, j)


@readers.wrong("stride 1", "k*k outputs read a pixel at stride 1, away from the border.")
def _(n, k, s, p, i, j):
    return k * k


@readers.wrong("always the same inside", "That holds for some pixels inside, not for this one.")
def _(n, k, s, p, i, j):
    return (-(-k // s)) ** 2


@readers.wrong("one axis", "That is the count along one axis; the other multiplies it.")
def _(n, k, s, p, i, j):
    return _along(n, k, s, p, i)
