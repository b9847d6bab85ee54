"""Rows of numbers that grow with the training: in memory, or in CSV files that can be cut back to a checkpoint.

What somebody else wrote into a file is never an error and never lost: rows that cannot be those of the run are left
out, because its checkpoint knows enough to tell, and when the file is cut, it is moved aside with them.
"""

import csv
import itertools
import math
import os
import stat
from collections import defaultdict
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from minigooglenet import files

LONGEST = 10_000  # bytes of a row
DAMAGED = "damaged"
CLOSE = 1e-9  # relative; the numbers are the same, but for text written by another program
STEP_COLUMNS = ("step", "epoch", "loss", "accuracy", "rate", "images", "seconds")
GRADIENT_COLUMNS = ("step", "node", "norm")


class Epoch(NamedTuple):
    """What one epoch came to: means over its batches, and over the held-out images at its end."""

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float


def best_epoch(epochs) -> Epoch | None:
    """Return the Epoch with the highest held-out accuracy; of equals, the one with the lowest loss, then the first.

    None if no held-out image could be used in any epoch.
    """
    best = None
    for epoch in epochs:
        if not math.isnan(epoch.test_accuracy) and (best is None or _score(epoch) > _score(best)):
            best = epoch
    return best


def _score(epoch):
    return epoch.test_accuracy, -math.inf if math.isnan(epoch.test_loss) else -epoch.test_loss


class Found(NamedTuple):
    """What a CSV file holds: rows that fit, how many do not, and whether the bytes are exactly those of the rows."""

    rows: list[tuple]
    bad: int
    exact: bool


class Cut(NamedTuple):
    """How a log will be cut: rows to keep, and a sentence if the file is moved aside or is not complete."""

    log: "Log"
    rows: list[tuple]
    rewrite: bool
    aside: Path | None
    sentence: str | None

    def carry_out(self) -> None:
        """Write what `Log.plan` planned."""
        if self.aside is not None:
            self.log.path.rename(self.aside)
        if self.rewrite:
            with files.atomic(self.log.path, "w") as file:
                csv.writer(file, lineterminator="\n").writerows([self.log.columns, *self.rows])


class Log:
    """Rows under `columns`; the first counts steps or epochs from 0, and never falls.

    path : of the CSV file, or None to keep the rows in memory
    kinds : int, float (a finite number or nan) or str for each column; by default whatever a row looks like
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
        """Return once every row is on the disk, so that a checkpoint may count on it."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def cut(self, count):
        """Drop the rows whose first number is `count` or more, and a last row that a crash tore; return a sentence.

        The sentence is None unless something else was in the file, which then is moved aside.
        """
        self.close()
        if self.path is None:
            self._rows = [row for row in self._rows if row[0] < count]
            return None
        cut = self.plan(count)
        cut.carry_out()
        return cut.sentence

    def plan(self, count, fits=None, instead=None) -> Cut:
        """Return how to cut the file; nothing is written yet.

        Parameters
        ----------
        count : rows whose first number is as large are dropped, as later than the checkpoint
        fits : function that takes the rows below `count` and returns (those that can be this run's, a sentence or None)
        instead : all the rows that there should be, where the checkpoint has them
        """
        if not os.path.lexists(self.path):
            lost = bool(instead)
            return Cut(self, instead or [], lost, None, f"{self.path} was missing and is restored." if lost else None)
        if not _is_file(self.path):
            aside = self._aside()
            why = f"{self.path} was not a regular file. It is now {aside.name}"
            return Cut(self, instead or [], True, aside, self._told(why, instead or [], instead))
        found = self._read()
        rows = [row for row in found.rows if row[0] < count]
        kept, sentence = (rows, None) if fits is None else fits(rows)
        odd = found.bad + len(rows) - len(kept)
        if not odd and kept != rows:  # out of order
            odd = sum(later[0] < row[0] for row, later in itertools.pairwise(rows))
        if instead is not None:
            there, here = [repr(row) for row in kept], [repr(row) for row in instead]  # nan is not equal to nan
            odd += sum(row not in here for row in there)
            sentence = None if there == here else f"{self.path} lacked rows, which are restored from the checkpoint."
            kept = instead
        if odd:
            aside = self._aside()
            rows = "1 row" if odd == 1 else f"{odd:,} rows"
            why = f"{self.path} had {rows} that this run did not write so. It is now {aside.name}"
            return Cut(self, kept, True, aside, self._told(why, kept, instead))
        whole = found.exact and len(kept) == len(found.rows) and sentence is None
        return Cut(self, kept, not whole, None, sentence)

    def _told(self, why, kept, instead):
        if instead is not None:
            return f"{why}, and {self.path.name} is restored from the checkpoint."
        return f"{why}, and {self.path.name} has the {len(kept):,} other rows." if kept else f"{why}."

    def _aside(self):
        """Return a name beside the file that is free."""
        number = 1
        while os.path.lexists(aside := self.path.with_name(f"{self.path.name}.{DAMAGED}-{number}")):
            number += 1
        return aside

    def rows(self) -> list[tuple]:
        """Return all rows that fit: whole numbers as int, others as float, words as they are."""
        if self.path is None:
            return list(self._rows)
        if self._file is not None:
            self._file.flush()
        return self._read().rows if _is_file(self.path) else []

    def _read(self) -> Found:
        rows, bad = [], 0
        with self.path.open("rb") as file:
            head = file.readline(LONGEST)
            header = head.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n") == ",".join(self.columns).encode()
            exact = header and head == ",".join(self.columns).encode() + b"\n"
            if not header:
                if head.endswith(b"\n") or file.read(1):
                    bad += 1
                file.seek(0 if self._row(head) else len(head))  # the header alone may be lost
            while line := file.readline(LONGEST):
                row = self._row(line)
                if not line.endswith(b"\n"):
                    exact = False
                    if len(line) < LONGEST:
                        break  # a crash tore it
                    row = None
                    while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                        pass
                if row is None:
                    bad += 1
                else:
                    rows.append(row)
                    exact = exact and not line.endswith(b"\r\n")
        return Found(rows, bad, exact)

    def _row(self, line):
        """Return the values of a line, or None if it cannot be a row of this log."""
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
        """Close the file; a later row opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None


def run_logs(out):
    """Return the Logs of a run's steps, epochs and gradients: files in the folder `out`, or in memory if it is None."""
    steps, epochs, gradients = (
        None if out is None else out / f"{name}.csv" for name in ("steps", "epochs", "gradients")
    )
    return (
        Log(STEP_COLUMNS, steps, (int, int, float, float, float, int, float)),
        Log(Epoch._fields, epochs),
        Log(GRADIENT_COLUMNS, gradients, (int, str, float)),
    )


def cuts(trainer, state) -> list:
    """Return a Cut for each record of a Trainer that goes back to a checkpoint; nothing is written yet.

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
    for row in sorted(rows, key=itemgetter(0)):
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
    for row in sorted(rows, key=itemgetter(0)):
        _, node, norm = row
        if node in trainer.graph.nodes and 0 <= norm < math.inf and row[:2] not in kept:
            kept[row[:2]] = row
    return list(kept.values())


_BAD = object()


def _value(text, kind):
    if kind is None:
        return next((value for each in (int, float) if (value := _number(text, each)) is not _BAD), text or None)
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
    """Return whether there is a file to read, through links too: a pipe would keep its reader waiting."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False
    except OSError as error:
        if path.is_symlink():  # one that leads to itself
            return False
        raise error
