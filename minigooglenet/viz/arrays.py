"""Arrays as images side by side, with a description in characters for readers who cannot see them."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from minigooglenet import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHADES = " .:-=+*#%@"  # from the smallest value to the largest
MOST_NUMBERS = 12  # the text shows the values of arrays with up to this many columns, and shades for wider arrays
MOST_CHARACTERS = 48  # maximum width of the shades
TITLE_CHARACTERS, TITLE_LINE = 12, 0.18  # characters of a title per inch, and height of a line in inches
HALFWAY = 0.179  # luminance at which black and white text have the same contrast, 4.6 to 1


def images(
    arrays: dict[str, ArrayLike],
    columns: int = 4,
    numbers: bool | None = None,
    same_scale: bool = True,
    inches: float = 2.4,
) -> tuple["Figure", str]:
    """Draw arrays (H, W) side by side as colours; the colours are centred at zero if some values are negative.

    Parameters
    ----------
    arrays : {title: array (H, W)}; an array (H, W, 3) with values from 0 to 255 is drawn as a colour image
    columns : images per row
    numbers : whether to write the values into the cells (default: only if all arrays are small)
    same_scale : whether the same colour means the same value in every image
    inches : width of an image

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> figure, text = mg.viz.images({"kernel": [[1, -2], [0.5, 3]]})
    >>> print(text)
    kernel (2 x 2), from -2 to 3:
        1  -2
      0.5   3
    """
    by_title = {title: np.asarray(values) for title, values in arrays.items()}
    plain = {title: values.astype(np.float64) for title, values in by_title.items() if values.ndim == 2}
    if numbers is None:
        numbers = all(values.shape[1] <= MOST_NUMBERS for values in by_title.values())
    width = min(columns, len(by_title))
    height = -(-len(by_title) // width)
    titles = {title: textwrap.fill(title, round(TITLE_CHARACTERS * inches)) for title in by_title}
    tallest = min(inches, max(inches * values.shape[0] / values.shape[1] for values in by_title.values()))
    tallest += 0.25 + TITLE_LINE * max(title.count("\n") + 1 for title in titles.values())
    figure, axes = figures.new(inches * width + 0.4, tallest * height, nrows=height, ncols=width, squeeze=False)
    for axis, (title, values) in zip(axes.flat, by_title.items(), strict=False):
        if title in plain:
            _draw(axis, plain[title], list(plain.values()) if same_scale else [plain[title]], numbers)
        else:
            axis.imshow(values.clip(0, 255).astype(np.uint8))
        axis.set_title(titles[title], fontsize=10)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    text = "\n\n".join(_text(title, values, numbers) for title, values in by_title.items())
    return figures.described(figure, text, alt=_alt_text(by_title))


def _alt_text(arrays):
    """Describe each image in a few words, for as many images as the alt text has room."""
    words = f"{len(arrays)} images: " if len(arrays) > 1 else ""
    for i, (title, values) in enumerate(arrays.items()):
        one = f"{'; ' * (i > 0)}{title}, {_extent(values)}"
        if len((words + one).split()) > figures.MOST_ALT - 4:
            return f"{words}; and {len(arrays) - i} more"
        words += one
    return words


def _extent(values):
    size = " x ".join(map(str, values.shape[:2]))
    if values.ndim == 3:
        return f"{size} in colour"
    low, high = values.min(), values.max()
    if low == high:
        return f"{size}, {_short(low)} everywhere"
    peaks = np.argwhere(values == high)
    where = " in row {}, column {}".format(*peaks[0]) if len(peaks) == 1 else ""
    return f"{size}, from {_short(low)} to {_short(high)}{where}"


def _draw(axis, values, scaled_with, numbers):
    low, high = min(v.min() for v in scaled_with), max(v.max() for v in scaled_with)
    largest = max(abs(low), abs(high)) or 1
    around_zero = low < 0
    image = axis.imshow(
        values,
        cmap=figures.DIVERGING if around_zero else figures.SEQUENTIAL,
        vmin=-largest if around_zero else min(low, 0),
        vmax=largest,
        interpolation="nearest",
    )
    if not numbers:
        return
    for (row, column), value in np.ndenumerate(values):
        ink = "black" if _luminance(image.cmap(image.norm(value))) > HALFWAY else "white"
        axis.text(column, row, _short(value), ha="center", va="center", color=ink, fontsize=8)


def _luminance(colour):
    return sum(weight * part**2.2 for weight, part in zip((0.21, 0.72, 0.07), colour[:3], strict=True))


def _text(title, values, numbers):
    size = " x ".join(map(str, values.shape))
    if values.ndim == 3:
        return f"{title}: colour image, {size}, mean brightness {values.mean():.0f} of 255"
    values = values.astype(np.float64)
    lines = [f"{title} ({size}), from {_short(values.min())} to {_short(values.max())}:"]
    if numbers or values.shape[1] <= MOST_NUMBERS:
        cells = [[_short(value) for value in row] for row in values]
        wide = max(len(cell) for row in cells for cell in row)
        return "\n".join([*lines, *("  " + " ".join(f"{cell:>{wide}}" for cell in row) for row in cells)])
    if 2 * values.shape[1] <= MOST_CHARACTERS:  # a character is twice as high as wide
        sampled = values.repeat(2, axis=1)
    else:
        step = -(-values.shape[1] // MOST_CHARACTERS)
        high = 2 * step if values.shape[0] > MOST_NUMBERS else 1
        sampled = values[::high, ::step]
        if high * step > 1:
            lines[0] = f"{lines[0][:-1]}; one of {high} x {step} values:"
    span = (values.max() - values.min()) or 1
    levels = ((sampled - values.min()) / span * (len(SHADES) - 1)).round().astype(int)
    return "\n".join([*lines, *("  " + "".join(SHADES[level] for level in row).rstrip() for row in levels)])


def _short(value):
    return f"{value + 0:.3g}"  # no -0
