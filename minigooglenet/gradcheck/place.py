"""Where a gradient is wrong: the worst index, an error map as text and as a figure, a search in large arrays."""

import numpy as np

from minigooglenet import figures

SHADES = " .:+*#"


def relative_error(analytic, numeric, floor=1e-12):
    """Return |a - n| / max(|a|, |n|, floor), value by value."""
    return np.abs(analytic - numeric) / np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)


def worst_index(analytic, numeric) -> tuple[int, ...]:
    """Return the index with the largest absolute error; NaN is larger than anything."""
    error = np.abs(analytic - numeric)
    flat = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
    return tuple(int(i) for i in np.unravel_index(flat, error.shape))


def worst_argument(errors) -> str | None:
    """Return the name of the argument whose largest error is largest in relation to its gradient."""

    def share(name):
        analytic, numeric = errors[name]
        return np.abs(analytic - numeric).max(initial=0) / max(np.abs(numeric).max(initial=0), 1e-300)

    return max(errors, key=share, default=None)


def error_map(analytic, numeric) -> np.ndarray:
    """Return the largest absolute error over all axes but the last two, as a two-dimensional map."""
    error = np.abs(analytic - numeric)
    error = error.reshape(-1, *error.shape[-2:]) if error.ndim > 1 else error.reshape(1, 1, -1)
    return error.max(axis=0)


def error_text(name, analytic, numeric) -> str:
    """Return the error map in characters, darker for larger, with the worst index and both its values."""
    errors = error_map(analytic, numeric)
    levels = np.ceil(errors / max(errors.max(), 1e-300) * (len(SHADES) - 1)).astype(int)
    lines = ["|" + "".join(SHADES[level] for level in row) + "|" for row in levels[:24, :72]]
    place = worst_index(analytic, numeric)
    head = f"error map of {name}, largest over all but the last two axes ('#' is {errors.max():.3g}, ' ' is none):"
    tail = f"worst at {name}{list(place)}: analytic {analytic[place]:+.9g}, numeric {numeric[place]:+.9g}"
    return "\n".join([head, *lines, tail])


def error_figure(name, analytic, numeric):
    """Return (figure, text): analytic, numeric and error maps side by side."""
    figure, axes = figures.new(9, 3, ncols=3)
    largest = max(np.abs(numeric).max(initial=0), np.abs(analytic).max(initial=0)) or 1.0
    place = worst_index(analytic, numeric)
    for axis, title, values in zip(axes[:2], ("analytic", "numeric"), (analytic, numeric), strict=True):
        shown = values[place[:-2]] if values.ndim > 2 else np.atleast_2d(values)
        axis.imshow(shown, cmap=figures.DIVERGING, vmin=-largest, vmax=largest)
        axis.set_title(f"{title}, {name}{list(place[:-2])}" if analytic.ndim > 2 else f"{title}, {name}", fontsize=9)
    axes[2].imshow(error_map(analytic, numeric), cmap=figures.SEQUENTIAL)
    axes[2].set_title("largest error over the rest", fontsize=9)
    text = error_text(name, analytic, numeric)
    alt = f"the analytic and the numeric gradient of {name} and a map of their errors; {text.rpartition(chr(10))[2]}"
    return figures.described(figure, text, alt=alt)


def search(disagrees, size, rng) -> tuple[int, int]:
    """Find one wrong entry among `size` by halves: (flat index, number of probes).

    `disagrees(mask)` compares analytic and numeric slope along a random direction that only moves where `mask` is True.
    """
    low, high, probes = 0, size, 0
    while high - low > 1:
        middle = (low + high) // 2
        mask = np.zeros(size, bool)
        mask[low:middle] = True
        probes += 1
        low, high = (low, middle) if disagrees(mask) else (middle, high)
    return low, probes
