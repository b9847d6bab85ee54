"""The weights of GoogLeNet as BVLC published them for Caffe (bvlc_googlenet.caffemodel), and others of that form.

Caffe's names of layers are the names of nodes here, so an array keeps its name. The network is known already: layers
without arrays are passed over. Images are blue, green, red, less their means.
"""

import math
from pathlib import Path

import numpy as np

from minigooglenet.data.pixels import RGB_MEAN, Pixels
from minigooglenet.models.googlenet import googlenet
from minigooglenet.weights import caffemodel, limits
from minigooglenet.weights.contents import Contents

PIXELS = Pixels(RGB_MEAN[::-1], colours="BGR")
BLOBS = ("weight", "bias")
CLASSIFIER, FEATURES = "loss3/classifier", 1024
HEADS = ("loss1/", "loss2/")


def read(path) -> Contents:
    """Read the weights of GoogLeNet from a .caffemodel; its layers are checked before any array is made.

    The number of classes, and whether the auxiliary heads are there, are as in the file.

    Raises
    ------
    WeightsError
        If the file is no whole Caffe model, of another network, or holds arrays of other shapes or values that are not
        finite.
    """
    limits.file_size(path)
    with limits.reading(path):
        layers = _checked(caffemodel.layers(Path(path).read_bytes()))
        _, values = caffemodel.shape_and_values(layers[CLASSIFIER][0])
        classes = max(1, len(values) // FEATURES)  # of the values that are there: no shape is believed
        arguments = {"num_classes": classes, "aux": any(name.startswith(HEADS) for name in layers)}
        expected = googlenet(**arguments, init="zeros").params
        arrays = {}
        for name, blobs in layers.items():
            for key, blob in zip(BLOBS, blobs, strict=True):
                array = f"{name}/{key}"
                arrays[array] = _array(array, blob, expected[array].shape)
    return Contents(arrays, "googlenet", arguments, PIXELS, notes={"from": "Caffe"})


def _checked(layers) -> dict[str, list]:
    """Return {name: blobs} once the layers are known to be GoogLeNet's, with or without its heads."""
    if not layers:
        raise ValueError("it is no Caffe model, or one without weights: no layer in it has arrays")
    found = {}
    for name, blobs in layers:
        if name in found:
            raise ValueError(f"two layers that have arrays are called {name!r}")
        found[name] = blobs
    aux = any(name.startswith(HEADS) for name in found)
    wanted = dict.fromkeys(key.rpartition("/")[0] for key in googlenet(aux=aux, init="zeros").params)
    for what, names in (
        ("it is not GoogLeNet, which has no layers", [name for name in found if name not in wanted]),
        ("of GoogLeNet's layers it lacks", [name for name in wanted if name not in found]),
    ):
        if names:
            raise ValueError(f"{what} {', '.join(map(repr, names[:3]))} ({len(names)} such layers in all)")
    for name, blobs in found.items():
        if len(blobs) != len(BLOBS):
            raise ValueError(f"layer {name!r} has {len(blobs)} array(s), GoogLeNet's has {' and '.join(BLOBS)}")
    return found


def _array(name, blob, expected):
    """Return the values of a blob as float32 of the expected shape; Caffe's old shapes begin with ones."""
    shape, values = caffemodel.shape_and_values(blob)
    if shape != (1,) * (len(shape) - len(expected)) + expected:
        raise ValueError(f"array {name!r} has the shape {shape}, GoogLeNet's has {expected}")
    count = math.prod(shape)
    if len(values) != count:
        raise ValueError(f"array {name!r} holds {len(values)} values, its shape {shape} declares {count}")
    with np.errstate(over="ignore"):  # what a float32 cannot hold is told below
        array = np.array(values, np.float32).reshape(expected)
    if not np.isfinite(array).all():
        raise ValueError(f"array {name!r} holds values that are not finite")
    return array
