"""Answers that differ from the text in one rule are rejected: a different count, rounding or choice."""

import math

import numpy as np
import pytest

from minigooglenet.exercises import check
from minigooglenet.lessons.lesson_12_transfer.regions import overlaps


def _adjoint(ones):
    def answer(forward, transpose, x_shape, y_shape, rng):
        x, y = (rng.integers(-9, 10, shape).astype(float) for shape in (x_shape, y_shape))
        x, y = (np.ones_like(v) if name == ones else v for name, v in (("x", x), ("y", y)))
        return (forward(x) * y).sum() == (transpose(y) * x).sum()

    return answer


def _crop(tries=10, of_tall=None):
    def answer(H, W, rng):
        for _ in range(tries):
            area = rng.uniform(0.08, 1) * H * W
            ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
            height, width = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
            if height <= H and width <= W:
                return rng.integers(H - height + 1), rng.integers(W - width + 1), height, width
        side = min(H, W)
        top = of_tall if of_tall is not None and H > W else (H - side) // 2
        return top, (W - side) // 2, side, side

    return answer


def _split(divisor=5, rounded=round):
    def answer(groups, rng):
        names = rng.permutation(np.unique(groups))
        size = rounded(len(names) / divisor)
        parts = names[2 * size :], names[size : 2 * size], names[:size]
        return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)

    return answer


def _precision(choose, is_hit=lambda overlap: overlap >= 0.5):
    def answer(found, truths):
        taken, hits = set(), []
        for image, _, box in sorted(found, key=lambda detection: -detection[1]):
            ious = overlaps([box], [truth for _, truth in truths])[0]
            ious = [iou if truths[i][0] == image else 0 for i, iou in enumerate(ious)]
            truth = choose(ious, taken)
            hits.append(truth is not None and bool(is_hit(ious[truth])) and truth not in taken)
            taken |= {truth} if hits[-1] else set()
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        return float((np.maximum.accumulate(precision[::-1])[::-1] * hits).sum() / len(truths))

    return answer


def _best(ious, taken):
    return int(np.argmax(ious))


def _first(ious, taken):
    return next((i for i, iou in enumerate(ious) if iou >= 0.5), None)


def _best_free(ious, taken):
    return max((i for i in range(len(ious)) if i not in taken), key=lambda i: ious[i], default=None)


RIGHT = [("04.5", _adjoint(None)), ("10.4", _crop()), ("10.6", _split()), ("12.5", _precision(_best))]
OTHERS = {
    "04.5: x of ones": _adjoint("x"),
    "04.5: y of ones": _adjoint("y"),
    "10.4: nine tries": _crop(9),
    "10.4: eleven tries": _crop(11),
    "10.4: a tall image's square from the top": _crop(of_tall=0),
    "10.6: sixths": _split(6),
    "10.6: quarters": _split(4),
    "10.6: rounded down": _split(rounded=math.floor),
    "10.6: rounded up": _split(rounded=math.ceil),
    "12.5: the first truth that overlaps enough": _precision(_first),
    "12.5: the best truth without a hit": _precision(_best_free),
    "12.5: 40% is enough": _precision(_best, lambda overlap: overlap >= 0.4),
    "12.5: 60% is needed": _precision(_best, lambda overlap: overlap >= 0.6),
}


@pytest.mark.parametrize(("number", "answer"), RIGHT, ids=lambda value: value if isinstance(value, str) else "")
def test_check_accepts_the_stated_rule(number, answer):
    assert check(number, answer).passed


@pytest.mark.parametrize("name", OTHERS)
def test_check_rejects_a_different_rule(name):
    assert not check(name.partition(":")[0], OTHERS[name]).passed


def test_adjoint_with_one_side_of_ones_is_named():
    assert check("04.5", _adjoint("y")).mistake == "one side of ones"


def test_detection_matching_the_next_truth_is_named():
    assert check("12.5", _precision(_best_free)).mistake == "next truth matched"
