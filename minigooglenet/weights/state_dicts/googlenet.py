"""torchvision's names of the arrays of GoogLeNet, `googlenet(variant="torchvision")`."""

from minigooglenet.models.googlenet import MODULES
from minigooglenet.weights.state_dicts.arrays import biased, convolution

# {module of torchvision: node of this package}
STEM = {"conv1": "conv1/7x7_s2", "conv2": "conv2/3x3_reduce", "conv3": "conv2/3x3"}
BRANCHES = {
    "branch1": "1x1",
    "branch2.0": "3x3_reduce",
    "branch2.1": "3x3",
    "branch3.0": "5x5_reduce",
    "branch3.1": "5x5",
    "branch4.1": "pool_proj",
}
HEADS = {"aux1": "loss1", "aux2": "loss2"}


def names() -> dict[str, str]:
    """Return {torchvision's name: name in this package} without auxiliary heads."""
    inside = {
        f"inception{module}.{branch}": f"inception_{module}/{node}"
        for module in MODULES
        for branch, node in BRANCHES.items()
    }
    arrays = {}
    for theirs, ours in {**STEM, **inside}.items():
        arrays |= convolution(f"{theirs}.conv", f"{theirs}.bn", ours)
    arrays = {theirs: ours.replace("/bn_7x7_s2/", "/bn_7x7/") for theirs, ours in arrays.items()}
    return arrays | biased("fc", "loss3/classifier")


def heads() -> dict[str, str]:
    """Return {torchvision's name: name in this package} of the auxiliary heads."""
    arrays = {}
    for theirs, ours in HEADS.items():
        arrays |= convolution(f"{theirs}.conv.conv", f"{theirs}.conv.bn", f"{ours}/conv")
        arrays |= biased(f"{theirs}.fc1", f"{ours}/fc") | biased(f"{theirs}.fc2", f"{ours}/classifier")
    return arrays
