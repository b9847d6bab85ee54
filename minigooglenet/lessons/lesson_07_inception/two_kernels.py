"""Two convolutions merged into one kernel."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers

merge = Exercise(
    "07.6",
    "two kernels in one",
    "merge(w1, w2) -> (K, C, k, k)",
    minutes=10,
    difficulty=3,
    core=False,
    hints=(
        "Write down y = w2 (w1 x) for one kernel position and one pixel.",
        "At one kernel position both weights are matrices, (K, r) and (r, C). Multiply them: sum over r.",
        '`np.einsum("krij,rc->____", w2, w1[:, :, 0, 0])`',
    ),
)


@merge.cases
def merge_cases(rng):
    yield integers(rng, (4, 4, 1, 1)), integers(rng, (4, 4, 3, 3))
    yield integers(rng, (2, 5, 1, 1)) / 4, integers(rng, (3, 2, 5, 5)) / 8  # fractions


@merge.reference
def merge_reference(w1, w2):
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])


@merge.right
def merge_by_loops(w1, w2):
    merged = np.zeros((w2.shape[0], w1.shape[1], *w2.shape[2:]))
    for k, r, i, j in np.ndindex(w2.shape):
        merged[k, :, i, j] += w2[k, r, i, j] * w1[r, :, 0, 0]
    return merged


@merge.right
def merge_by_tensordot(w1, w2):
    return np.moveaxis(np.tensordot(w2, w1[:, :, 0, 0], axes=(1, 0)), -1, 1)


def _merged(w1, w2):
    return np.einsum("krij,rc->kcij", w2, w1[:, :, 0, 0])


@merge.wrong
def averaged_over_r(w1, w2):
    """The weights are r times too small. Sum over the reduced channels, don't average."""
    return _merged(w1, w2) / len(w1)


@merge.wrong
def all_in_the_centre(w1, w2):
    """You added all kernel positions into the centre. Each kernel position keeps its own weights."""
    merged = np.zeros_like(_merged(w1, w2))
    merged[:, :, w2.shape[2] // 2, w2.shape[3] // 2] = _merged(w1, w2).sum(axis=(2, 3))
    return merged


@merge.wrong
def kernel_rotated(w1, w2):
    """Your kernel is rotated by 180 degrees. A convolution here is a correlation, so nothing is rotated."""
    return _merged(w1, w2)[:, :, ::-1, ::-1]


@merge.wrong
def first_reduced_channel_only(w1, w2):
    """You used the first reduced channel only. Sum over all of them."""
    return w2[:, :1] * w1[0, :, 0, 0][None, :, None, None]


@merge.wrong
def channels_paired(w1, w2):
    """You multiplied channel c by the diagonal entry w1[c, c] only. The 1x1 mixes all channels: it is a matrix."""
    return w2 * np.diag(w1[:, :, 0, 0])[None, :, None, None]


@merge.wrong
def reduction_transposed(w1, w2):
    """You used w1[c, r]. The first index of w1 is the reduced channel r."""
    return np.einsum("krij,cr->kcij", w2, w1[:, :, 0, 0])
