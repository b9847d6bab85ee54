"""The names of a state dict's arrays and those of this package, for one module each."""

NORM = ("weight", "bias", "running_mean", "running_var")


def convolution(theirs: str, norm: str, ours: str) -> dict[str, str]:
    """Return {their name: our name} of a convolution without bias and of the batch norm after it.

    Examples
    --------
    >>> from minigooglenet.weights.state_dicts.arrays import convolution
    >>> convolution("conv1", "bn1", "conv1/1_7x7")["bn1.bias"]
    'conv1/bn_1_7x7/bias'
    """
    group, _, name = ours.partition("/")
    return {f"{theirs}.weight": f"{ours}/weight"} | {f"{norm}.{key}": f"{group}/bn_{name}/{key}" for key in NORM}


def biased(theirs: str, ours: str) -> dict[str, str]:
    """Return {their name: our name} of a linear layer, or of a convolution with bias.

    Examples
    --------
    >>> from minigooglenet.weights.state_dicts.arrays import biased
    >>> biased("fc", "classifier")
    {'fc.weight': 'classifier/weight', 'fc.bias': 'classifier/bias'}
    """
    return {f"{theirs}.{key}": f"{ours}/{key}" for key in ("weight", "bias")}
