"""Rows of numbers that grow with the training: in memory, or in a CSV file that can be cut back to a checkpoint."""

import csv
import os
from pathlib import Path

from minigooglenet import files


class Log:
    """Rows under `columns`; the first counts steps or epochs from 0, and never falls.

    path : of the CSV file, or None to keep the rows in memory
    """

    def __init__(self, columns, path=None):
        self.columns, self.path = tuple(columns), None if path is None else Path(path)
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
        """Drop the rows whose first number is `count` or more, and a last row that a crash tore."""
        self.close()
        kept = [row for row in self.rows() if row[0] < count]
        if self.path is None:
            self._rows = kept
        elif self.path.exists():
            with files.atomic(self.path, "w") as file:
                csv.writer(file, lineterminator="\n").writerows([self.columns, *kept])

    def rows(self) -> list[tuple]:
        """Return all rows: whole numbers as int, others as float, words as they are."""
        if self.path is None:
            return list(self._rows)
        if self._file is not None:
            self._file.flush()
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            lines = [line for line in file if line.endswith("\n")][1:]
        return [tuple(map(_read, row)) for row in csv.reader(lines) if len(row) == len(self.columns)]

    def close(self):
        """Close the file; a later row opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _read(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text or None
