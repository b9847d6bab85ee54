"""Variants of correct answers to exercises, with other round-off or other containers for their values.

A variant is a function of one value that an answer returns, or of the whole answer if the answer is not a function.
"""

import re

import numpy as np

from minigooglenet.exercises.find import find


def leaves(value, change):
    """Return a nested value with `change` applied to every array and number."""
    if isinstance(value, dict):
        return {key: leaves(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(leaves(item, change) for item in value)
    return change(value) if isinstance(value, (np.ndarray, np.generic, int, float, np.bool_)) else value


def then(function, change):
    """Return a function that applies `change` to the outputs of another."""
    return lambda *given: leaves(function(*given), change)


def noisy(value, relative=1e-13):
    """Return a value with an error of a fraction of its largest entry."""
    noise = np.random.default_rng(0).uniform(-relative, relative, np.shape(value))
    values = np.asarray(value)
    return value * (1 + noise) + np.max(np.abs(values[np.isfinite(values)]), initial=0) * noise


def tuples(value):
    """Return nested lists as nested tuples."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


class Loud(np.ndarray):
    """An array whose methods all fail."""

    def _fail(self, *arguments, **named):
        raise RuntimeError("broken")

    __eq__ = __ne__ = __bool__ = __float__ = __len__ = __getitem__ = __repr__ = __str__ = __array_ufunc__ = _fail
    __array_function__ = __reduce__ = __deepcopy__ = _fail
    __hash__ = None


ROUNDED = {
    "times 3 and back": lambda value: np.multiply(value, 3.0) / 3,
    "a seventh and back": lambda value: np.divide(value, 7) * 7,
    "noise": noisy,
}
CONTAINERS = {
    "lists": lambda value: np.asarray(value).tolist(),
    "tuples": lambda value: tuples(np.asarray(value).tolist()),
    "arrays": np.array,
    "NumPy's numbers": lambda value: np.asarray(value)[()] if np.ndim(value) == 0 else list(np.asarray(value)),
    "0-d arrays": lambda value: np.array(value) if np.ndim(value) == 0 else [np.array(part) for part in value],
    "column order": lambda value: np.asfortranarray(value) if np.ndim(value) else np.float64(value),
    "reversed strides": lambda value: np.array(np.asarray(value)[::-1])[::-1] if np.ndim(value) else value,
    "a subclass": lambda value: np.array(value).view(Loud),
    "unmasked": lambda value: np.ma.masked_array(value),
    "objects": lambda value: np.array(value, object),
    "double length": lambda value: np.asarray(value, np.longdouble),
    "complex": lambda value: np.asarray(value) + 0j,
}
LOOP_OVER_IMAGES = ("tuples", "NumPy's numbers", "0-d arrays", "iterators of arrays")  # forbidden in 13.2
# For a whole output or answer: other sequences instead of lists and tuples.
SEQUENCES = {
    "lists of parts": lambda value: list(value) if isinstance(value, (tuple, set, np.ndarray)) else value,
    "tuples of parts": lambda value: tuple(value) if isinstance(value, (list, set, np.ndarray)) else value,
    "generators": lambda value: (part for part in value) if isinstance(value, (list, tuple)) else value,
    "iterators of arrays": lambda value: iter(value) if isinstance(value, np.ndarray) and value.ndim else value,
}
# {exercise: arguments in which it is linear}; the variant computes with a third of them and multiplies by 3.
LINEAR = {
    "01.1": "xb",
    "01.3": "xb",
    "02.1": "x",
    "02.2": "xb",
    "02.3": ["cols"],
    "02.4": "w",
    "03.1": ["dout"],
    "03.2": ["dout"],
    "03.3": ["dout"],
    "03.4": ["dout"],
    "05.2": ["dout"],
    "05.3": ["dout"],
    "05.4": ["dout"],
    "05.6": ["dout"],
    "05.8": ["grads"],
    "07.6": ["w1"],
    "08.4": ["dout"],
    "08.6": ["features"],
    "13.2": "xb",
    "13.4": "d",
    "13.7": "d",
    "14.1": ["first"],
    "14.5": "x",
}
# Sums in the opposite order: {argument: axis to reverse}, {part of the output (None: all of it): axis}.
REVERSED = {
    "01.1": ({"x": 1, "w": 1}, {}),
    "01.3": ({"x": 1, "w": 1}, {}),
    "02.2": ({"x": 1, "w": 1}, {}),
    "03.1": ({"dout": 0}, {}),
    "03.2": ({"x": 0, "dout": 0}, {}),
    "03.3": ({"dout": 1, "w": 0}, {}),
    "03.4": ({"dout": 1, "w": 0}, {}),
    "05.5": ({"z": 0, "labels": 0}, {1: 0}),
    "05.8": ({"grads": 0}, {}),
    "07.6": ({"w1": 0, "w2": 1}, {}),
    "08.6": ({"features": 0, "w": 1}, {}),
    "09.3": ({"main": 0, "aux1": 0, "aux2": 0, "labels": 0}, {1: 0, 2: 0, 3: 0}),
    "09.4": ({"x": 0, "dout": 0}, {0: 0, 1: 0}),
    "10.6b": ({"train": 0}, {0: 0}),
    "11.2": ({"probs": 1}, {}),
    "13.2": ({"x": 1, "w": 1}, {}),
    "13.4": ({"d": 0, "g": 0}, {None: 0}),
    "13.7": ({"d": 0, "g": 0}, {None: 0}),
    "14.3": ({"z": 0, "labels": 0}, {1: 0}),
    "14.5": ({"pointwise": 1, "x": 1, "depthwise": 0}, {}),
}


def _names(exercise):
    return exercise.signature.partition("(")[2].partition(")")[0].split(", ")


def of_thirds(number):
    """Return an answer that computes with a third of its arguments and multiplies the result by 3."""
    exercise, reference = find(number), find(number).reference_function
    names = _names(exercise)

    def answer(*given):
        given = [
            leaves(value, lambda part: part / 3) if name in LINEAR[number] else value
            for name, value in zip(names, given, strict=True)
        ]
        return leaves(reference(*given), lambda part: part * 3)

    return answer


def _flipped(value, axis):
    return value[::-1] if isinstance(value, (list, tuple)) else np.flip(value, axis).copy()


def in_reverse(number):
    """Return an answer that adds in the opposite order."""
    exercise, reference = find(number), find(number).reference_function
    names, (axes, parts) = _names(exercise), REVERSED[number]

    def answer(*given):
        given = [
            _flipped(value, axes[name]) if name in axes else value for name, value in zip(names, given, strict=True)
        ]
        output = reference(*given)
        if None in parts:
            return _flipped(output, parts[None])
        if parts:
            return tuple(_flipped(part, parts[i]) if i in parts else part for i, part in enumerate(output))
        return output

    return answer


def in_single(number, back):
    """Return an answer that computes in float32 and returns float32 or float64."""
    reference = find(number).reference_function

    def single(value):
        return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == np.float64 else value

    def answer(*given):
        output = reference(*(leaves(value, single) for value in given))
        return leaves(output, lambda value: value.astype(back) if np.asarray(value).dtype == np.float32 else value)

    return answer


def by_fft(x, w, b, stride, pad):
    """Return a convolution by Fourier transforms."""
    size = [x.shape[i] + 2 * pad + w.shape[i] for i in (2, 3)]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    spectrum = np.einsum("nchw,kchw->nkhw", np.fft.fft2(xp, size), np.fft.fft2(w, size).conj())
    y = np.fft.ifft2(spectrum).real
    rows, columns = (xp.shape[i] - w.shape[i] + 1 for i in (2, 3))
    return y[:, :, :rows:stride, :columns:stride] + b[:, None, None]


def one_by_fft(x, w, b, n, k, i, j, stride, pad):
    """Return one value of that convolution."""
    return by_fft(x, w, b, stride, pad)[n, k, i, j]


def gradient_by_fft(dout, w, x_shape, stride, pad):
    """Return the input gradient of a convolution by Fourier transforms."""
    size = [x_shape[i] + 2 * pad + w.shape[i] for i in (2, 3)]
    dilated = np.zeros((*dout.shape[:2], *size))
    dilated[:, :, : stride * dout.shape[2] : stride, : stride * dout.shape[3] : stride] = dout
    dx = np.fft.ifft2(np.einsum("nkhw,kchw->nchw", np.fft.fft2(dilated), np.fft.fft2(w, size))).real
    return dx[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


BY_FFT = {"01.1": one_by_fft, "01.3": by_fft, "02.2": by_fft, "03.3": gradient_by_fft, "13.2": by_fft}
FORM = re.compile(r"(?:should be|should return|expected) .*, got ", re.DOTALL)


def passes_or_names_the_form(passed, message):
    """Return whether an answer passed, or the message names the expected form and the actual one."""
    return passed or bool(FORM.search(message))
