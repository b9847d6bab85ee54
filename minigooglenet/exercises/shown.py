"""Values in messages: short, printable on any console, and with enough digits to distinguish two values."""

import numpy as np

from minigooglenet import console
from minigooglenet.exercises.plain import Odd, kind_of, plain

MOST = 200  # characters per value
DIGITS = (6, 9, 12, 15, 17)


def printable(text) -> str:
    """Return text, of one or several lines, in a form that every console can print."""
    return console.printable(text, "\n")


def brief(value) -> str:
    """Return any value in at most MOST characters."""
    value = plain(value)
    if isinstance(value, Odd):
        text = str(value)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**30:
        text = f"an integer of about 10**{_magnitude(value)}"
    elif isinstance(value, (np.ndarray, np.generic)):
        text = number(value[()]) if value.ndim == 0 else f"array {value.shape} {value.dtype}"
    elif isinstance(value, (list, tuple, dict, set)) and not _small(value):
        text = f"{kind_of(value)} of {len(value)} items"
    else:
        text = repr(value)
    text = printable(text)
    return text if len(text) <= MOST else f"{text[:MOST]}..."


def _magnitude(value):
    return int((abs(value).bit_length() - 1) * np.log10(2))


def _small(value, items=50):
    """Return whether a container may be printed: few items, and no integer that Python refuses to print."""
    flat = [value]
    for item in flat:
        if isinstance(item, (list, tuple, set, dict)):
            flat += [*item.keys(), *item.values()] if isinstance(item, dict) else item
        if len(flat) > items or (isinstance(item, int) and abs(item) >= 10**30) or isinstance(item, np.ndarray):
            return False
    return True


def error_text(error) -> str:
    """Return the text of an exception, even if its `__str__` is broken."""
    try:
        text = str(error)
        text = printable(text) if type(text) is str else ""
    except (Exception, SystemExit):
        text = "(its text cannot be shown)"
    return text if len(text) <= 3 * MOST else f"{text[: 3 * MOST]}..."


def number(value, digits=6) -> str:
    """Return one number with this many digits; an integer or a bool is exact."""
    value = np.asarray(value)[()]
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if value.dtype.kind in "iu":
        return str(int(value))
    return f"{complex(value) if value.dtype.kind == 'c' else float(value):.{digits}g}"


def pair(a, b) -> tuple[str, str]:
    """Return two different numbers as two texts that differ in value."""
    for digits in DIGITS:
        texts = number(a, digits), number(b, digits)
        if _parsed(texts[0]) != _parsed(texts[1]):
            return texts
    return f"{number(a, 17)} ({np.asarray(a).dtype})", f"{number(b, 17)} ({np.asarray(b).dtype})"


def _parsed(text):
    """Return the value of the text of a number: -7, -7.0 and -7+0j are equal."""
    return {"True": 1, "False": 0}.get(text) if text in ("True", "False") else complex(text)


def arrays(expected, got, differ) -> tuple[str, str]:
    """Return two arrays of one shape as text in which values that differ look different."""
    texts = "", ""
    for digits in (4, 8, 12, 17):
        texts = tuple(_array(values, digits) for values in (expected, got))
        cells = [np.array(_cells(values, digits)) for values in (expected, got)]
        if (cells[0] != cells[1])[differ.ravel()].all():
            break
    return texts


def _cells(values, digits):
    texts = np.array2string(values.ravel(), max_line_width=10**9, threshold=10**9, **_style(digits))
    return texts.strip("[]").replace("+ ", "+").replace("- ", "-").split()


def _array(values, digits):
    return np.array2string(values, **_style(digits))


def _style(digits):
    return {"precision": digits, "suppress_small": digits == 4, "floatmode": "maxprec" if digits < 17 else "unique"}
