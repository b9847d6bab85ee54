"""Examples of every layer, with suitable inputs."""

import numpy as np
from numeric import distinct, draw

from minigooglenet import layers

MAP = (4, 5, 6)
CASES = {
    "Conv2d": (lambda: layers.Conv2d(4, 6, (3, 2), (2, 1), ((1, 0), (1, 2)), groups=2, bias_init=0.2, rng=0), [MAP]),
    "Conv2d without bias": (lambda: layers.Conv2d(4, 3, 1, bias=False, rng=0), [MAP]),
    "Conv2d im2col": (lambda: layers.Conv2d(4, 2, 3, algorithm="im2col", rng=0), [MAP]),
    "MaxPool2d": (lambda: layers.MaxPool2d(3, 2, ceil_mode=True), [MAP]),
    "MaxPool2d with padding": (lambda: layers.MaxPool2d(3, 1, 1), [MAP]),
    "AvgPool2d": (lambda: layers.AvgPool2d((3, 2), (2, 3), (1, 0), ceil_mode=True), [MAP]),
    "AvgPool2d of real values": (lambda: layers.AvgPool2d(3, 2, 1, count_include_pad=False), [MAP]),
    "AdaptiveAvgPool2d": (lambda: layers.AdaptiveAvgPool2d((3, 4)), [MAP]),
    "AdaptiveAvgPool2d of a smaller map": (lambda: layers.AdaptiveAvgPool2d((7, 4)), [MAP]),
    "GlobalAvgPool2d": (layers.GlobalAvgPool2d, [MAP]),
    "LocalResponseNorm": (lambda: layers.LocalResponseNorm(3, alpha=1.0), [MAP]),
    "BatchNorm2d": (lambda: layers.BatchNorm2d(4), [MAP]),
    "ReLU": (layers.ReLU, [MAP]),
    "ReLU of a vector": (layers.ReLU, [(7,)]),
    "Dropout": (lambda: layers.Dropout(0.4, rng=0), [MAP]),
    "Dropout of a vector": (lambda: layers.Dropout(0.4, rng=0), [(7,)]),
    "Linear": (lambda: layers.Linear(7, 3, rng=0), [(7,)]),
    "Linear without bias": (lambda: layers.Linear(7, 3, bias=False, rng=0), [(7,)]),
    "Flatten": (layers.Flatten, [MAP]),
    "Concat": (layers.Concat, [(2, 3, 3), (1, 3, 3), (4, 3, 3)]),
    "Concat of vectors": (layers.Concat, [(2,), (3,)]),
    "Concat of one": (layers.Concat, [MAP]),
    "Add": (layers.Add, [MAP, MAP]),
    "Add of vectors": (layers.Add, [(3,), (3,), (3,)]),
    "Softmax": (layers.Softmax, [(5,)]),
    "Softmax of a map": (layers.Softmax, [MAP]),
    "Clip": (lambda: layers.Clip(-1.02, 2), [MAP]),
    "Clip without a bound": (lambda: layers.Clip(None, 0.5), [MAP]),
    "ReLU6": (layers.ReLU6, [MAP]),
    "LeakyReLU": (lambda: layers.LeakyReLU(0.2), [MAP]),
    "Sigmoid": (layers.Sigmoid, [(7,)]),
    "Tanh": (layers.Tanh, [MAP]),
    "HardSwish": (layers.HardSwish, [MAP]),
    "SiLU": (layers.SiLU, [MAP]),
    "Scale": (lambda: layers.Scale(4, init=0.7), [MAP]),
    "Scale of a vector": (lambda: layers.Scale(7, bias=False), [(7,)]),
    "Scale that is not trained": (lambda: layers.Scale(4, init=0.17, trained=False), [MAP]),
    "Multiply": (layers.Multiply, [MAP, MAP]),
    "Multiply by gates": (layers.Multiply, [MAP, (4,)]),
    "Multiply by gates with axes": (layers.Multiply, [(4, 1, 1), MAP, MAP]),
    "GlobalMaxPool2d": (layers.GlobalMaxPool2d, [MAP]),
    "Pad": (lambda: layers.Pad(((0, 1), (2, 0)), 0.5), [MAP]),
    "ChannelShuffle": (lambda: layers.ChannelShuffle(2), [MAP]),
    "ChannelShuffle of a vector": (lambda: layers.ChannelShuffle(3), [(6,)]),
    "ChannelSlice": (lambda: layers.ChannelSlice(1, 3), [MAP]),
    "ChannelSlice of a vector": (lambda: layers.ChannelSlice(0, 4), [(6,)]),
}


def make(name, dtype=np.float64, images=2):
    """Return (layer, inputs, upstream gradient)."""
    build, shapes = CASES[name]
    layer = build()
    inputs = [distinct(images, *shape, seed=i, dtype=dtype) for i, shape in enumerate(shapes)]
    return layer, inputs, draw(images, *layer.output_shape(*shapes), seed=9, dtype=dtype)
