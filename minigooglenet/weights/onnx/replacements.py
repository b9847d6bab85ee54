"""What could replace an operator that no layer supports: the end of an error message."""

TRAIN = "Replace it and train the network again: "
BEFORE = "Compute it outside of the network, before or after it."
EXPORT = "Export the model with fixed sizes and without branches, in inference mode."
OUT = "Cut the network before it, and compute it from the output: "

ADVICE = {
    **dict.fromkeys(("Erf", "Gelu", "Mish", "Elu", "Selu", "Celu", "Softplus", "Softsign"), TRAIN + "SiLU is similar."),
    **dict.fromkeys(
        ("LayerNormalization", "GroupNormalization", "InstanceNormalization", "RMSNormalization"),
        TRAIN + "BatchNorm2d is the normalisation of this package.",
    ),
    **dict.fromkeys(("ArgMax", "ArgMin", "TopK"), OUT + "np.argsort(logits)."),
    "LogSoftmax": OUT + "minigooglenet.losses takes logits.",
    **dict.fromkeys(("Attention", "MultiHeadAttention", "Einsum"), "Attention has no layer in this package."),
    **dict.fromkeys(("ConvTranspose", "Resize", "Upsample", "GridSample"), "Upsampling has no layer in this package."),
    **dict.fromkeys(("NonMaxSuppression", "RoiAlign", "NonZero"), BEFORE),
    **dict.fromkeys(("If", "Loop", "Scan"), EXPORT),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), "Recurrent layers are not in this package."),
    **dict.fromkeys(
        ("QLinearConv", "ConvInteger", "MatMulInteger", "QLinearMatMul", "QuantizeLinear", "DynamicQuantizeLinear"),
        "Export the model before quantisation.",
    ),
    "DequantizeLinear": "Export the model before the quantisation of activations.",
}
OPTIMISED = "ONNX Runtime writes such operators when it optimises a file. Use the file from before that."
OTHERS = "Write it with operators of docs/onnx.md, or build the network from layers and load the weights by name."


def advice(operator: str) -> str:
    """Return a sentence about what could replace an operator.

    Examples
    --------
    >>> advice("TopK")
    'Cut the network before it, and compute it from the output: np.argsort(logits).'
    """
    if operator.startswith("com.microsoft."):
        return OPTIMISED
    return ADVICE.get(operator, OTHERS)
