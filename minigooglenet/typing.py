"""Type aliases for signatures; docstrings give the shapes.

>>> from minigooglenet.typing import Array, Size
>>> def padded_size(x: Array, kernel_size: Size) -> Size: ...
"""

import os
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Array",
    "ArrayLike",
    "FloatArray",
    "FormName",
    "IntArray",
    "Padding",
    "PathLike",
    "Rng",
    "Shape",
    "Size",
    "UInt8Array",
]

Array = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]  # float32 or float64
IntArray = NDArray[np.integer[Any]]
UInt8Array = NDArray[np.uint8]  # pixels, 0 to 255
Shape = tuple[int, ...]
Size = int | tuple[int, int]  # one integer for both axes, or (height, width)
Padding = (
    int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]
)  # the last one is ((top, bottom), (left, right))
Rng = np.random.Generator | int | None  # an integer is a seed; None draws a random seed
PathLike = str | os.PathLike[str]
FormName = Literal["loops", "numpy", "fast"]
Pair = tuple[Callable[..., Any], Callable[..., Any]]  # your own (forward, backward)
