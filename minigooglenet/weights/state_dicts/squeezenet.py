"""torchvision's names of the arrays of SqueezeNet 1.0 and 1.1."""

from minigooglenet.weights.state_dicts.arrays import biased

# The positions of fire2 to fire9 in torchvision's list of layers, in which the pools between them count too.
FIRE_1_0 = (3, 4, 5, 7, 8, 9, 10, 12)
FIRE_1_1 = (3, 4, 6, 7, 9, 10, 11, 12)
STEPS = {"squeeze": "1_1x1", "expand1x1": "2_1x1", "expand3x3": "2_3x3"}


def squeezenet1_0() -> dict[str, str]:
    """Return {torchvision's name: name in this package} for SqueezeNet 1.0."""
    return _names("conv1/1_7x7", FIRE_1_0)


def squeezenet1_1() -> dict[str, str]:
    """Return {torchvision's name: name in this package} for SqueezeNet 1.1."""
    return _names("conv1/1_3x3", FIRE_1_1)


def _names(first, positions):
    arrays = biased("features.0", first)
    for number, position in enumerate(positions, start=2):
        for theirs, ours in STEPS.items():
            arrays |= biased(f"features.{position}.{theirs}", f"fire{number}/{ours}")
    return arrays | biased("classifier.1", "conv10/1x1")
