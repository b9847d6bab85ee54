"""The style of all figures: colours for colour-blind readers, alt text, and a description in words and numbers.

Figures are drawn without a window (Agg canvas), so they work on a server and in a test. A notebook displays a figure at
the end of a cell, with alt text and the folded description below it.
"""

import base64
import functools
import html
import io
from pathlib import Path

from minigooglenet import console, files

# Okabe and Ito (2008): eight colours that are distinguishable with all common types of colour blindness.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
SEQUENTIAL = "cividis"  # from small to large
DIVERGING = "PuOr"  # around zero
MOST_ALT = 50  # words of alt text, because a screen reader cannot skim it
DPI = 100  # resolution of a figure in a notebook
LEAST_SHRUNK = 0.6  # smallest scale of a figure: below it the text is too small, so the figure scrolls instead


def new(width=7.0, height=4.0, **subplots):
    """Return (figure, axes) of that size in inches, in the project's style."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure._repr_png_ = functools.partial(_png, figure)  # a notebook calls this
    described(figure, "")
    axes = figure.subplots(**subplots)
    for axis in getattr(axes, "flat", [axes]):
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=9)
    return figure, axes


def described(figure, text, alt=None):
    """Attach a description to a figure, which notebooks fold below it and consoles print; return (figure, text).

    alt : alt text for screen readers (default: the first line of `text`)
    """
    if alt is None:
        alt = text.split("\n", 1)[0]
    words = alt.split()
    figure.alt_text = " ".join(words[:MOST_ALT]) + " ..." * (len(words) > MOST_ALT)
    figure._repr_mimebundle_ = functools.partial(_mimebundle, figure, text)
    return figure, text


def image(figure, png, alt, dpi=DPI) -> str:
    """Return the PNG of a figure as HTML: as wide as the page, or scrolling if that makes the text too small."""
    least = round(LEAST_SHRUNK * dpi * figure.get_figwidth())
    style = f"display:block;height:auto;max-width:100%;min-width:{least}px"
    data = base64.b64encode(png).decode("ascii")
    shown = f'<img alt="{html.escape(alt)}" style="{style}" src="data:image/png;base64,{data}">'
    return f'<div style="overflow-x:auto;max-width:100%">{shown}</div>'


def pixels(figure, dpi=DPI) -> bytes:
    """Return a figure as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()


def _png(figure):
    """Return a figure as PNG, with its alt text as metadata."""
    return pixels(figure), {"alt": figure.alt_text}


def _mimebundle(figure, text, include=None, exclude=None):
    """Return a figure in every format that a notebook may request, and the metadata of each."""
    png, metadata = _png(figure)
    # JupyterLab ignores the alt text in the metadata, so the HTML has it too.
    folded = f"<details><summary>this figure as text</summary>{console.monospaced(text)}</details>" if text else ""
    bundle = {
        "text/html": image(figure, png, figure.alt_text) + folded,
        "image/png": base64.b64encode(png).decode("ascii"),
        "text/plain": text or repr(figure),
    }
    return bundle, {"image/png": metadata}


def shades(count):
    """Return `count` colours from dark to light, in an order that colour-blind readers can see."""
    from matplotlib import colormaps

    return [colormaps[SEQUENTIAL](0.9 * i / max(1, count - 1)) for i in range(count)]


def save(figure, text: str, path) -> list[Path]:
    """Write a figure as PNG and its description `text` next to it as .txt; return both paths.

    The PNG's metadata contain the description too, for screen readers and image viewers.
    """
    path = Path(path).with_suffix(".png")
    with files.atomic(path) as file:
        figure.savefig(file, format="png", dpi=120, metadata={"Description": text.encode("ascii", "replace").decode()})
    words = path.with_suffix(".txt")
    files.write_text(words, text + "\n")
    return [path, words]


def bars(values: dict[str, float], width: int = 30) -> str:
    """Return {name: value} as lines of text, each with a bar proportional to its value."""
    largest = max(values.values(), default=0) or 1
    names = max(map(len, values), default=0)
    return "\n".join(
        f"{name:{names}}  {value:10.4g}  {'#' * round(width * value / largest)}" for name, value in values.items()
    )


def curve(values, width: int = 60, height: int = 10) -> str:
    """Return a sequence of numbers as a text plot: columns from first to last, rows from largest to smallest."""
    wide = len(values) > width
    columns = [values[(len(values) - 1) * i // (width - 1)] for i in range(width)] if wide else list(values)
    low, high = min(columns), max(columns)
    span = (high - low) or 1
    rows = [round((height - 1) * (high - value) / span) for value in columns]
    lines = ["".join("*" if row == line else " " for row in rows).rstrip() for line in range(height)]
    return "\n".join(
        [f"{high:10.4g} |{lines[0]}", *(f"{'':10} |{line}" for line in lines[1:-1]), f"{low:10.4g} |{lines[-1]}"]
    )
