"""The paper's Table 3 for any test set: how much more models and crops improve the error, and whether significantly.

In the paper, one model has a top-5 error of 10.07% with one crop and 7.89% with 144 crops; seven models have 8.09% and
6.67%. With its 50,000 images such differences are significant. With some hundreds of images they may not be, so each
difference to the base has an interval. It is a paired interval, because both settings are evaluated on the same images
(`intervals.paired_interval`).
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from minigooglenet import files, renamed
from minigooglenet.console import Table
from minigooglenet.evaluation.intervals import paired_interval
from minigooglenet.evaluation.metrics import ranks
from minigooglenet.evaluation.networks import Evaluation
from minigooglenet.typing import PathLike

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Change:
    """A top-k error, and its difference to the base with the bounds of the interval, all as fractions of 1."""

    k: int
    error: float
    difference: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0

    @property
    def told_apart(self) -> bool:
        """Old name of `significant`, until 0.3."""
        return bool(renamed.attribute(self, "told_apart", "significant"))


@dataclass(frozen=True)
class Row:
    """One setting; 0 crops means the whole image. The cost is the number of forward passes of one network per image."""

    models: int
    crops: int
    cost: int
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Table3:
    """The result of `table3`: its rows, the base first, and the numbers of images and classes.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> logits = np.eye(4)[:, None, None]  # 4 images, 1 model, 1 crop count, 4 classes: always right
    >>> evaluation = mg.evaluation.Evaluation(logits, (1,), np.arange(4), np.arange(4))
    >>> [change.error for change in mg.evaluation.table3(evaluation).rows[0].changes]  # top-1, top-2
    [0.0, 0.0]
    """

    rows: tuple[Row, ...]
    images: int
    classes: int

    def table(self) -> Table:
        """Return the table for the console."""
        ks = [change.k for change in self.rows[0].changes]
        columns = [">models", ">crops", ">cost"]
        for k in ks:
            columns += [f">top-{k} error", f">against base ({CONFIDENCE:.0%} interval)"]
        rows = [
            (
                row.models,
                row.crops or "whole",
                row.cost,
                *(cell for c in row.changes for cell in _cells(c, row is self.rows[0])),
            )
            for row in self.rows
        ]
        title = f"As the paper's Table 3: {self.images:,} images of {self.classes} classes, errors in %"
        notes = [
            "Intervals: paired, from the images on which both settings disagree. * means significant: the interval",
            "excludes 0. Of 20 settings with no effect, expect one * by chance.",
        ]
        if ks[-1] != 5:
            notes.append(f"Top-{ks[-1]} instead of top-5, because the data set has only {self.classes} classes.")
        return Table(title, tuple(columns), rows, notes)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers and lists; errors are fractions of 1."""
        rows = [asdict(row) for row in self.rows]
        for values, row in zip(rows, self.rows, strict=True):
            for change_values, change in zip(values["changes"], row.changes, strict=True):
                change_values["more_than_chance"] = change.significant
        return {"pictures": self.images, "classes": self.classes, "confidence": CONFIDENCE, "rows": rows}

    def to_json(self, path: PathLike) -> None:
        """Write `as_dict` to `path`."""
        files.write_text(path, json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n")

    def to_csv(self, path: PathLike) -> None:
        """Write one row per setting and k to `path`."""
        with files.atomic(path, "w") as file:
            writer = csv.writer(file)
            writer.writerow(("models", "crops", "cost", "k", "error", "difference", "low", "high", "more_than_chance"))
            for row in self.rows:
                for c in row.changes:
                    setting = (row.models, row.crops, row.cost)
                    writer.writerow((*setting, c.k, c.error, c.difference, c.low, c.high, c.significant))


def table3(evaluation: Evaluation, models: Sequence[int] | None = None) -> Table3:
    """Return the errors of an Evaluation for each number of models and crops, as in the paper's Table 3.

    Parameters
    ----------
    evaluation : Evaluation; the table has its numbers of crops
    models : numbers of models to average, such as (1, 3, 7); each averages the first models. By default 1, 3, 7 and the
        number of all models, as far as the evaluation has so many

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> probabilities = np.eye(4)[[0, 1, 2, 2]][:, None, None]  # the last of 4 images is misclassified
    >>> evaluation = mg.evaluation.Evaluation(probabilities, (1,), np.arange(4), np.arange(4))
    >>> mg.evaluation.table3(evaluation).rows[0].changes[0].error
    0.25
    """
    available, classes = evaluation.answers.shape[1], evaluation.answers.shape[3]
    numbers = sorted(set(models or ({1, 3, 7, available} & set(range(available + 1)))))
    ks = sorted({1, second_k(classes)})
    base, rows = None, []
    for count in numbers:
        for crops in evaluation.counts:
            rank = ranks(evaluation.probabilities(count, crops), evaluation.labels)
            wrong = {k: rank >= k for k in ks}
            base = base or wrong
            changes = tuple(_change(k, wrong[k], base[k]) for k in ks)
            rows.append(Row(count, crops, count * max(1, crops), changes))
    return Table3(tuple(rows), len(evaluation.labels), classes)


def second_k(classes: int) -> int:
    """Return the k that is reported next to 1: 5 as in the paper, but at most half of the classes.

    With five classes, the top 5 always contain the right class. The top half misses it half of the time by chance.
    """
    return max(1, min(5, classes // 2))


def _change(k, wrong, base):
    error = float(np.mean(wrong))
    if wrong is base:
        return Change(k, error, 0.0, 0.0, 0.0)
    return Change(k, error, (int(wrong.sum()) - int(base.sum())) / len(base), *paired_interval(wrong, base, CONFIDENCE))


def _cells(change, is_base):
    error = f"{100 * change.error:.2f}"
    if is_base:
        return error, "base  "
    difference, low, high = (f"{100 * value:+.2f}" for value in (change.difference, change.low, change.high))
    return error, f"{difference} ({low} to {high}) {'*' if change.significant else ' '}"
