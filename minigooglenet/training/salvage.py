"""Which rows of a run's records can be this run's: a checkpoint knows enough to tell."""

import math
from collections import defaultdict

CLOSE = 1e-9  # relative; the numbers are the same, but for text written by another program


def cuts(trainer, state) -> list:
    """Return a `log.Cut` for each record of a Trainer that goes back to a checkpoint; nothing is written yet.

    The epochs are in the checkpoint. Steps are held against the settings and against the mean losses of the epochs, and
    gradients against the names of the nodes.
    """
    step, epochs = state["step"], [tuple(epoch) for epoch in state["epochs"]]
    return [
        trainer.log.plan(step, lambda rows: _steps(rows, trainer, state)),
        trainer.gradient_log.plan(step, lambda rows: (_gradients(rows, trainer), None)),
        trainer.epoch_log.plan(len(epochs), instead=epochs),
    ]


def _steps(rows, trainer, state):
    """Return (the rows of steps that can be this run's, a sentence about rows that are missing or None)."""
    settings, each = trainer.settings, trainer.steps_per_epoch
    of_epoch, last = defaultdict(list), -1
    for row in sorted(rows, key=_number):
        number, epoch, loss, accuracy, rate, images, seconds = row
        expected = settings.rate(number, trainer.steps, each)
        if (
            epoch == number // each
            and math.isfinite(loss)
            and 0 <= accuracy <= 1
            and math.isclose(rate, expected, rel_tol=CLOSE, abs_tol=1e-300)
            and 0 < images <= settings.batch_size
            and seconds >= 0
            and number > last
        ):
            of_epoch[epoch].append(row)
            last = number
    means = {number: (loss, accuracy) for number, loss, accuracy, *_ in state["epochs"]}
    images, loss, hits = state["tally"]
    if images:
        means[len(means)] = loss / images, hits / images
    verified = {epoch for epoch, those in of_epoch.items() if epoch in means and _adds_up(those, means[epoch])}
    odd = {epoch for epoch, those in of_epoch.items() if epoch not in verified and (not verified or len(those) >= each)}
    kept = [row for epoch, those in of_epoch.items() if epoch not in odd for row in those]
    lacking = [epoch + 1 for epoch in means if epoch not in verified]
    if not lacking:
        return kept, None
    which = f"epoch {lacking[0]}" if len(lacking) == 1 else f"{len(lacking)} epochs, the first of them {lacking[0]}"
    return kept, f"{trainer.log.path} lacks steps of {which}. The run continues; only its curve has a gap."


def _adds_up(rows, mean):
    images = sum(row[5] for row in rows)
    loss, hits = (sum(row[5] * row[place] for row in rows) / images for place in (2, 3))
    return math.isclose(loss, mean[0], rel_tol=1e-6) and math.isclose(hits, mean[1], rel_tol=1e-6, abs_tol=1e-12)


def _gradients(rows, trainer):
    kept = {}
    for row in sorted(rows, key=_number):
        _, node, norm = row
        if node in trainer.graph.nodes and 0 <= norm < math.inf and row[:2] not in kept:
            kept[row[:2]] = row
    return list(kept.values())


def _number(row):
    return row[0]
