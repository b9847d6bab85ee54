"""Layers to check: every kind of this package, with hyperparameters of GoogLeNet and others that reveal mistakes."""

from minigooglenet import layers
from minigooglenet.kernels import compiled

# The kinds in `examples`, available without creating a layer.
KINDS = (
    *("Conv2d", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "GlobalAvgPool2d", "LocalResponseNorm", "BatchNorm2d"),
    *("ReLU", "Dropout", "Linear", "Flatten", "Concat", "Add", "Softmax"),
    *("Clip", "ReLU6", "LeakyReLU", "Sigmoid", "Tanh", "HardSwish", "SiLU"),
    *("Scale", "Multiply", "GlobalMaxPool2d", "Pad", "ChannelShuffle", "ChannelSlice"),
)


def examples() -> dict[str, list]:
    """Return {kind: layers}, small and with seeded weights, each ready for `check_layer(layer)`."""

    def conv(*args, **kwargs):
        return layers.Conv2d(*args, **kwargs, rng=0)

    algorithms = ("loops", "im2col", *(("numba",) if compiled.fast() else ()))
    return {
        "Conv2d": [
            conv(3, 4, 7, stride=2, padding=3),
            conv(4, 3, 1),
            conv(3, 4, 3, padding=1),
            conv(3, 2, 5, padding=2),
            *(conv(3, 3, 3, stride=2, padding=1, algorithm=algorithm) for algorithm in algorithms),
            conv(4, 6, (3, 2), stride=(2, 1), padding=((1, 0), (2, 1)), groups=2),
            conv(3, 4, 3, bias=False),
            conv(3, 3, 3, padding=2, dilation=2),
            *(conv(4, 2, (3, 2), (1, 2), groups=2, dilation=(2, 3), algorithm=algorithm) for algorithm in algorithms),
        ],
        "MaxPool2d": [
            layers.MaxPool2d(3, 2, ceil_mode=True),
            layers.MaxPool2d(3, 1, 1),
            layers.MaxPool2d(2),
            layers.MaxPool2d((3, 2), (1, 2), ((1, 0), (0, 1))),
        ],
        "AvgPool2d": [
            layers.AvgPool2d(5, 3),
            layers.AvgPool2d((5, 7), 1),
            layers.AvgPool2d(3, 2, 1, ceil_mode=True),
            layers.AvgPool2d(3, 2, 1, count_include_pad=False),
        ],
        "AdaptiveAvgPool2d": [layers.AdaptiveAvgPool2d(4), layers.AdaptiveAvgPool2d((2, 3))],
        "GlobalAvgPool2d": [layers.GlobalAvgPool2d()],
        "LocalResponseNorm": [
            layers.LocalResponseNorm(),
            layers.LocalResponseNorm(alpha=1.0),
            layers.LocalResponseNorm(4, 0.5),
        ],
        "BatchNorm2d": [layers.BatchNorm2d(3)],
        "ReLU": [layers.ReLU()],
        "Dropout": [layers.Dropout(0.4, rng=0), layers.Dropout(0.7, rng=0)],
        "Linear": [layers.Linear(5, 4, rng=0), layers.Linear(5, 4, bias=False, rng=0)],
        "Flatten": [layers.Flatten()],
        "Concat": [layers.Concat()],
        "Add": [layers.Add()],
        "Softmax": [layers.Softmax()],
        "Clip": [layers.Clip(-1, 0.5), layers.Clip(None, 1), layers.Clip(-0.5, None)],
        "ReLU6": [layers.ReLU6()],
        "LeakyReLU": [layers.LeakyReLU(), layers.LeakyReLU(0.3), layers.LeakyReLU(-1)],
        "Sigmoid": [layers.Sigmoid()],
        "Tanh": [layers.Tanh()],
        "HardSwish": [layers.HardSwish()],
        "SiLU": [layers.SiLU()],
        "Scale": [
            layers.Scale(3),
            layers.Scale(3, bias=False),
            layers.Scale(3, init=0.17, bias=False, trained=False),
        ],
        "Multiply": [layers.Multiply()],
        "GlobalMaxPool2d": [layers.GlobalMaxPool2d()],
        "Pad": [layers.Pad(1), layers.Pad((0, 2), 0.5), layers.Pad(((0, 1), (2, 0)))],
        "ChannelShuffle": [layers.ChannelShuffle(2), layers.ChannelShuffle(3)],
        "ChannelSlice": [layers.ChannelSlice(0, 2), layers.ChannelSlice(1, 4)],
    }
