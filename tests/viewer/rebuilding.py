"""A network built again in Python with the changes that a reader made on the page."""

import minigooglenet as mg
from minigooglenet.graph.errors import named_errors
from minigooglenet.layers.registry import BUILT_IN

FOLLOWS = {"Conv2d": "in_channels", "Linear": "in_features", "BatchNorm2d": "num_features", "Scale": "channels"}


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def rebuilt(graph, edits):
    """Return the graph with {node: {setting: value}}, whose layers adapt to what they read."""
    inputs = {name: _tuples(edits.get(name, {}).get("shape", list(shape))) for name, shape in graph.inputs.items()}
    other = mg.Graph(**inputs)
    for name, (layer, wires) in graph.nodes.items():
        settings = dict(layer.settings())
        if layer.kind in FOLLOWS:
            settings[FOLLOWS[layer.kind]] = other.shapes[wires[0]][0]
        settings |= {key: _tuples(value) for key, value in edits.get(name, {}).items()}
        unnamed = {"algorithm": layer.algorithm} if layer.kind == "Conv2d" else {}
        with named_errors(name, wires):
            new = type(layer)(**settings, **unnamed, **BUILT_IN[layer.kind].blank)
        other.add(name, new, *wires)
    other.outputs = graph.assigned_outputs
    return other
