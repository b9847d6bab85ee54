"""Asynchronous SGD at a parameter server: each gradient is that of the weights that its worker fetched."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise

served = Exercise(
    "16.4",
    "a parameter server",
    "served(w, curvature, lr, order) -> weights (T,), staleness (T,)",
    minutes=8,
    difficulty=3,
    hints=(
        "What does a worker know at the moment when its gradient arrives? Store this for each worker.",
        (
            "Two workers, w = 8, gradient w, lr = 1/2. Worker 0 pushes 8: w is 4, staleness 0. Worker 1 fetched 8 too, "
            "so it pushes 8: w is 0, staleness 1. Worker 0 fetched 4, and pushes 4: w is -2, staleness 1."
        ),
        "`w -= lr * curvature * fetched[worker]`, then `fetched[worker] = ____`",
    ),
)


@served.cases
def served_cases(rng):
    yield 8.0, 1.0, 0.5, np.array([0, 1, 0, 1])
    yield 16.0, 2.0, 0.125, np.array([0, 0, 0, 1, 2, 1])
    yield 5.0, 0.5, 0.25, np.array([2, 1, 0, 2, 1, 0, 2])  # worker 2 is the fastest
    for workers, updates in ((3, 8), (5, 14)):
        values = rng.integers(2, 9, 2)
        yield float(values[0]), float(values[1]) / 4, 0.25, rng.integers(0, workers, updates)


def _served(w, curvature, lr, order, fetch="after", count=0, source="fetched"):
    """Return weights and staleness; the other arguments are deviations."""
    fetched = dict.fromkeys(np.asarray(order).tolist(), (w, 0))
    weights, staleness = [], []
    for number, worker in enumerate(np.asarray(order).tolist()):
        value, version = fetched[worker]
        before = w
        w = w - lr * curvature * (w if source == "server" else value)
        weights.append(w)
        staleness.append(number - version + count)
        if fetch == "after":
            fetched[worker] = w, number + 1
        elif fetch == "before":
            fetched[worker] = before, number
        elif fetch == "everyone":
            fetched = dict.fromkeys(fetched, (w, number + 1))
    return np.array(weights), np.array(staleness)


@served.reference
def served_reference(w, curvature, lr, order):
    fetched, version = {}, {}
    initial, weights, staleness = w, [], []
    for number, worker in enumerate(order):
        w = w - lr * curvature * fetched.get(worker, initial)
        weights.append(w)
        staleness.append(number - version.get(worker, 0))
        fetched[worker], version[worker] = w, number + 1
    return np.array(weights), np.array(staleness)


@served.right
def served_from_the_history(w, curvature, lr, order):
    history, staleness = [w], []
    for number, worker in enumerate(order):
        earlier = [i + 1 for i in range(number) if order[i] == worker]
        version = earlier[-1] if earlier else 0
        history.append(history[-1] - lr * curvature * history[version])
        staleness.append(number - version)
    return history[1:], staleness


@served.wrong
def always_fresh(w, curvature, lr, order):
    """You used the server's current weights. A worker's gradient is that of the weights that it fetched."""
    weights, _ = _served(w, curvature, lr, order, source="server")
    return weights, _served(w, curvature, lr, order)[1]


@served.wrong
def fetched_before_the_update(w, curvature, lr, order):
    """The worker fetched before the server applied its gradient. Update first, then fetch."""
    return _served(w, curvature, lr, order, fetch="before")


@served.wrong
def never_fetched_again(w, curvature, lr, order):
    """Your workers keep the first weights. After a push, the worker fetches the new ones."""
    return _served(w, curvature, lr, order, fetch="never")


@served.wrong
def everyone_fetches(w, curvature, lr, order):
    """After each push all workers fetched. Only the worker that pushed does; the others are still computing."""
    return _served(w, curvature, lr, order, fetch="everyone")


@served.wrong
def own_update_counted(w, curvature, lr, order):
    """Your staleness is 1 too large: you counted the update of the gradient itself. Count those before it."""
    return _served(w, curvature, lr, order, count=1)


@served.wrong
def gap_between_pushes(w, curvature, lr, order):
    """Your first staleness of a worker is wrong: every worker fetched at the start, before update 0."""
    weights, staleness = _served(w, curvature, lr, order)
    order = np.asarray(order).tolist()
    return weights, [
        0 if worker not in order[:i] else s for i, (worker, s) in enumerate(zip(order, staleness, strict=True))
    ]


@served.wrong
def workers_as_staleness(w, curvature, lr, order):
    """You returned W - 1 for every update. Count the updates since this worker fetched."""
    weights, _ = _served(w, curvature, lr, order)
    return weights, np.full(len(order), len(set(np.asarray(order).tolist())) - 1)


@served.wrong
def weights_before_the_update(w, curvature, lr, order):
    """Your weights are those before each update. Return those after it."""
    weights, staleness = _served(w, curvature, lr, order)
    return np.concatenate([[w], weights[:-1]]), staleness


@served.wrong
def weights_of_the_worker(w, curvature, lr, order):
    """You updated the weights that the worker fetched, and lost the updates of others. Update the server's."""
    fetched = dict.fromkeys(np.asarray(order).tolist(), w)
    weights, staleness = [], _served(w, curvature, lr, order)[1]
    for worker in np.asarray(order).tolist():
        fetched[worker] -= lr * curvature * fetched[worker]
        weights.append(fetched[worker])
    return np.array(weights), staleness


@served.wrong
def curvature_forgotten(w, curvature, lr, order):
    """The gradient is curvature * w, not w."""
    return _served(w, 1.0, lr, order)


@served.wrong
def divided_by_the_workers(w, curvature, lr, order):
    """You divided the learning rate by the number of workers. The server applies each gradient as it arrives."""
    return _served(w, curvature, lr / len(set(np.asarray(order).tolist())), order)
