"""The weights of GoogLeNet as BVLC published them for Caffe (bvlc_googlenet.caffemodel), and others of that form.

Caffe's names of layers are the names of nodes here, so an array keeps its name. The network is known already: layers
without arrays are passed over. Images are blue, green, red, less their means.
"""

import hashlib
import math

import numpy as np

from minigooglenet import files
from minigooglenet.data.pixels import RGB_MEAN, Pixels
from minigooglenet.models.googlenet import googlenet
from minigooglenet.weights import caffemodel
from minigooglenet.weights.contents import PIXELS_ASSUMED, Contents, file_size, placeholder, reading, some

PIXELS = Pixels(RGB_MEAN[::-1], colours="BGR")
PUBLISHED = "405fc5acd08a3bb12de8ee5e23a96bec22f08204"  # SHA-1 of BVLC's file, which its readme states
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
    file_size(path)
    with reading(path):
        layers = _checked(caffemodel.layers(files.read_bytes(path)))
        _, values = caffemodel.shape_and_values(layers[CLASSIFIER][0])
        classes = max(1, len(values) // FEATURES)  # of the values that are there: no shape is believed
        arguments = {"num_classes": classes, "aux": any(name.startswith(HEADS) for name in layers)}
        expected = googlenet(**arguments, init="zeros").params
        arrays = {}
        for name, blobs in layers.items():
            for key, blob in zip(BLOBS, blobs, strict=True):
                array = f"{name}/{key}"
                arrays[array] = _array(array, blob, expected[array].shape)
    return Contents(arrays, "googlenet", arguments, PIXELS, notes=_notes(path))


def arrays(path, graph) -> dict[str, np.ndarray]:
    """Return the arrays of any .caffemodel, for `load_into`: those of `graph` in its shapes, placeholders for others.

    The first array of a layer is its weight, the second its bias.
    """
    file_size(path)
    targets, found = {**graph.params, **graph.buffers}, {}
    with reading(path):
        layers = _without_twins(caffemodel.layers(files.read_bytes(path)))
        for name, blobs in layers.items():
            for number, blob in enumerate(blobs):
                array = f"{name}/{BLOBS[number] if number < len(BLOBS) else number}"
                if array not in targets:
                    found[array] = np.zeros(0, np.float32)
                    continue
                shape, expected = caffemodel.shape_and_values(blob)[0], targets[array].shape
                if _fits(shape, expected):
                    found[array] = _array(array, blob, expected)
                else:
                    found[array] = placeholder(array, shape, np.dtype(np.float32))  # `match` has the words for it
    return found


def _notes(path) -> dict[str, str]:
    """Return notes on a file: of BVLC's own the pixels are known, of others that they are BVLC's is an assumption."""
    with files.open_regular(path) as file:
        if hashlib.file_digest(file, "sha1").hexdigest() == PUBLISHED:
            return {"from": "Caffe, the file that BVLC published"}
    assumed = "as BVLC's: blue, green, red less 104, 117, 123; if yours had other means, pass pixels= or --pixels"
    return {"from": "Caffe", PIXELS_ASSUMED: assumed}


def _checked(layers) -> dict[str, list]:
    """Return {name: blobs} once the layers are known to be GoogLeNet's, with or without its heads."""
    if not layers:
        raise ValueError("it is no Caffe model, or one without weights: no layer in it has arrays")
    found = _without_twins(layers)
    aux = any(name.startswith(HEADS) for name in found)
    wanted = dict.fromkeys(key.rpartition("/")[0] for key in googlenet(aux=aux, init="zeros").params)
    for what, names in (
        ("it is not GoogLeNet, which has no layers", [name for name in found if name not in wanted]),
        ("of GoogLeNet's layers it lacks", [name for name in wanted if name not in found]),
    ):
        if names:
            listed = ", ".join(map(some, names[:3]))
            raise ValueError(
                f"{what} {listed} ({len(names)} such layers in all); to take the others, "
                "use weights.load_into(graph, path, only=['conv*', 'inception_*'])"
            )
    for name, blobs in found.items():
        if len(blobs) != len(BLOBS):
            raise ValueError(f"layer {name!r} has {len(blobs)} array(s), GoogLeNet's has {' and '.join(BLOBS)}")
    return found


def _without_twins(layers):
    found = {}
    for name, blobs in layers:
        if name in found:
            raise ValueError(f"two layers that have arrays are called {some(name)}")
        found[name] = blobs
    return found


def _fits(shape, expected):
    """Return whether a shape is the expected one; Caffe's old shapes begin with ones."""
    return shape == (1,) * (len(shape) - len(expected)) + expected


def _array(name, blob, expected):
    """Return the values of a blob as float32 of the expected shape."""
    shape, values = caffemodel.shape_and_values(blob)
    if not _fits(shape, expected):
        raise ValueError(f"array {name!r} has the shape {shape}, GoogLeNet's has {expected}")
    count = math.prod(shape)
    if len(values) != count:
        raise ValueError(f"array {name!r} holds {len(values)} values, its shape {shape} declares {count}")
    with np.errstate(over="ignore"):  # what a float32 cannot hold is told below
        array = np.array(values, np.float32).reshape(expected)
    if not np.isfinite(array).all():
        raise ValueError(f"array {name!r} holds values that are not finite")
    return array
