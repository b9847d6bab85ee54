"""The names of the arrays of EfficientNet-Lite0 in EfficientNet-PyTorch and in the files made with it."""

from minigooglenet.models.later.efficientnet_lite0 import TABLE
from minigooglenet.weights.state_dicts.arrays import biased, convolution


def names() -> dict[str, str]:
    """Return {name in EfficientNet-PyTorch: name in this package}."""
    arrays = convolution("_conv_stem", "_bn0", "stem/1_3x3")
    rows = [row for row in TABLE for _ in range(row.n)]
    for block, row in enumerate(rows):
        steps = {"_depthwise_conv": f"{row.kernel}x{row.kernel}_depthwise", "_project_conv": "1x1"}
        norms = ("_bn1", "_bn2")
        if row.t > 1:
            steps, norms = {"_expand_conv": "1x1"} | steps, ("_bn0", *norms)
        for number, ((theirs, ours), norm) in enumerate(zip(steps.items(), norms, strict=True), start=1):
            module = f"_blocks.{block}"
            arrays |= convolution(f"{module}.{theirs}", f"{module}.{norm}", f"block{block + 1}/{number}_{ours}")
    return arrays | convolution("_conv_head", "_bn1", "head/1_1x1") | biased("_fc", "classifier")
