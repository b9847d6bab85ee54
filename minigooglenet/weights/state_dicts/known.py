"""The networks whose state dicts are recognised by their names, and built."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from minigooglenet.typing import Shape
from minigooglenet.weights.state_dicts import (
    efficientnet_lite0,
    googlenet,
    inception_v3,
    mobilenet_v2,
    resnet,
    squeezenet,
)

TORCHVISION, EFFICIENTNET = "torchvision", "EfficientNet-PyTorch"


class StateDict(NamedTuple):
    """A network of `models` as another program writes it.

    model : the function in `models`
    title : how people write the network's name
    mark : an array that only this network has: a name and, if others have the name too, the shape
    names : {name in the state dict: name in this package}, without auxiliary heads
    classifier : the array with one row per class
    backbone : for messages: patterns of the nodes that do not depend on the classes
    heads : the same as `names` for auxiliary heads, which a file may lack
    arguments : arguments of the function
    source : the program
    """

    model: str
    title: str
    mark: tuple[str, Shape | None]
    names: Mapping[str, str]
    classifier: str
    backbone: tuple[str, ...]
    heads: Mapping[str, str] = {}
    arguments: Mapping[str, Any] = {}
    source: str = TORCHVISION


RESNET = ("conv*",)
SQUEEZENET = ("conv1/*", "fire*")
INVERTED = ("stem/*", "block*", "head/*")
KNOWN = (
    StateDict(
        "googlenet",
        "GoogLeNet",
        ("inception3a.branch1.conv.weight", None),
        googlenet.names(),
        "fc.weight",
        ("conv*", "inception_*"),
        googlenet.heads(),
        {"variant": "torchvision"},
    ),
    StateDict(
        "inception_v3",
        "Inception-v3",
        ("Mixed_5b.branch1x1.conv.weight", None),
        inception_v3.names(),
        "fc.weight",
        ("stem/*", "mixed_*"),
        inception_v3.head(),
    ),
    StateDict(
        "resnet18", "ResNet-18", ("layer1.0.conv1.weight", (64, 64, 3, 3)), resnet.resnet18(), "fc.weight", RESNET
    ),
    StateDict(
        "resnet50", "ResNet-50", ("layer1.0.conv1.weight", (64, 64, 1, 1)), resnet.resnet50(), "fc.weight", RESNET
    ),
    StateDict(
        "resnext50_32x4d",
        "ResNeXt-50 32x4d",
        ("layer1.0.conv2.weight", (128, 4, 3, 3)),
        resnet.resnet50(),
        "fc.weight",
        RESNET,
    ),
    StateDict(
        "squeezenet1_0",
        "SqueezeNet 1.0",
        ("features.3.squeeze.weight", (16, 96, 1, 1)),
        squeezenet.squeezenet1_0(),
        "classifier.1.weight",
        SQUEEZENET,
    ),
    StateDict(
        "squeezenet1_1",
        "SqueezeNet 1.1",
        ("features.3.squeeze.weight", (16, 64, 1, 1)),
        squeezenet.squeezenet1_1(),
        "classifier.1.weight",
        SQUEEZENET,
    ),
    StateDict(
        "mobilenet_v2",
        "MobileNet-v2",
        ("features.1.conv.0.0.weight", (32, 1, 3, 3)),
        mobilenet_v2.names(),
        "classifier.1.weight",
        INVERTED,
    ),
    StateDict(
        "efficientnet_lite0",
        "EfficientNet-Lite0",
        ("_blocks.0._depthwise_conv.weight", (32, 1, 3, 3)),
        efficientnet_lite0.names(),
        "_fc.weight",
        INVERTED,
        source=EFFICIENTNET,
    ),
)


def recognised(arrays: Mapping[str, Any]) -> StateDict | None:
    """Return the network that a state dict belongs to, by the array that only this network has, or None.

    arrays : {name: array or placeholder}; a training script may have put a prefix before the names
    """
    for one in KNOWN:
        name, shape = one.mark
        if any(key.endswith(name) and shape in (None, tuple(array.shape)) for key, array in arrays.items()):
            return one
    return None
