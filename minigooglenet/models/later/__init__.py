"""The networks after GoogLeNet, one file each: a table that is read from top to bottom, built from shared blocks."""

from minigooglenet.models.later.bn_inception import bn_inception
from minigooglenet.models.later.efficientnet_lite0 import efficientnet_lite0
from minigooglenet.models.later.inception_resnet_v2 import inception_resnet_v2
from minigooglenet.models.later.inception_v3 import inception_v3
from minigooglenet.models.later.inception_v4 import inception_v4
from minigooglenet.models.later.mobilenet_v2 import mobilenet_v2
from minigooglenet.models.later.resnet import resnet18, resnet50, resnext50_32x4d
from minigooglenet.models.later.squeezenet import squeezenet1_0, squeezenet1_1
from minigooglenet.models.later.xception import xception

__all__ = [
    "bn_inception",
    "efficientnet_lite0",
    "inception_resnet_v2",
    "inception_v3",
    "inception_v4",
    "mobilenet_v2",
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "squeezenet1_0",
    "squeezenet1_1",
    "xception",
]
