"""The result of a check: whether the answer passed, the known mistake, and a test case small enough to read."""

import html
import textwrap
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigooglenet import console, figures
from minigooglenet.exercises import shown
from minigooglenet.exercises.outputs import close
from minigooglenet.typing import Array

PASSED, WRONG, NOT_YET = "passed", "wrong", "not yet"
MOST_SHOWN = 64  # values of an array that are printed in full
SMALL = 80  # dots per inch of the figure
CORNER = 8  # values along each axis of a larger array
_FONT = f"font-family:monospace;font-size:{console.CODE_SIZE}"  # one size for all parts, independent of the page
_CELL = f"text-align:left;vertical-align:top;white-space:pre-wrap;padding:0 1em 0 0;line-height:1.3;{_FONT}"


@dataclass
class Result:
    """The result of a check. A notebook shows it with a figure; `print(result)` prints it as text.

    Attributes
    ----------
    number : exercise ID
    status : "passed", "wrong" or "not yet"
    mistake : name of the known mistake with these outputs, or None
    what : the first difference;  looks_like : its explanation;  advice : one thing to try
    inputs : {name: array} of the failing test case;  expected, got : the arrays that differ, or None
    differ : boolean array of the positions that differ, by the tolerance of the check
    """

    number: str
    status: str
    mistake: str | None = None
    what: str = ""
    looks_like: str = ""
    advice: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    expected: Array | None = None
    got: Array | None = None
    differ: Array | None = None

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == PASSED

    def points(self, of: float = 1) -> float:
        """Return `of` points for a pass, otherwise 0. nbgrader reads this number."""
        return of if self.passed else 0

    def __str__(self):
        sentences = [f"{label:10}  {text}" for label, text in self._sentences()]
        case = ["", *self._case()] if self.inputs else self._case()
        return "\n".join([f"{self.number}: {self.status}.", *sentences, *case])

    __repr__ = __str__

    def _sentences(self):
        """Return the sentences with their labels."""
        sentences = (("WHAT", self.what), ("LOOKS LIKE", self.looks_like), ("TRY", self.advice))
        return [(label, shown.printable(text)) for label, text in sentences if text]

    def _case(self):
        """Return the lines of the failing test case: its inputs, and the arrays that differ."""
        named = [line for name, value in self.inputs.items() for line in f"  {name} = {_brief(value)}".splitlines()]
        return [*(["test case:", *named] if named else []), *(self._arrays() if self.expected is not None else [])]

    def _arrays(self):
        expected, got, differ, index = self._shown()
        if expected.shape != got.shape:
            both = (_array(values) for values in (expected, got))
        else:
            both = _arrays(expected, got, differ)
        lines = [
            line
            for name, text in zip(("expected", "yours"), both, strict=True)
            for line in (f"{name}{index}:", *("  " + row for row in text.splitlines()))
        ]
        if expected.ndim == 2 and expected.shape == got.shape:
            lines += ["where they differ (#):", *difference_map(differ)]
        return lines

    def _shown(self):
        """Return two-dimensional slices of the arrays with their first difference, where they differ, and the index."""
        expected, got = np.asarray(self.expected), np.asarray(self.got)
        if expected.shape != got.shape:
            return expected, got, None, ""
        differ = ~close(got, expected) if self.differ is None else self.differ
        if expected.ndim < 3 or not differ.any():
            return expected, got, differ, ""
        first = tuple(map(int, np.argwhere(differ)[0][: expected.ndim - 2]))
        return expected[first], got[first], differ[first], f"[{', '.join(map(str, first))}]"

    def _repr_html_(self):
        rows = "".join(
            f'<tr><th style="{_CELL};white-space:nowrap">{label}</th><td style="{_CELL}">{html.escape(text)}</td></tr>'
            for label, text in self._sentences()
        )
        case = self._case()
        return (
            f'<div style="{_FONT}">{self.number}: {self.status}.</div>'
            f'<table style="{_FONT};margin:0">{rows}</table>'
            f"{console.monospaced(chr(10).join(case)) if case else ''}{self._image()}"
        )

    def _image(self):
        """Return a figure of the arrays that differ in HTML, if they are matrices of one shape."""
        if self.expected is None:
            return ""
        expected, got, differ, index = self._shown()
        if expected.ndim != 2 or expected.shape != got.shape or not expected.size:
            return ""
        figure = _drawn(expected, got)
        rows = np.flatnonzero(differ.any(axis=1))
        columns = np.flatnonzero(differ.any(axis=0))
        alt = f"expected{index}, yours and their difference as images: {differ.sum()} of {differ.size} values differ"
        if len(rows):
            alt += f", in rows {rows[0]} to {rows[-1]} and columns {columns[0]} to {columns[-1]}"
        return figures.image(figure, figures.pixels(figure, SMALL), alt, SMALL)


def difference_map(differ) -> list[str]:
    """Return rows of text with # where two arrays (H, W) differ and . where they agree."""
    return ["  " + "".join("#" if wrong else "." for wrong in row[:200]) for row in differ[:50]]


def _brief(value):
    if isinstance(value, np.ndarray):
        head = f"array {value.shape} {value.dtype}"
        if value.size > MOST_SHOWN:
            return head
        text = np.array2string(value, separator=", ")
        if "\n" not in text:
            return f"{head} {text}"
        return f"{head}\n{textwrap.indent(text, '    ')}"  # below the head, so that the columns stay aligned
    return shown.brief(value)


def _corner(values):
    """Return the part of an array that is printed, and a note if values are left out."""
    part = values[tuple(slice(0, CORNER) for _ in values.shape)] if values.size > MOST_SHOWN else values
    return part, "" if part.size == values.size else f"\n(only the first {CORNER} values along each axis)"


def _array(values):
    part, note = _corner(values)
    return np.array2string(part, precision=4, suppress_small=True) + note


def _arrays(expected, got, differ):
    (right, note), (returned, _), (wrong, _) = map(_corner, (expected, got, differ))
    return tuple(text + note for text in shown.arrays(right, returned, wrong))


def _drawn(expected, got):
    figure, axes = figures.new(7, 2.6, ncols=3)
    real = [np.nan_to_num(np.real(values).astype(float), posinf=0, neginf=0) for values in (expected, got)]
    largest = max(abs(values).max() for values in real) or 1
    real = [values / largest for values in real]
    for axis, values, title in zip(axes, (*real, real[1] - real[0]), ("expected", "yours", "difference"), strict=True):
        axis.imshow(values, cmap=figures.DIVERGING, vmin=-1, vmax=1)
        axis.set_title(title, fontsize=10)
        axis.set(xticks=[], yticks=[])
    return figure
