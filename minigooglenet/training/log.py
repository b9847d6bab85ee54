"""Logs of a training run, in memory or in CSV files, which can be truncated to the step of a checkpoint.

Rows that someone else wrote into a file are never an error and never lost. The checkpoint has enough information to
detect rows that this run cannot have written. They are left out, and the file that contains them is renamed and kept.
"""

import csv
import itertools
import math
import os
import stat
from collections import defaultdict
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from minigooglenet import files

LONGEST = 10_000  # bytes of a row
CORRUPT = "corrupt"  # part of the name of a file that was renamed and kept
CLOSE = 1e-9  # relative tolerance: another program may have written the same numbers with fewer digits
STEP_COLUMNS = ("step", "epoch", "loss", "accuracy", "rate", "images", "seconds")
GRADIENT_COLUMNS = ("step", "node", "norm")


class Epoch(NamedTuple):
    """The results of one epoch: means over its batches, and over the held-out images at its end.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> epoch = mg.training.Epoch(0, 0.9, 0.7, 0.5, 0.85, seconds=12.0)
    >>> epoch.test_accuracy
    0.85
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float


def best_epoch(epochs) -> Epoch | None:
    """Return the Epoch with the highest held-out accuracy; of several, the one with the lowest loss, then the first.

    None if no held-out image could be used in any epoch.
    """
    best = None
    for epoch in epochs:
        if not math.isnan(epoch.test_accuracy) and (best is None or _quality(epoch) > _quality(best)):
            best = epoch
    return best


def _quality(epoch):
    return epoch.test_accuracy, -math.inf if math.isnan(epoch.test_loss) else -epoch.test_loss


class Contents(NamedTuple):
    """The contents of a CSV file: its valid rows, the number of bad rows, and whether it has no other bytes."""

    rows: list[tuple[Any, ...]]
    bad: int
    exact: bool


class Truncation(NamedTuple):
    """How to truncate a log: the rows to keep, and a sentence if the file is renamed or incomplete."""

    log: "Log"
    rows: list[tuple[Any, ...]]
    rewrite: bool
    kept_as: Path | None
    sentence: str | None

    def carry_out(self) -> None:
        """Write the file as `Log.plan` planned it."""
        if self.kept_as is not None and self.log.path is not None:
            self.log.path.rename(self.kept_as)
        if self.rewrite:
            with files.atomic(self.log.path, "w") as file:
                csv.writer(file, lineterminator="\n").writerows([self.log.columns, *self.rows])


class Log:
    """Rows under `columns`; the first column counts steps or epochs from 0, and never decreases.

    path : path of the CSV file, or None to keep the rows in memory
    kinds : int, float (a finite number or nan) or str for each column; by default the type that a value looks like
    """

    def __init__(self, columns, path=None, kinds=None):
        self.columns, self.path = tuple(columns), None if path is None else Path(path)
        self.kinds = (int, *[None] * (len(self.columns) - 1)) if kinds is None else tuple(kinds)
        self._rows, self._file = [], None

    def add(self, *row):
        """Append a row."""
        if self.path is None:
            self._rows.append(row)
            return
        if self._file is None:
            new = not self.path.exists() or self.path.stat().st_size == 0
            self._file = self.path.open("a", encoding="utf-8", newline="")
            if new:
                csv.writer(self._file, lineterminator="\n").writerow(self.columns)
        csv.writer(self._file, lineterminator="\n").writerow(row)

    def sync(self):
        """Write every row to the disk, so that a checkpoint can rely on it."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def truncate(self, count):
        """Drop the rows from step or epoch `count` on, and a last row that a crash truncated.

        If the file contained anything else, it is renamed and kept; return a sentence about that, or None.
        """
        self.close()
        if self.path is None:
            self._rows = [row for row in self._rows if row[0] < count]
            return None
        truncation = self.plan(count)
        truncation.carry_out()
        return truncation.sentence

    def plan(self, count, fits=None, instead=None) -> Truncation:
        """Return how to truncate the file; nothing is written yet.

        Parameters
        ----------
        count : the step or epoch of the checkpoint, from which on rows are dropped
        fits : function that takes the rows before `count` and returns (the rows that this run can have written, a
            sentence or None)
        instead : all rows that the file should have, if the checkpoint contains them
        """
        assert self.path is not None  # rows in memory need no plan
        if not os.path.lexists(self.path):
            lost = bool(instead)
            sentence = f"{self.path} was missing and is restored." if lost else None
            return Truncation(self, instead or [], lost, None, sentence)
        if not _is_file(self.path):
            kept_as = self._free_name()
            reason = f"{self.path} was not a regular file. It is now {kept_as.name}"
            return Truncation(self, instead or [], True, kept_as, self._sentence(reason, instead or [], instead))
        contents = self._read()
        rows = [row for row in contents.rows if row[0] < count]
        kept, sentence = (rows, None) if fits is None else fits(rows)
        odd = contents.bad + len(rows) - len(kept)
        if not odd and kept != rows:  # out of order
            odd = sum(later[0] < row[0] for row, later in itertools.pairwise(rows))
        if instead is not None:
            actual, expected = [repr(row) for row in kept], [repr(row) for row in instead]  # nan is not equal to nan
            odd += sum(row not in expected for row in actual)
            lacked = f"{self.path} lacked rows, which are restored from the checkpoint."
            sentence = None if actual == expected else lacked
            kept = instead
        if odd:
            kept_as = self._free_name()
            number = "1 row" if odd == 1 else f"{odd:,} rows"
            reason = f"{self.path} had {number} that this run did not write. It is now {kept_as.name}"
            return Truncation(self, kept, True, kept_as, self._sentence(reason, kept, instead))
        unchanged = contents.exact and len(kept) == len(contents.rows) and sentence is None
        return Truncation(self, kept, not unchanged, None, sentence)

    def _sentence(self, reason, kept, instead):
        assert self.path is not None
        if instead is not None:
            return f"{reason}, and {self.path.name} is restored from the checkpoint."
        return f"{reason}, and {self.path.name} has the {len(kept):,} other rows." if kept else f"{reason}."

    def _free_name(self):
        """Return an unused path next to the file."""
        assert self.path is not None
        number = 1
        while os.path.lexists(path := self.path.with_name(f"{self.path.name}.{CORRUPT}-{number}")):
            number += 1
        return path

    def rows(self) -> list[tuple[Any, ...]]:
        """Return all valid rows: integers as int, other numbers as float, text unchanged."""
        if self.path is None:
            return list(self._rows)
        if self._file is not None:
            self._file.flush()
        return self._read().rows if _is_file(self.path) else []

    def _read(self) -> Contents:
        assert self.path is not None
        rows, bad = [], 0
        with self.path.open("rb") as file:
            head = file.readline(LONGEST)
            header = head.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n") == ",".join(self.columns).encode()
            exact = header and head == ",".join(self.columns).encode() + b"\n"
            if not header:
                if head.endswith(b"\n") or file.read(1):
                    bad += 1
                file.seek(0 if self._row(head) else len(head))  # only the header may be missing
            while line := file.readline(LONGEST):
                row = self._row(line)
                if not line.endswith(b"\n"):
                    exact = False
                    if len(line) < LONGEST:
                        break  # a crash truncated it
                    row = None
                    while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                        pass
                if row is None:
                    bad += 1
                else:
                    rows.append(row)
                    exact = exact and not line.endswith(b"\r\n")
        return Contents(rows, bad, exact)

    def _row(self, line):
        """Return the values of a line, or None if the line is not a valid row of this log."""
        try:
            text = line.decode()
            if "\0" in text:
                return None
            cells = next(csv.reader([text], strict=True), [])
        except (UnicodeDecodeError, csv.Error):
            return None
        if len(cells) != len(self.columns):
            return None
        row = tuple(_value(cell, kind) for cell, kind in zip(cells, self.kinds, strict=True))
        return None if any(value is _BAD for value in row) or row[0] < 0 else row

    def close(self):
        """Close the file; the next row opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None


def run_logs(out):
    """Return the Logs of the steps, epochs and gradients of a run, as files in `out`, or in memory if it is None."""
    steps, epochs, gradients = (
        None if out is None else out / f"{name}.csv" for name in ("steps", "epochs", "gradients")
    )
    return (
        Log(STEP_COLUMNS, steps, (int, int, float, float, float, int, float)),
        Log(Epoch._fields, epochs),
        Log(GRADIENT_COLUMNS, gradients, (int, str, float)),
    )


def truncations(trainer, state) -> list[Truncation]:
    """Return a Truncation of each log of a Trainer to the step of a checkpoint; nothing is written yet.

    The epochs are in the checkpoint. Steps are compared with the settings and with the mean losses of the epochs, and
    gradients with the names of the nodes.
    """
    step, epochs = state["step"], [tuple(epoch) for epoch in state["epochs"]]
    return [
        trainer.log.plan(step, lambda rows: _steps(rows, trainer, state)),
        trainer.gradient_log.plan(step, lambda rows: (_gradients(rows, trainer), None)),
        trainer.epoch_log.plan(len(epochs), instead=epochs),
    ]


def _steps(rows, trainer, state):
    """Return (the rows of steps that this run can have written, a sentence about missing rows or None)."""
    settings, per_epoch = trainer.settings, trainer.steps_per_epoch
    of_epoch, last = defaultdict(list), -1
    for row in sorted(rows, key=itemgetter(0)):
        number, epoch, loss, accuracy, rate, images, seconds = row
        expected = settings.rate(number, trainer.steps, per_epoch)
        if (
            epoch == number // per_epoch
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
    verified = {epoch for epoch, part in of_epoch.items() if epoch in means and _adds_up(part, means[epoch])}
    suspects = {epoch: part for epoch, part in of_epoch.items() if epoch not in verified}
    odd = {epoch for epoch, part in suspects.items() if not verified or len(part) >= per_epoch}
    kept = [row for epoch, part in of_epoch.items() if epoch not in odd for row in part]
    lacking = [epoch + 1 for epoch in means if epoch not in verified]
    if not lacking:
        return kept, None
    which = f"epoch {lacking[0]}" if len(lacking) == 1 else f"{len(lacking)} epochs, the first of them {lacking[0]}"
    return kept, f"{trainer.log.path} lacks steps of {which}. The run continues, but its training curve has a gap."


def _adds_up(rows, mean):
    images = sum(row[5] for row in rows)
    loss, hits = (sum(row[5] * row[column] for row in rows) / images for column in (2, 3))
    return math.isclose(loss, mean[0], rel_tol=1e-6) and math.isclose(hits, mean[1], rel_tol=1e-6, abs_tol=1e-12)


def _gradients(rows, trainer):
    kept = {}
    for row in sorted(rows, key=itemgetter(0)):
        _, node, norm = row
        if node in trainer.graph.nodes and 0 <= norm < math.inf and row[:2] not in kept:
            kept[row[:2]] = row
    return list(kept.values())


_BAD = object()


def _value(text, kind):
    if kind is None:
        return next((value for number in (int, float) if (value := _number(text, number)) is not _BAD), text or None)
    if kind is str:
        return text if text else _BAD
    value = _number(text, kind)
    return _BAD if value is not _BAD and kind is float and math.isinf(value) else value


def _number(text, kind):
    try:
        return kind(text) if len(text) < 40 and text.isascii() and text == text.strip() and "_" not in text else _BAD
    except ValueError:
        return _BAD


def _is_file(path) -> bool:
    """Return whether a path is a file or a link to one; reading a pipe would block."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False
    except OSError as error:
        if path.is_symlink():  # a link to itself
            return False
        raise error
