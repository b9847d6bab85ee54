"""Arrays as images side by side, and the same in characters for whoever does not see them."""

import textwrap

import numpy as np

from minigooglenet import figures

SHADES = " .:-=+*#%@"  # from the smallest value to the largest
MOST_NUMBERS = 12  # columns up to which the text shows an array's numbers, beyond that its shades
MOST_CHARACTERS = 48  # columns of shades
TITLE_CHARACTERS, TITLE_LINE = 12, 0.18  # characters of a title in an inch, and inches of one of its lines
HALFWAY = 0.179  # luminance on which black and white have the same contrast, 4.6 to 1


def images(arrays, columns=4, numbers=None, same_scale=True, inches=2.4):
    """Draw arrays (H, W) side by side; a colour stands for a value, around zero where some are negative.

    Parameters
    ----------
    arrays : {title: array (H, W)}; an array (H, W, 3) of colours from 0 to 255 is shown as it is
    columns : images in a row
    numbers : whether to write the values into the cells; where all arrays are small enough unless given
    same_scale : whether the same colour means the same value in all images
    inches : width of an image

    Returns
    -------
    figure, text
    """
    arrays = {title: np.asarray(values) for title, values in arrays.items()}
    plain = {title: values.astype(np.float64) for title, values in arrays.items() if values.ndim == 2}
    if numbers is None:
        numbers = all(values.shape[1] <= MOST_NUMBERS for values in arrays.values())
    width = min(columns, len(arrays))
    height = -(-len(arrays) // width)
    titles = {title: textwrap.fill(title, round(TITLE_CHARACTERS * inches)) for title in arrays}
    tallest = min(inches, max(inches * values.shape[0] / values.shape[1] for values in arrays.values()))
    tallest += 0.25 + TITLE_LINE * max(title.count("\n") + 1 for title in titles.values())
    figure, axes = figures.new(inches * width + 0.4, tallest * height, nrows=height, ncols=width, squeeze=False)
    for axis, (title, values) in zip(axes.flat, arrays.items(), strict=False):
        if title in plain:
            _draw(axis, plain[title], list(plain.values()) if same_scale else [plain[title]], numbers)
        else:
            axis.imshow(values.clip(0, 255).astype(np.uint8))
        axis.set_title(titles[title], fontsize=10)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    text = "\n\n".join(_told(title, values, numbers) for title, values in arrays.items())
    return figures.described(figure, text, alt=_seen(arrays))


def _seen(arrays):
    """Return what there is to see: each image in a few words, as many as alt text has room for."""
    words = f"{len(arrays)} images: " if len(arrays) > 1 else ""
    for place, (title, values) in enumerate(arrays.items()):
        one = f"{'; ' * (place > 0)}{title}, {_extent(values)}"
        if len((words + one).split()) > figures.MOST_ALT - 4:
            return f"{words}; and {len(arrays) - place} more"
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
    return sum(share * part**2.2 for share, part in zip((0.21, 0.72, 0.07), colour[:3], strict=True))


def _told(title, values, numbers):
    size = " x ".join(map(str, values.shape))
    if values.ndim == 3:
        return f"{title}: an image in colour, {size}, mean brightness {values.mean():.0f} of 255"
    values = values.astype(np.float64)
    lines = [f"{title} ({size}), from {_short(values.min())} to {_short(values.max())}:"]
    if numbers or values.shape[1] <= MOST_NUMBERS:
        cells = [[_short(value) for value in row] for row in values]
        wide = max(len(cell) for row in cells for cell in row)
        return "\n".join([*lines, *("  " + " ".join(f"{cell:>{wide}}" for cell in row) for row in cells)])
    if 2 * values.shape[1] <= MOST_CHARACTERS:  # a character is twice as high as wide
        seen = values.repeat(2, axis=1)
    else:
        step = -(-values.shape[1] // MOST_CHARACTERS)
        high = 2 * step if values.shape[0] > MOST_NUMBERS else 1
        seen = values[::high, ::step]
        if high * step > 1:
            lines[0] = f"{lines[0][:-1]}; one value for {high} x {step}:"
    span = (values.max() - values.min()) or 1
    levels = ((seen - values.min()) / span * (len(SHADES) - 1)).round().astype(int)
    return "\n".join([*lines, *("  " + "".join(SHADES[level] for level in row).rstrip() for row in levels)])


def _short(value):
    return f"{value + 0:.3g}"  # no -0
