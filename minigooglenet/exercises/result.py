"""What a check says: whether it passed, which mistake it recognised, and a case small enough to read."""

import base64
import html
import io
from dataclasses import dataclass, field

import numpy as np

PASSED, WRONG, NOT_YET = "passed", "wrong", "not yet"
MOST_SHOWN = 64  # values of an array that are worth printing


@dataclass
class Result:
    """The answer of a check. In a notebook it shows itself; `print(result)` says the same in text.

    Attributes
    ----------
    number : of the exercise
    status : "passed", "wrong" or "not yet"
    mistake : name of a known mistake whose outputs these are, or None
    what : what differs;  looks_like : what it looks like;  advice : one thing to try
    inputs : {name: array} of the failing case;  expected, got : the arrays that differ, where there are any
    """

    number: str
    status: str
    mistake: str | None = None
    what: str = ""
    looks_like: str = ""
    advice: str = ""
    inputs: dict = field(default_factory=dict)
    expected: np.ndarray | None = None
    got: np.ndarray | None = None

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == PASSED

    def __str__(self):
        lines = [f"{self.number}: {self.status}."]
        for label, text in (("WHAT", self.what), ("LOOKS LIKE", self.looks_like), ("TRY", self.advice)):
            if text:
                lines.append(f"{label:10}  {text}")
        if self.expected is not None:
            lines += self._case()
        return "\n".join(lines)

    __repr__ = __str__

    def _case(self):
        lines = ["", "the case:"]
        for name, value in self.inputs.items():
            lines.append(f"  {name} = {_brief(value)}")
        expected, got, place = _slice(self.expected, self.got)
        lines += [f"expected{place}:", _array(expected), f"yours{place}:", _array(got)]
        if expected.ndim == 2 and expected.shape == got.shape:
            lines += ["where they differ (#):", *difference_map(expected, got)]
        return lines

    def _repr_html_(self):
        picture = ""
        if self.expected is not None and np.shape(self.expected) == np.shape(self.got):
            expected, got, place = _slice(self.expected, self.got)
            if expected.ndim == 2:
                data = base64.b64encode(_picture(expected, got)).decode()
                alt = html.escape(
                    f"expected, yours and the difference{place}, as pictures; the text above has the numbers"
                )
                picture = f'<br><img alt="{alt}" src="data:image/png;base64,{data}">'
        return f"<pre>{html.escape(str(self))}</pre>{picture}"


def difference_map(expected, got) -> list[str]:
    """Return rows of text with # where two arrays (H, W) differ and . where they agree."""
    from minigooglenet.exercises.outputs import close

    return ["  " + "".join("." if same else "#" for same in row) for row in close(got, expected, 1e-9)]


def _slice(expected, got):
    """Return the two-dimensional parts of two arrays around their first difference, and which part that is."""
    from minigooglenet.exercises.outputs import close

    if expected.shape != got.shape or expected.ndim < 3:
        return expected, got, ""
    first = tuple(map(int, np.argwhere(~close(got, expected, 1e-9))[0][: expected.ndim - 2]))
    return expected[first], got[first], f"[{', '.join(map(str, first))}]"


def _brief(value):
    if isinstance(value, np.ndarray):
        values = f" {np.array2string(value, separator=', ', prefix='    ')}" if value.size <= MOST_SHOWN else ""
        return f"array {value.shape} {value.dtype}{values}"
    return repr(value)[:200]


def _array(values):
    if values.size > MOST_SHOWN:
        values = values[tuple(slice(0, 8) for _ in values.shape)]
        return _indented(np.array2string(values, precision=4, suppress_small=True)) + "\n  (only a corner)"
    return _indented(np.array2string(np.asarray(values), precision=4, suppress_small=True))


def _indented(text):
    return "\n".join("  " + line for line in text.splitlines())


def _picture(expected, got):
    from minigooglenet import figures

    figure, axes = figures.new(7, 2.6, ncols=3)
    real = [np.nan_to_num(np.real(values).astype(float)) for values in (expected, got)]
    largest = max(abs(values).max() for values in real) or 1
    for axis, values, title in zip(axes, (*real, real[1] - real[0]), ("expected", "yours", "difference"), strict=True):
        axis.imshow(values, cmap=figures.DIVERGING, vmin=-largest, vmax=largest)
        axis.set_title(title, fontsize=10)
        axis.set(xticks=[], yticks=[])
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=80)
    return file.getvalue()
