"""Origin of the parameters of a run: which are loaded from a file, new, reordered, and frozen."""

import unicodedata
import warnings
from dataclasses import dataclass, field
from typing import Any

from minigooglenet import models, weights


@dataclass
class Origin:
    """Origin of the parameters of a network before its first step.

    file : weights file, or None if all parameters are new
    classifier : sentence about the classifiers
    new : names of the nodes with new parameters; all others are loaded
    pixels : whether the file records how images become inputs; if not, the Pixels of the data are used
    """

    file: str | None = None
    classifier: str = "all parameters are new"
    new: list[str] = field(default_factory=list)
    pixels: bool = True


def fresh(graph) -> Origin:
    """Return the Origin of a network that was just built."""
    return Origin(new=[name for name, _ in _with_params(graph)])


def fine_tuned(path, classes, *, seed=0):
    """Return (graph, Pixels or None, Origin) of the network in a weights file, ready for training on `classes`.

    The classifiers are kept if the file has the same classes in the same order. If only the order differs, their rows
    are reordered. Otherwise (other names, another number, or a file without class names) they are new: a classifier is
    only used for the classes that it was trained on.

    Parameters
    ----------
    path : weights file that describes its network
    classes : names of the classes to train on
    seed : random seed for new classifiers
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", weights.UnknownPixelsWarning)  # the report includes it
        loaded = weights.load(path)
    graph, origin = loaded.graph, Origin(str(path), pixels=loaded.pixels is not None)
    old, now = (tuple(map(_name, names or ())) for names in (loaded.classes, classes))
    if old == now:
        origin.classifier = f"the classifier is loaded: the file has the same {len(now)} classes"
    elif sorted(old) == sorted(now) and len(set(now)) == len(now):
        graph = models.with_class_order(graph, [old.index(name) for name in now])
        origin.classifier = (
            f"the classifier is loaded and its rows are reordered: the file has the same {len(now)} classes in the "
            f"order {_few(loaded.classes)}, the data in the order {_few(classes)}"
        )
    else:
        graph, new = models.with_classes(graph, len(now), rng=seed)
        origin.new = list(dict.fromkeys(name.rpartition("/")[0] for name in new))
        origin.classifier = f"the classifier is new: {_why(loaded.classes, classes)}"
    return graph, loaded.pixels, origin


def report(graph, origin, frozen=()) -> dict[str, Any]:
    """Return what is loaded, new and frozen, for recipe.json: names of nodes, and numbers of parameters."""
    sizes = {name: sum(array.size for array in layer.params.values()) for name, layer in _with_params(graph)}
    groups = {
        "loaded": [name for name in sizes if name not in origin.new],
        "new": [name for name in sizes if name in origin.new],
        "frozen": [name for name in sizes if name in frozen],
        "trained": [name for name in sizes if name not in frozen],
    }
    return {
        "file": origin.file,
        "classifier": origin.classifier,
        "pixels": f"as the {'file says' if origin.file and origin.pixels else 'data say'}",
        **groups,
        "parameters": {group: sum(sizes[name] for name in names) for group, names in groups.items()},
    }


def sentences(report: dict[str, Any]) -> list[str]:
    """Return a `report` as lines of text."""
    count, lines = report["parameters"], []
    if report["file"] is not None:
        lines.append(f"Loaded {count['loaded']:,} parameters of {_layers(report['loaded'])} from {report['file']}.")
        new = f" New: {count['new']:,} parameters ({_few(report['new'])})." if report["new"] else ""
        lines.append(f"{report['classifier'][0].upper()}{report['classifier'][1:]}.{new}")
        if report["pixels"] == "as the data say":
            lines.append("The file does not record how pixels become inputs, so the Pixels of the data are used.")
    if report["frozen"]:
        lines.append(
            f"Frozen: {count['frozen']:,} parameters of {_layers(report['frozen'])} ({_few(report['frozen'])}). "
            f"Trained: {count['trained']:,} parameters of {_layers(report['trained'])}."
        )
    random = [name for name in report["new"] if name in report["frozen"]]
    if random:
        lines.append(f"Warning: new and frozen, so they stay random: {_few(random)}. Leave them out of --freeze.")
    return lines


def _with_params(graph):
    return [(name, layer) for name, (layer, _) in graph.nodes.items() if getattr(layer, "params", None)]


def _name(text):
    return unicodedata.normalize("NFC", text)  # operating systems store the same name in two forms


def _layers(names):
    return "1 layer" if len(names) == 1 else f"{len(names)} layers"


def _few(names, most=4):
    shown = ", ".join(map(str, list(names)[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _why(old, now):
    if old is None:
        return "the file has no class names"
    if len(old) != len(now):
        return f"the file has {len(old)} classes, the data {len(now)}"
    return f"the file has the classes {_few(old)}, the data {_few(now)}"
