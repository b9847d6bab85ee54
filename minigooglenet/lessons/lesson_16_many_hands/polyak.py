"""Polyak averaging: the running mean of the weights from a certain update on."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.training.averaging import average_step

averages = Exercise(
    "16.6",
    "an average that starts late",
    "averages(weights, start) -> averages (T - start, M)",
    minutes=6,
    difficulty=2,
    core=False,
    hints=(
        "How many rows has the first average, and which row is it?",
        (
            "Rows 8, 4, 2, 6 and start 1: the averages are 4, (4 + 2) / 2 = 3 and (4 + 2 + 6) / 3 = 4. The second "
            "comes from the first: 4 + (2 - 4) / 2."
        ),
        "`average = average + (weights[k] - average) / (k - start + ____)`",
    ),
)


@averages.cases
def averages_cases(rng):
    yield np.array([[8.0], [4.0], [2.0], [6.0]]), 1
    yield rng.integers(-9, 10, (7, 3)) / 2, 0
    yield rng.integers(-9, 10, (9, 2)) / 2, 3
    yield rng.integers(-9, 10, (6, 4)) / 2, 5  # only the last row


def _means(rows):
    return np.cumsum(rows, axis=0) / np.arange(1, len(rows) + 1)[:, None]


@averages.reference
def averages_reference(weights, start):
    average, result = np.zeros(weights.shape[1:]), []
    for count, row in enumerate(weights[start:]):
        average = average + (row - average) / (count + 1)
        result.append(average)
    return np.array(result)


averages.engine(average_step)


@averages.right
def averages_by_sums(weights, start):
    return _means(weights[start:])


@averages.right
def averages_with_the_engine(weights, start):
    state, result = {}, []
    for count, row in enumerate(weights[start:]):
        average_step(state, {"w": row}, count)
        result.append(state["w"].copy())
    return result


@averages.wrong
def from_the_first_update(weights, start):
    """You averaged from update 0. The early weights are bad; the average starts at row `start`."""
    return _means(weights)[start:]


@averages.wrong
def one_update_too_late(weights, start):
    """Your later averages lack row `start`: you started one update too late, or your count is 1 too small."""
    later = _means(weights[start + 1 :])
    return np.concatenate([weights[start : start + 1], later])


@averages.wrong
def one_update_too_early(weights, start):
    """You started one update too early. Row `start` is the first that counts."""
    first = max(0, start - 1)
    return _means(weights[first:])[start - first :]


@averages.wrong
def count_of_all_updates(weights, start):
    """You divided by the number of all updates, those before `start` too. Count only averaged rows."""
    rows = weights[start:]
    return np.cumsum(rows, axis=0) / np.arange(start + 1, len(weights) + 1)[:, None]


@averages.wrong
def half_old_and_half_new(weights, start):
    """You took the mean of the old average and the new row: old rows then fade. All rows count equally."""
    result = [weights[start]]
    for row in weights[start + 1 :]:
        result.append((result[-1] + row) / 2)
    return np.array(result)


@averages.wrong
def exponential_average(weights, start):
    """That is an exponential average with a fixed factor of 0.9. In a Polyak average, all rows count equally."""
    result = [weights[start]]
    for row in weights[start + 1 :]:
        result.append(0.9 * result[-1] + 0.1 * row)
    return np.array(result)


@averages.wrong
def sums_not_means(weights, start):
    """You returned sums. Divide by the number of rows in each."""
    return np.cumsum(weights[start:], axis=0)


@averages.wrong
def only_the_last_average(weights, start):
    """You returned the last average for every update. Row k has the average so far."""
    rows = weights[start:]
    return np.tile(rows.mean(axis=0), (len(rows), 1))
