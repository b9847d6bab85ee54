"""Checks that a layer with overridden methods computes the same as its ONNX operator."""

import numpy as np

from minigooglenet import methods

SCALES = (1, 100, 0.01)  # of the compared inputs, because a subclass may differ only for large or small values
ROUND_OFF = 1e-4  # relative to the largest value


def check_methods(layer, cls, shapes) -> None:
    """Raise a ValueError if a layer overrides methods of `cls` and computes different values.

    Parameters
    ----------
    layer : an object of `cls` or of a subclass
    cls : the class of this package whose operator is written
    shapes : input shapes of the layer
    """
    has_pair = not isinstance(getattr(layer, "algorithm", ""), str)
    if type(layer) is cls and not has_pair and methods.unchanged(layer, "forward", "output_shape"):
        return
    if not methods.as_written(cls, "forward"):
        raise ValueError(f"the forward method of {cls.__name__} was replaced, and a file stores no code")
    plain = object.__new__(cls)
    vars(plain).update({name: value for name, value in vars(layer).items() if not hasattr(cls, name)})
    if has_pair:
        plain.algorithm = "auto"
    arrays = [*layer.params.values(), *layer.buffers.values()]
    dtype = np.result_type(np.float32, *(array.dtype for array in arrays))
    rng = np.random.default_rng(0)
    for scale in SCALES:
        xs = [(rng.standard_normal((2, *shape)) * scale).astype(dtype) for shape in shapes]
        y = methods.infer(layer, xs)
        expected = cls.forward(plain, *xs)[0]
        most = np.abs(expected).max()
        if np.shape(y) != expected.shape or not np.allclose(y, expected, rtol=0, atol=ROUND_OFF * most):
            raise ValueError(
                f"its methods compute different values than {cls.__name__}, and a file stores no code. "
                "Build it from layers of this package."
            )
