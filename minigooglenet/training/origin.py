"""Where the parameters of a run come from: loaded from a file, new, in another order, and which of them are frozen."""

import unicodedata
import warnings
from dataclasses import dataclass, field

from minigooglenet import models, weights


@dataclass
class Origin:
    """Where the parameters of a network come from before its first step.

    file : weights file, or None for a network with only new parameters
    classifier : sentence about the classifiers
    new : names of the nodes with new parameters; all others are loaded
    pixels : whether the file says how images become inputs; if not, those of the data do
    """

    file: str | None = None
    classifier: str = "all parameters are new"
    new: list[str] = field(default_factory=list)
    pixels: bool = True


def fresh(graph) -> Origin:
    """Return the Origin of a network that was just built."""
    return Origin(new=[name for name, _ in _with_params(graph)])


def fine_tuned(path, classes, *, seed=0):
    """Return (graph, Pixels or None, Origin) of the network in a weights file, ready to train on `classes`.

    The classifiers are kept if the file names the same classes in the same order. If the order differs, their rows
    move to the new order. Otherwise (other names, another number, or a file without names) they are new: a classifier
    is only ever used for the classes that it was trained on.

    Parameters
    ----------
    path : weights file that says which network it is for
    classes : names of the classes to train on
    seed : random seed for new classifiers
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", weights.UnknownPixelsWarning)  # the report says it
        loaded = weights.load(path)
    graph, origin = loaded.graph, Origin(str(path), pixels=loaded.pixels is not None)
    old, now = (tuple(map(_name, names or ())) for names in (loaded.classes, classes))
    if old == now:
        origin.classifier = f"the classifier is loaded: the file has the same {len(now)} classes"
    elif sorted(old) == sorted(now) and len(set(now)) == len(now):
        graph = models.with_class_order(graph, [old.index(name) for name in now])
        origin.classifier = (
            f"the classifier is loaded, with its rows in another order: the file has the same {len(now)} classes as "
            f"{_few(loaded.classes)}, the data as {_few(classes)}"
        )
    else:
        graph, new = models.with_classes(graph, len(now), rng=seed)
        origin.new = list(dict.fromkeys(name.rpartition("/")[0] for name in new))
        origin.classifier = f"the classifier is new: {_why(loaded.classes, classes)}"
    return graph, loaded.pixels, origin


def report(graph, origin, frozen=()) -> dict:
    """Return what is loaded, new and frozen, as recipe.json keeps it: names of nodes, and numbers of parameters."""
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


def sentences(found: dict) -> list[str]:
    """Return a `report` as lines of text."""
    count, lines = found["parameters"], []
    if found["file"] is not None:
        lines.append(f"Loaded {count['loaded']:,} parameters of {_layers(found['loaded'])} from {found['file']}.")
        new = f" New: {count['new']:,} parameters ({_few(found['new'])})." if found["new"] else ""
        lines.append(f"{found['classifier'][0].upper()}{found['classifier'][1:]}.{new}")
        if found["pixels"] == "as the data say":
            lines.append("Pixels become inputs as the data say: the file does not.")
    if found["frozen"]:
        lines.append(
            f"Frozen: {count['frozen']:,} parameters of {_layers(found['frozen'])} ({_few(found['frozen'])}). "
            f"Trained: {count['trained']:,} parameters of {_layers(found['trained'])}."
        )
    stuck = [name for name in found["new"] if name in found["frozen"]]
    if stuck:
        lines.append(f"Warning: new and frozen, so random to the end: {_few(stuck)}. Leave them out of --freeze.")
    return lines


def _with_params(graph):
    return [(name, layer) for name, (layer, _) in graph.nodes.items() if getattr(layer, "params", None)]


def _name(text):
    return unicodedata.normalize("NFC", text)  # systems store the same name in two forms


def _layers(names):
    return "1 layer" if len(names) == 1 else f"{len(names)} layers"


def _few(names, most=4):
    shown = ", ".join(map(str, list(names)[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _why(old, now):
    if old is None:
        return "the file does not name its classes"
    if len(old) != len(now):
        return f"the file has {len(old)} classes, the data {len(now)}"
    return f"the file has the classes {_few(old)}, the data {_few(now)}"
