"""Where a gradient is wrong: the worst index, an error map as text or figure, and a bisection for large arrays."""

import numpy as np

from minigooglenet import figures

SHADES = " .:+*#"


def relative_error(analytic, numerical, floor=1e-12):
    """Return |a - n| / max(|a|, |n|, floor), element by element."""
    return np.abs(analytic - numerical) / np.maximum(np.maximum(np.abs(analytic), np.abs(numerical)), floor)


def worst_index(analytic, numerical) -> tuple[int, ...]:
    """Return the index with the largest absolute error; NaN counts as the largest."""
    error = np.abs(analytic - numerical)
    flat = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
    return tuple(int(i) for i in np.unravel_index(flat, error.shape))


def worst_argument(errors) -> str | None:
    """Return the name of the argument with the largest error relative to its gradient."""

    def relative(name):
        analytic, numerical = errors[name]
        return np.abs(analytic - numerical).max(initial=0) / max(np.abs(numerical).max(initial=0), 1e-300)

    return max(errors, key=relative, default=None)


def error_map(analytic, numerical) -> np.ndarray:
    """Return the absolute error as a two-dimensional map: the maximum over all axes but the last two."""
    error = np.abs(analytic - numerical)
    error = error.reshape(-1, *error.shape[-2:]) if error.ndim > 1 else error.reshape(1, 1, -1)
    return error.max(axis=0)


def error_text(name, analytic, numerical) -> str:
    """Return the error map in characters, darker for larger errors, with the worst index and its two values."""
    errors = error_map(analytic, numerical)
    levels = np.ceil(errors / max(errors.max(), 1e-300) * (len(SHADES) - 1)).astype(int)
    lines = ["|" + "".join(SHADES[level] for level in row) + "|" for row in levels[:24, :72]]
    index = worst_index(analytic, numerical)
    head = f"error map of {name}, maximum over all but the last two axes ('#' is {errors.max():.3g}, ' ' is zero):"
    tail = f"worst at {name}{list(index)}: analytic {analytic[index]:+.9g}, numerical {numerical[index]:+.9g}"
    return "\n".join([head, *lines, tail])


def error_figure(name, analytic, numerical):
    """Return (figure, text): the analytic gradient, the numerical gradient and the error map side by side."""
    figure, axes = figures.new(9, 3, ncols=3)
    largest = max(np.abs(numerical).max(initial=0), np.abs(analytic).max(initial=0)) or 1.0
    index = worst_index(analytic, numerical)
    for axis, title, values in zip(axes[:2], ("analytic", "numerical"), (analytic, numerical), strict=True):
        shown = values[index[:-2]] if values.ndim > 2 else np.atleast_2d(values)
        axis.imshow(shown, cmap=figures.DIVERGING, vmin=-largest, vmax=largest)
        axis.set_title(f"{title}, {name}{list(index[:-2])}" if analytic.ndim > 2 else f"{title}, {name}", fontsize=9)
    axes[2].imshow(error_map(analytic, numerical), cmap=figures.SEQUENTIAL)
    axes[2].set_title("largest error over the other axes", fontsize=9)
    text = error_text(name, analytic, numerical)
    alt = f"The analytic and the numerical gradient of {name} and their error map; {text.rpartition(chr(10))[2]}"
    return figures.described(figure, text, alt=alt)


def search(disagrees, size, rng) -> tuple[int, int]:
    """Find one wrong entry among `size` by bisection: return (flat index, number of probes).

    `disagrees(mask)` compares the analytic and the numerical derivative along a random direction that moves only the
    entries where `mask` is True.
    """
    low, high, probes = 0, size, 0
    while high - low > 1:
        middle = (low + high) // 2
        mask = np.zeros(size, bool)
        mask[low:middle] = True
        probes += 1
        low, high = (low, middle) if disagrees(mask) else (middle, high)
    return low, probes
