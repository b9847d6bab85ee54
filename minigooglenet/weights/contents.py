"""What a file of weights holds, whatever kind of file it is."""

import re
from dataclasses import dataclass, field

import numpy as np

from minigooglenet import console
from minigooglenet.data.pixels import Pixels
from minigooglenet.data.seen import SeenImages

MOST_REASON = 600  # characters: a file can have names of a megabyte
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")  # what colours a terminal: a file's or a library's words may hold it
CHECKPOINT_STATE = "trainer/state"  # the array by which a training's checkpoint is known
PIXELS_ASSUMED = "pixels assumed"  # the note that says by what right `pixels` is set
PIXELS_UNKNOWN = "pixels unknown"  # the note that says why


class WeightsError(ValueError):
    """A file that cannot be used as weights, with the reason: "cannot read PATH as weights: ..."."""


class UnknownPixelsWarning(UserWarning):
    """A file of weights does not say how images become inputs, and the network may have been trained either way."""


def cannot_read(path, reason) -> WeightsError:
    """Return the error that says why the file at `path` cannot be used."""
    text = ESCAPE.sub("", str(reason))[:MOST_REASON]
    text = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
    return WeightsError(f"cannot read {path} as weights: {text}")


@dataclass
class Contents:
    """Arrays by the names that `graph.params` and `graph.buffers` have, and what else the file says.

    arrays : {"node/weight": array}, parameters and buffers together
    model, arguments : what `models.build` takes to make the network, where the file says it
    pixels : how pictures become inputs
    classes : names of the outputs
    notes : further things to know, each a line of text
    architecture : the graph, as `weights.architecture` describes it, where the file holds it
    training_images : record of the images that the network was trained on
    """

    arrays: dict[str, np.ndarray]
    model: str | None = None
    arguments: dict = field(default_factory=dict)
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    notes: dict[str, str] = field(default_factory=dict)
    architecture: dict | None = None
    training_images: SeenImages | None = None

    __repr__ = console.brief
