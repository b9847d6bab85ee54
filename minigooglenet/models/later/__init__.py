"""The networks after GoogLeNet, one file each: a table that is read from top to bottom, built from shared blocks."""

from minigooglenet.models.later.bn_inception import bn_inception
from minigooglenet.models.later.inception_resnet_v2 import inception_resnet_v2
from minigooglenet.models.later.inception_v3 import inception_v3
from minigooglenet.models.later.inception_v4 import inception_v4
from minigooglenet.models.later.xception import xception

__all__ = ["bn_inception", "inception_resnet_v2", "inception_v3", "inception_v4", "xception"]
