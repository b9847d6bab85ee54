"""Pages for tests: the data of a page with the values of convolutions, an image and effective receptive fields."""

import base64
import json
import re
import struct
import zlib

import numpy as np

from minigooglenet.viewer import view
from minigooglenet.viewer.exact_values import encoded
from minigooglenet.viewer.page import page


def data_in(html):
    """Return the data that a page contains."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


def data_of(graph, name="test"):
    """Return the data of the page of a graph."""
    return data_in(view(graph, name=name).html)


def html_of(data):
    return page(data, "test")


def node_of(data, name):
    return next(node for node in data["networks"][0]["nodes"] if node["name"] == name)


def add_values(data, graph, x, name, channels=None):
    """Add the input, output, weights and biases of a convolution for x (C, H, W); return its input and output."""
    layer, (wire,) = graph.nodes[name]
    before, y = x if wire in graph.inputs else _wire(graph, x, wire), _wire(graph, x, name)
    channels = list(range(len(y))) if channels is None else channels
    bias = layer.params.get("bias", np.zeros(len(y)))
    relus = [other for other, node in graph.nodes.items() if node.wires == (name,) and node.layer.kind == "ReLU"]
    node_of(data, name)["values"] = {
        "input": encoded(before),
        "output": {str(k): encoded(y[k]) for k in channels},
        "weight": {str(k): encoded(layer.params["weight"][k]) for k in channels},
        "bias": {str(k): float(bias[k]) for k in channels},
        "relu": relus[0] if relus else None,
        "channels": channels,
    }
    return before, y


def _wire(graph, x, name):
    return graph.infer({next(iter(graph.inputs)): x[None]}, name)[name][0]


def add_image(data, pixels):
    """Add an image (H, W, 3) of 8 bits."""
    height, width, _ = pixels.shape
    data["image"] = {"name": "test.png", "width": width, "height": height, "png": png(pixels)}


def add_effective(data, name, positions, maps):
    """Add heat maps (5, H, W) of 8 bits for five positions of a node."""
    strip = np.concatenate(list(maps), axis=1)
    node_of(data, name)["effective"] = {
        "positions": positions,
        "width": maps.shape[2],
        "height": maps.shape[1],
        "png": png(strip),
    }


def png(pixels):
    """Return an image (H, W) or (H, W, 3) of 8 bits as a data URI."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels, np.uint8))
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    ]
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()
