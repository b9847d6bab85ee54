"""The onnx package, an optional one, asked for where it is first needed."""


def onnx():
    """Return the onnx package, or raise a ModuleNotFoundError that says how it is installed."""
    try:
        import onnx
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise ModuleNotFoundError("ONNX files need the onnx package: pip install onnx") from error
    return onnx
