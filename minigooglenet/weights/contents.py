"""What a file of weights holds, whatever kind of file it is."""

from dataclasses import dataclass, field

import numpy as np

from minigooglenet.data.pixels import Pixels
from minigooglenet.data.seen import SeenImages

MOST_REASON = 600  # characters: a file can have names of a megabyte


class WeightsError(ValueError):
    """A file that cannot be used as weights, with the reason: "cannot read PATH as weights: ..."."""


def cannot_read(path, reason) -> WeightsError:
    """Return the error that says why the file at `path` cannot be used."""
    return WeightsError(f"cannot read {path} as weights: {str(reason)[:MOST_REASON]}")


@dataclass
class Contents:
    """Arrays by the names that `graph.params` and `graph.buffers` have, and what else the file says.

    arrays : {"node/weight": array}, parameters and buffers together
    model, arguments : what `models.build` takes to make the network, where the file says it
    pixels : how pictures become inputs
    classes : names of the outputs
    notes : further things to know, each a line of text
    training_images : record of the images that the network was trained on
    """

    arrays: dict[str, np.ndarray]
    model: str | None = None
    arguments: dict = field(default_factory=dict)
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    notes: dict[str, str] = field(default_factory=dict)
    training_images: SeenImages | None = None
