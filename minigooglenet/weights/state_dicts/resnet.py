"""torchvision's names of the arrays of ResNet-18, ResNet-50 and ResNeXt-50."""

from minigooglenet.models.later.resnet import RESNET_18, RESNET_50
from minigooglenet.weights.state_dicts.arrays import biased, convolution

BASIC = ("3x3", "3x3")
BOTTLENECK = ("1x1", "3x3", "1x1")


def resnet18() -> dict[str, str]:
    """Return {torchvision's name: name in this package} for ResNet-18."""
    return _names(RESNET_18, BASIC)


def resnet50() -> dict[str, str]:
    """Return {torchvision's name: name in this package} for ResNet-50 and ResNeXt-50."""
    return _names(RESNET_50, BOTTLENECK)


def _names(table, kernels):
    arrays = convolution("conv1", "bn1", "conv1/1_7x7")
    for number, row in enumerate(table, start=1):
        for module in range(row.modules):
            theirs, ours = f"layer{number}.{module}", f"{row.name}_{module + 1}"
            for step, kernel in enumerate(kernels, start=1):
                arrays |= convolution(f"{theirs}.conv{step}", f"{theirs}.bn{step}", f"{ours}/{step}_{kernel}")
            if module == 0 and (row.stride > 1 or kernels == BOTTLENECK):
                shortcut = f"{ours}/shortcut1_1x1"
                arrays |= convolution(f"{theirs}.downsample.0", f"{theirs}.downsample.1", shortcut)
    return arrays | biased("fc", "classifier")
