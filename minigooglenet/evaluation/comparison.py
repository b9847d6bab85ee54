"""The paper's Table 3 for any test set: what more models and crops are worth, and whether that is more than chance.

The paper: one model with one crop has a top-5 error of 10.07%, with 144 crops 7.89%; seven models 8.09% and 6.67%. Its
50,000 images make such steps sure. A test set of some hundreds does not, so each difference to the base comes with an
interval, a paired one: both settings are asked about the same images (`intervals.paired_interval`).
"""

import csv
import json
from dataclasses import asdict, dataclass

import numpy as np

from minigooglenet import files
from minigooglenet.console import Table
from minigooglenet.evaluation.intervals import paired_interval
from minigooglenet.evaluation.metrics import ranks

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Change:
    """A top-k error, and its difference to the base with the bounds of its interval; all are shares of 1."""

    k: int
    error: float
    difference: float
    low: float
    high: float

    @property
    def told_apart(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Row:
    """One setting; 0 crops are the whole image. Its cost is in forward passes of one network for an image."""

    models: int
    crops: int
    cost: int
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Table3:
    """The rows, the base first; how many images and classes they are about."""

    rows: tuple[Row, ...]
    images: int
    classes: int

    def table(self) -> Table:
        """Return the table as a console prints it."""
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
        title = f"As the paper's Table 3: {self.images:,} images of {self.classes} classes, errors in per cent"
        notes = [
            "Intervals: paired, from images on which both disagree. * excludes 0: more than chance. Without * this",
            "test set does not tell the setting from the base. Of 20 settings with no effect, expect one * by chance.",
        ]
        if ks[-1] != 5:
            notes.append(f"Top-{ks[-1]} in place of top-5, because there are {self.classes} classes.")
        return Table(title, tuple(columns), rows, notes)

    def as_dict(self) -> dict:
        """Return everything as plain numbers and lists, shares of 1."""
        rows = [asdict(row) for row in self.rows]
        for row, own in zip(rows, self.rows, strict=True):
            for change, known in zip(row["changes"], own.changes, strict=True):
                change["more_than_chance"] = known.told_apart
        return {"pictures": self.images, "classes": self.classes, "confidence": CONFIDENCE, "rows": rows}

    def to_json(self, path) -> None:
        """Write `as_dict` to `path`."""
        files.write_text(path, json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n")

    def to_csv(self, path) -> None:
        """Write a line for each setting and k to `path`."""
        with files.atomic(path, "w") as file:
            writer = csv.writer(file)
            writer.writerow(("models", "crops", "cost", "k", "error", "difference", "low", "high", "more_than_chance"))
            for row in self.rows:
                for c in row.changes:
                    setting = (row.models, row.crops, row.cost)
                    writer.writerow((*setting, c.k, c.error, c.difference, c.low, c.high, c.told_apart))


def table3(evaluation, models=None) -> Table3:
    """Return the table of an Evaluation.

    Parameters
    ----------
    evaluation : Evaluation, whose numbers of crops are the table's
    models : how many models to average, such as (1, 3, 7): each the first so many; those of 1, 3, 7 and all that are
        there unless given
    """
    there, classes = evaluation.answers.shape[1], evaluation.answers.shape[3]
    models = sorted(set(models or ({1, 3, 7, there} & set(range(there + 1)))))
    ks = sorted({1, second_k(classes)})
    base, rows = None, []
    for count in models:
        for crops in evaluation.counts:
            rank = ranks(evaluation.probabilities(count, crops), evaluation.labels)
            wrong = {k: rank >= k for k in ks}
            base = base or wrong
            changes = tuple(_change(k, wrong[k], base[k]) for k in ks)
            rows.append(Row(count, crops, count * max(1, crops), changes))
    return Table3(tuple(rows), len(evaluation.labels), classes)


def second_k(classes: int) -> int:
    """Return the k that is told beside 1: 5 as in the paper, but at most half of the classes.

    Among five classes the top five are never wrong; of the top half, a network that guesses is wrong half of the time.
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
    return error, f"{difference} ({low} to {high}) {'*' if change.told_apart else ' '}"
