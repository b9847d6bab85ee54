"""Metadata of an ONNX file: which function built the network, how images become inputs, and the classes.

Each entry is a line of JSON in the model properties, which viewers show and other engines ignore.
"""

import dataclasses
import hashlib
import json

from minigooglenet.data.pixels import Pixels
from minigooglenet.weights.network import check_fits

PRODUCER = "minigooglenet"  # the name of this package as the producer of a file


def pack(graph, outputs, assigned, pixels=None, classes=None) -> dict[str, str]:
    """Return {property: JSON} for a network, without entries that are None.

    Parameters
    ----------
    graph : the network
    outputs : outputs of the file
    assigned : whether they were chosen, so that the first is the main one; else they are the wires without consumers
    pixels, classes : as in `export`
    """
    packed = {"main": "first"} if assigned else {}
    main = outputs[0] if assigned else outputs[-1]
    _check_fits(graph, main, pixels, classes)
    if graph.made_by is not None:
        model, arguments = graph.made_by
        packed |= {"model": model, "arguments": arguments, "nodes": fingerprint(graph)}
    if pixels is not None:
        packed["pixels"] = dataclasses.asdict(pixels)
    if classes is not None:
        packed["classes"] = list(classes)
    return {key: json.dumps(value, default=_plain) for key, value in packed.items()}


def outputs_by_default(properties, producer) -> bool:
    """Return whether this package wrote the file with default outputs: wires without consumers, the main one last."""
    return producer == PRODUCER and "main" not in properties


def unpack(properties, graph):
    """Return (made_by, pixels, classes) from {property: JSON}; a missing entry is None.

    Another program may have changed the network without changing the properties. So `made_by` is returned only if the
    nodes are exactly those that were written.

    Raises
    ------
    ValueError
        If a property has an invalid value.
    """
    made_by = pixels = classes = None
    if properties.get("nodes") == json.dumps(fingerprint(graph)):
        made_by = _read(properties, "model", str), _read(properties, "arguments", dict)
    if "pixels" in properties:
        pixels = _pixels(_read(properties, "pixels", dict))
    if "classes" in properties:
        classes = tuple(_read(properties, "classes", list))
    _check_fits(graph, graph.main, pixels, classes)
    return made_by, pixels, classes


def fingerprint(graph) -> str:
    """Return a digest of all nodes: their names, layer settings and input wires."""
    lines = [f"{name} {shape}" for name, shape in graph.inputs.items()]
    lines += [f"{name} {layer!r} {wires}" for name, (layer, wires) in graph.nodes.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read(properties, key, kind):
    try:
        value = json.loads(properties[key])
    except (KeyError, ValueError, RecursionError) as error:
        raise ValueError(f"its property {key!r} is not JSON: {properties.get(key, '')[:60]!r}") from error
    if not isinstance(value, kind):
        raise ValueError(f"its property {key!r} must be a {kind.__name__}, got {type(value).__name__}")
    return value


def _pixels(arguments):
    try:
        return Pixels(**arguments)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its property 'pixels' is invalid: {error}") from error


def _check_fits(graph, main, pixels, classes):
    """Raise a ValueError unless each output has a class name and the inputs have the channels of the pixels."""
    outputs = graph.shapes[main]
    if classes is not None and (len(classes) != outputs[0] or not all(isinstance(name, str) for name in classes)):
        raise ValueError(f"classes must have {outputs[0]} names, one per output, got {len(classes)}: {classes[:3]}")
    check_fits(graph, pixels, None)


def _plain(value):
    """Return a NumPy scalar as a Python number, for JSON."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r} cannot be stored in a file")
