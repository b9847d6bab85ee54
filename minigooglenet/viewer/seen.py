"""What each network of a page sees of the image, and what its nodes compute of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minigooglenet.typing import FloatArray
from minigooglenet.viewer import page
from minigooglenet.viewer.photograph import label_of, prepared
from minigooglenet.viewer.sources import Source

FOR_VALUES = 0.5  # fraction of the bytes for an image that exact values get; maps and gradients need the rest
# The parts of the time that the stages of `describe` take, about.
STAGES = {"activations": (0.0, 0.3), "gradients": (0.3, 0.5), "effective receptive fields": (0.5, 1.0)}


@dataclass
class Seen:
    """What a network sees: its inputs, the page's entry of the image, and the index of the label."""

    inputs: dict[str, FloatArray]
    image: dict[str, Any]
    label: int | None


def seen_by(source: Source, image: Any, pixels: Any, label: str | int | None, notes: list[str]) -> Seen:
    """Return what a network sees, with notes on how it was prepared. Nothing is computed yet.

    Raises
    ------
    TypeError, ValueError
        If the image or the label does not fit the network.
    """
    index = label_index(source, label)
    inputs, entry, more = prepared(image, source, pixels)
    notes += more
    return Seen(inputs, entry, index)


def seen_beside(source: Source, image: Any, pixels: Any, label: str | int | None, notes: list[str]) -> Seen | None:
    """Return what the second network sees: image and label are those of the first one, and may not fit this one."""
    try:
        seen = seen_by(source, image, pixels if source.pixels is None else None, None, notes)
    except (ValueError, TypeError) as error:
        notes.append(f"{source.name} has no values for this image: {error}")
        return None
    try:
        seen.label = label_index(source, label)
    except ValueError as error:
        notes.append(f"The label does not fit {source.name}: {error}")
    return seen


def label_index(source: Source, label: str | int | None) -> int | None:
    """Return the index of a class that is given by name or index; the network must have gradients for it."""
    from minigooglenet.viewer.image_data import check_label  # a page without an image does not need it

    if label is None:
        return None
    index = label_of(label, source.classes, math.prod(source.graph.shapes[source.graph.main]))
    check_label(source.graph, index)
    return index


def add_image_data(
    data: dict[str, Any],
    sources: list[Source],
    seen: list[Seen | None],
    chosen: list[tuple[str, ...]],
    size: float,
    report: Callable[[float, str], object],
) -> None:
    """Add what the nodes compute of the image, in the bytes that the rest of the page leaves.

    What belongs to a network and not to a node is in `data` for the first network, in its entry "seen" for the second.
    """
    from minigooglenet.viewer.image_data import describe  # a page without an image does not need it

    owners = [data, *(network.setdefault("seen", {}) for network in data["networks"][1:])]
    parts = [
        (network, owner, source, one, steps)
        for network, owner, source, one, steps in zip(data["networks"], owners, sources, seen, chosen, strict=True)
        if one is not None
    ]
    for _, owner, _, one, _ in parts:
        owner["image"] = one.image
    for number, (network, owner, source, one, steps) in enumerate(parts):
        left = 1e6 * size - len(page.page(data, source.name))  # what the first network leaves is for the second
        budget = max(0, int(FOR_VALUES * left / (len(parts) - number)))
        described = describe(
            source.graph,
            one.inputs,
            label=one.label,
            steps=steps if left > 0 else (),  # otherwise `_fitted` reports it
            budget=budget,
            progress=_Stages(report, number, len(parts)),
        )
        for node in network["nodes"]:
            node |= described.nodes.get(node["name"], {})
        owner["objectives"], owner["objective"] = described.objectives, described.objective
        owner["label"] = None if one.label is None else _class(source, one.label)
        owner["probabilities"] = [[_class(source, index), likelihood] for index, likelihood in described.probabilities]
        prefix = f"{source.name}: " if len(parts) > 1 else ""
        data["notes"] += [prefix + note for note in described.notes]


class _Stages:
    """Report the progress of the stages of `describe` for one of several networks, as fractions from 0.4 to 0.9."""

    def __init__(self, report, number, count):
        self.report, self.number, self.count = report, number, count

    def __call__(self, done, total, what):
        begin, end = STAGES[what]
        fraction = begin + (end - begin) * done / max(1, total)
        self.report(0.4 + 0.5 * (self.number + fraction) / self.count, what)


def _class(source, index):
    return source.classes[index] if source.classes else f"class {index}"
