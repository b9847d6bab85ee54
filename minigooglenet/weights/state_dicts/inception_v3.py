"""torchvision's names of the arrays of Inception-v3, `models.inception_v3`."""

from minigooglenet.weights.state_dicts.arrays import biased, convolution

# {module of torchvision: node of this package, after the module's name}
FIGURE_5 = {
    "branch1x1": "a1_1x1",
    "branch5x5_1": "b1_1x1",
    "branch5x5_2": "b2_5x5",
    "branch3x3dbl_1": "c1_1x1",
    "branch3x3dbl_2": "c2_3x3",
    "branch3x3dbl_3": "c3_3x3",
    "branch_pool": "d2_1x1",
}
FIGURE_6 = {
    "branch1x1": "a1_1x1",
    "branch7x7_1": "b1_1x1",
    "branch7x7_2": "b2_1x7",
    "branch7x7_3": "b3_7x1",
    "branch7x7dbl_1": "c1_1x1",
    "branch7x7dbl_2": "c2_7x1",
    "branch7x7dbl_3": "c3_1x7",
    "branch7x7dbl_4": "c4_7x1",
    "branch7x7dbl_5": "c5_1x7",
    "branch_pool": "d2_1x1",
}
FIGURE_7 = {
    "branch1x1": "a1_1x1",
    "branch3x3_1": "b1_1x1",
    "branch3x3_2a": "b2_1x3",
    "branch3x3_2b": "b2_3x1",
    "branch3x3dbl_1": "c1_1x1",
    "branch3x3dbl_2": "c2_3x3",
    "branch3x3dbl_3a": "c3_1x3",
    "branch3x3dbl_3b": "c3_3x1",
    "branch_pool": "d2_1x1",
}
TO_17 = {
    "branch3x3": "a1_3x3",
    "branch3x3dbl_1": "b1_1x1",
    "branch3x3dbl_2": "b2_3x3",
    "branch3x3dbl_3": "b3_3x3",
}
TO_8 = {
    "branch3x3_1": "a1_1x1",
    "branch3x3_2": "a2_3x3",
    "branch7x7x3_1": "b1_1x1",
    "branch7x7x3_2": "b2_1x7",
    "branch7x7x3_3": "b3_7x1",
    "branch7x7x3_4": "b4_3x3",
}
MODULES = {
    **dict.fromkeys(("5b", "5c", "5d"), FIGURE_5),
    "6a": TO_17,
    **dict.fromkeys(("6b", "6c", "6d", "6e"), FIGURE_6),
    "7a": TO_8,
    **dict.fromkeys(("7b", "7c"), FIGURE_7),
}
STEM = {
    "Conv2d_1a_3x3": "stem/1_3x3",
    "Conv2d_2a_3x3": "stem/2_3x3",
    "Conv2d_2b_3x3": "stem/3_3x3",
    "Conv2d_3b_1x1": "stem/5_1x1",
    "Conv2d_4a_3x3": "stem/6_3x3",
}


def names() -> dict[str, str]:
    """Return {torchvision's name: name in this package} without the auxiliary head."""
    inside = {
        f"Mixed_{module}.{branch}": f"mixed_{module}/{node}"
        for module, branches in MODULES.items()
        for branch, node in branches.items()
    }
    arrays = {}
    for theirs, ours in {**STEM, **inside}.items():
        arrays |= convolution(f"{theirs}.conv", f"{theirs}.bn", ours)
    return arrays | biased("fc", "classifier")


def head() -> dict[str, str]:
    """Return {torchvision's name: name in this package} of the auxiliary head."""
    return {
        **convolution("AuxLogits.conv0.conv", "AuxLogits.conv0.bn", "aux/2_1x1"),
        **convolution("AuxLogits.conv1.conv", "AuxLogits.conv1.bn", "aux/3_5x5"),
        **biased("AuxLogits.fc", "aux/classifier"),
    }
