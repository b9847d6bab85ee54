"""Kinds of arguments that several commands take."""

import argparse
import warnings
from pathlib import Path

from minigooglenet import weights
from minigooglenet.data.pixel_names import FORM, NAMED, pixels_of
from minigooglenet.weights.contents import PIXELS_ASSUMED


def seed(text: str) -> int:
    """Return a seed: a whole number of at least 0."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"a seed is a whole number of at least 0, got {text!r}")
    return int(text)


def whole(text: str) -> int:
    """Return a whole number of at least 1."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Return a length of time above 0."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e6:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, got {text!r}")
    return found


def check_folder(path) -> None:
    """Raise a FileNotFoundError unless a file could lie at `path`: said before the work whose result goes there."""
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {folder}")
    if Path(path).is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder; name a file in it")


def add_pixels(parser) -> None:
    """Add --pixels, for weights that do not say how images become inputs, or say it wrongly."""
    parser.add_argument(
        "--pixels",
        type=pixels,
        metavar="RULE",
        help=f"how images become inputs, instead of what the weights say: {', '.join(NAMED)}, or {FORM}",
    )


def pixels(text: str):
    """Return the Pixels that a text names."""
    try:
        return pixels_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def load_weights(path, pixels, out):
    """Return what `weights.load` does; print what is assumed, and reject what would be a guess.

    Raises
    ------
    ValueError
        If training scripts of this kind differ in how images become inputs, and `pixels` is None.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", weights.UnknownPixelsWarning)
        try:
            loaded = weights.load(path, pixels=pixels)
        except weights.UnknownPixelsWarning as warning:
            raise ValueError(str(warning)) from warning
    if pixels is None and PIXELS_ASSUMED in loaded.notes:
        out.print(f"{path}: {PIXELS_ASSUMED} {loaded.notes[PIXELS_ASSUMED]}", markup=False, soft_wrap=True)
    return loaded
