"""Synchronous rounds with backup workers: a round ends when enough gradients have arrived."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise

rounds = Exercise(
    "16.7",
    "rounds with backup workers",
    "rounds(seconds, needed) -> ends (R,), used (W + b,)",
    minutes=6,
    difficulty=2,
    core=False,
    hints=(
        "A round needs 3 gradients, and 4 workers compute one. Whose time ends the round?",
        (
            "Times 5, 9, 4, 6 and needed 3: the gradients after 4, 5 and 6 seconds are used, and the round ends after "
            "6. The next round starts then, for all workers."
        ),
        "`order = np.argsort(seconds, axis=1)[:, :____]`",
    ),
)


@rounds.cases
def rounds_cases(rng):
    yield np.array([[5.0, 9, 4, 6]]), 3
    yield np.array([[5.0, 9, 4, 6], [2, 3, 20, 1], [7, 1, 2, 3]]), 3
    yield np.array([[3.0, 1, 2], [6, 5, 4]]), 3  # no backup
    for shape, needed in (((5, 6), 4), ((4, 5), 2), ((6, 4), 1)):
        yield rng.permuted(np.tile(np.arange(1.0, shape[1] * 3, 1.5)[: shape[1]] ** 2, (shape[0], 1)), axis=1), needed


def _result(seconds, needed, durations=None):
    """Return the ends of rounds of these durations, and how many gradients of each worker are used."""
    used = (np.argsort(np.argsort(seconds, axis=1), axis=1) < needed).sum(axis=0)
    durations = np.sort(seconds, axis=1)[:, needed - 1] if durations is None else durations
    return np.cumsum(durations), used


@rounds.reference
def rounds_reference(seconds, needed):
    durations = np.sort(seconds, axis=1)[:, needed - 1]
    return np.cumsum(durations), (seconds <= durations[:, None]).sum(axis=0)


@rounds.right
def rounds_in_a_loop(seconds, needed):
    now, ends, used = 0.0, [], [0] * seconds.shape[1]
    for row in seconds:
        fastest = sorted(range(len(row)), key=lambda worker: row[worker])[:needed]
        now += max(row[worker] for worker in fastest)
        ends.append(now)
        for worker in fastest:
            used[worker] += 1
    return ends, used


@rounds.wrong
def waits_for_everyone(seconds, needed):
    """You waited for the slowest worker. A round ends when `needed` gradients have arrived."""
    return _result(seconds, needed, seconds.max(axis=1))


@rounds.wrong
def one_gradient_too_many(seconds, needed):
    """You waited for one gradient more than needed. The index of the last needed time is needed - 1."""
    return _result(seconds, needed, np.sort(seconds, axis=1)[:, min(needed, seconds.shape[1] - 1)])


@rounds.wrong
def fastest_only(seconds, needed):
    """You ended the round with the first gradient. Wait until `needed` of them have arrived."""
    return _result(seconds, needed, seconds.min(axis=1))


@rounds.wrong
def first_workers_in_the_list(seconds, needed):
    """You used the first workers in the list. Use the fastest ones of each round."""
    used = np.zeros(seconds.shape[1], int)
    used[:needed] = len(seconds)
    return np.cumsum(seconds[:, :needed].max(axis=1)), used


@rounds.wrong
def durations_not_ends(seconds, needed):
    """You returned the duration of each round. A round starts when the one before ends: add them up."""
    return np.sort(seconds, axis=1)[:, needed - 1], _result(seconds, needed)[1]


@rounds.wrong
def workers_do_not_stop(seconds, needed):
    """Your workers continue with old gradients. At the end of a round all of them stop, and start the next one."""
    return np.sort(np.cumsum(seconds, axis=0), axis=1)[:, needed - 1], _result(seconds, needed)[1]


@rounds.wrong
def mean_time(seconds, needed):
    """You took the mean of the needed times. The round ends with the last of them."""
    return _result(seconds, needed, np.sort(seconds, axis=1)[:, :needed].mean(axis=1))


@rounds.wrong
def times_added(seconds, needed):
    """You added the needed times. The workers compute at the same time, so the round takes the longest of them."""
    return _result(seconds, needed, np.sort(seconds, axis=1)[:, :needed].sum(axis=1))


@rounds.wrong
def slowest_used(seconds, needed):
    """You counted the slowest workers. The gradients that arrive first are used."""
    _, used = _result(-seconds, needed)
    return _result(seconds, needed)[0], used


@rounds.wrong
def dropped_counted(seconds, needed):
    """You counted the gradients that are dropped. Count those that are used."""
    ends, used = _result(seconds, needed)
    return ends, len(seconds) - used


@rounds.wrong
def all_counted(seconds, needed):
    """You counted every gradient as used. Those that arrive after the end of their round are dropped."""
    return _result(seconds, needed)[0], np.full(seconds.shape[1], len(seconds))
