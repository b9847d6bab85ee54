"""What every figure of this project shares: colours that colour-blind readers tell apart, a file, and a text beside it.

A figure is made without a window (the Agg canvas), so it works on a server and in a test. In a notebook it shows itself
when a cell ends with it, with alt text, and its text form folded below it.
"""

import base64
import functools
import html
import io
from pathlib import Path

from minigooglenet import console, files

# Okabe and Ito (2008): eight colours that stay apart for all common kinds of colour blindness.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
SEQUENTIAL = "cividis"  # from small to large
DIVERGING = "PuOr"  # around zero
MOST_ALT = 50  # words of alt text, which nobody can skim
DPI = 100  # of a figure in a notebook
LEAST_SHRUNK = 0.6  # of a figure's own size: below that its letters are too small, so that it scrolls instead


def new(width=7.0, height=4.0, **subplots):
    """Return (figure, axes) of that size in inches, with the project's look."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure._repr_png_ = functools.partial(_png, figure)  # what a notebook asks for
    described(figure, "")
    axes = figure.subplots(**subplots)
    for axis in getattr(axes, "flat", [axes]):
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=9)
    return figure, axes


def described(figure, text, alt=None):
    """Give a figure its text form, which notebooks fold below it and consoles print; return (figure, text).

    alt : the alt text for screen readers (default: the first line of `text`, if that says what can be seen)
    """
    if alt is None:
        alt = text.split("\n", 1)[0]
    words = alt.split()
    figure.alt_text = " ".join(words[:MOST_ALT]) + " ..." * (len(words) > MOST_ALT)
    figure._repr_mimebundle_ = functools.partial(_mimebundle, figure, text)
    return figure, text


def image(figure, png, alt, dpi=DPI) -> str:
    """Return the PNG of a figure as HTML: as wide as the page, but scrolled where that makes its letters too small."""
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
    """Return a figure in each form that a notebook may ask for, and the metadata of each."""
    png, metadata = _png(figure)
    # JupyterLab ignores the metadata, so that its readers need the HTML.
    folded = f"<details><summary>this figure as text</summary>{console.monospaced(text)}</details>" if text else ""
    bundle = {
        "text/html": image(figure, png, figure.alt_text) + folded,
        "image/png": base64.b64encode(png).decode("ascii"),
        "text/plain": text or repr(figure),
    }
    return bundle, {"image/png": metadata}


def shades(count):
    """Return `count` colours from dark to light that colour-blind readers can put in order."""
    from matplotlib import colormaps

    return [colormaps[SEQUENTIAL](0.9 * i / max(1, count - 1)) for i in range(count)]


def save(figure, text: str, path) -> list[Path]:
    """Write a figure as PNG and `text`, what it shows in words and numbers, beside it as .txt; return both paths.

    The text also travels inside the PNG as its description, where screen readers and viewers find it.
    """
    path = Path(path).with_suffix(".png")
    with files.atomic(path) as file:
        figure.savefig(file, format="png", dpi=120, metadata={"Description": text.encode("ascii", "replace").decode()})
    words = path.with_suffix(".txt")
    files.write_text(words, text + "\n")
    return [path, words]


def bars(values: dict[str, float], width: int = 30) -> str:
    """Return {name: value} as lines of text, each with a bar in proportion to the largest value."""
    largest = max(values.values(), default=0) or 1
    names = max(map(len, values), default=0)
    return "\n".join(
        f"{name:{names}}  {value:10.4g}  {'#' * round(width * value / largest)}" for name, value in values.items()
    )


def curve(values, width: int = 60, height: int = 10) -> str:
    """Return a sequence of numbers as a plot in text: columns from first to last, rows from largest to smallest."""
    wide = len(values) > width
    columns = [values[(len(values) - 1) * i // (width - 1)] for i in range(width)] if wide else list(values)
    low, high = min(columns), max(columns)
    span = (high - low) or 1
    rows = [round((height - 1) * (high - value) / span) for value in columns]
    lines = ["".join("*" if row == line else " " for row in rows).rstrip() for line in range(height)]
    return "\n".join(
        [f"{high:10.4g} |{lines[0]}", *(f"{'':10} |{line}" for line in lines[1:-1]), f"{low:10.4g} |{lines[-1]}"]
    )
