"""Random numbers of each image: dropout draws the same mask for it, whichever worker computes it."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigooglenet.typing import Array


class SampleGenerator(np.random.Generator):
    """A Generator whose `random` draws the values of each image from a separate Generator.

    Parameters
    ----------
    key : integers, such as the seed of the run, the number of the layer and the step
    images : (n,) indices of the images in the data set

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.distributed import SampleGenerator
    >>> pair = SampleGenerator([0, 1], [5, 9]).random((2, 3))
    >>> bool((pair[1] == SampleGenerator([0, 1], [9]).random((1, 3))[0]).all())
    True
    """

    def __init__(self, key: Sequence[int], images: Sequence[int] | Array) -> None:
        self.key, self.images = [int(value) for value in key], [int(index) for index in images]
        # For distributions besides `random`, and arrays that do not have one row per image.
        super().__init__(np.random.PCG64([*self.key, *self.images[:1]]))
        self._generators = [np.random.default_rng([*self.key, index]) for index in self.images]

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Return uniform values in [0, 1): row n of `size` (N, ...) from the Generator of image n."""
        if out is not None or not isinstance(size, tuple) or size[:1] != (len(self.images),):
            return super().random(size, dtype, out)
        values = np.empty(size, dtype)
        for row, generator in zip(values, self._generators, strict=True):
            row[...] = generator.random(size[1:], dtype)
        return values

    def __deepcopy__(self, memo: Any) -> "SampleGenerator":
        other = SampleGenerator(self.key, self.images)
        other._generators = copy.deepcopy(self._generators, memo)
        other.bit_generator.state = copy.deepcopy(self.bit_generator.state)
        return other
