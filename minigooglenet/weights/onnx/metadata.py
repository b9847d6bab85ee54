"""What an ONNX file says beside its network: how that was made, how images become inputs, and its classes.

Each is a line of JSON among the model's properties, which viewers show and other engines leave alone.
"""

import dataclasses
import hashlib
import json

from minigooglenet.data.pixels import Pixels
from minigooglenet.weights.network import check_fits

PRODUCER = "minigooglenet"  # the program that wrote a file, as the file says


def pack(graph, outputs, assigned, pixels=None, classes=None) -> dict[str, str]:
    """Return {property: JSON} for a network; what is None is left out.

    Parameters
    ----------
    graph : the network
    outputs : of the file
    assigned : whether they were chosen, so that the first is the main one, or are the wires without consumers
    pixels, classes : those of `export`
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
    """Return whether this package wrote the outputs of a file as the wires without consumers, the main one last."""
    return producer == PRODUCER and "main" not in properties


def unpack(properties, graph):
    """Return (made_by, pixels, classes) from {property: JSON}, each None where it is not told.

    Another program may have changed the network and left the properties as they were: what it was made by is believed
    only of the very nodes that were written.

    Raises
    ------
    ValueError
        If a property is there but holds something else than it should.
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
    """Return a digest of every node: its name, its layer's settings and the wires that it reads."""
    lines = [f"{name} {shape}" for name, shape in graph.inputs.items()]
    lines += [f"{name} {layer!r} {wires}" for name, (layer, wires) in graph.nodes.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read(properties, key, kind):
    try:
        value = json.loads(properties[key])
    except (KeyError, ValueError, RecursionError) as error:
        raise ValueError(f"its property {key!r} is no JSON: {properties.get(key, '')[:60]!r}") from error
    if not isinstance(value, kind):
        raise ValueError(f"its property {key!r} should hold a {kind.__name__}, got {type(value).__name__}")
    return value


def _pixels(told):
    try:
        return Pixels(**told)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its property 'pixels' does not say how images become inputs: {error}") from error


def _check_fits(graph, main, pixels, classes):
    """Raise a ValueError unless there is a name for each output, and the inputs have the channels of the pixels."""
    outputs = graph.shapes[main]
    if classes is not None and (len(classes) != outputs[0] or not all(isinstance(name, str) for name in classes)):
        raise ValueError(f"classes must be {outputs[0]} names, one for each output, got {len(classes)}: {classes[:3]}")
    check_fits(graph, pixels, None)


def _plain(value):
    """Return a NumPy number as one of Python's, for JSON."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r} cannot be kept in a file")
