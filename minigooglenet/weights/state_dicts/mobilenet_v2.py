"""torchvision's names of the arrays of MobileNet-v2."""

from minigooglenet.weights.state_dicts.arrays import biased, convolution

BLOCKS = 17
# {(convolution, batch norm) in torchvision: node of this package}
FIRST = {("0.0", "0.1"): "1_3x3_depthwise", ("1", "2"): "2_1x1"}
OTHERS = {("0.0", "0.1"): "1_1x1", ("1.0", "1.1"): "2_3x3_depthwise", ("2", "3"): "3_1x1"}


def names() -> dict[str, str]:
    """Return {torchvision's name: name in this package}."""
    arrays = convolution("features.0.0", "features.0.1", "stem/1_3x3")
    for block in range(1, BLOCKS + 1):
        for (conv, norm), ours in (FIRST if block == 1 else OTHERS).items():
            module = f"features.{block}.conv"
            arrays |= convolution(f"{module}.{conv}", f"{module}.{norm}", f"block{block}/{ours}")
    head = f"features.{BLOCKS + 1}"
    return arrays | convolution(f"{head}.0", f"{head}.1", "head/1_1x1") | biased("classifier.1", "classifier")
