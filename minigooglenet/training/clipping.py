"""Gradient clipping: one large gradient must not undo what many small steps have learned (Pascanu et al. 2013)."""

import math
from collections.abc import Mapping

import numpy as np

from minigooglenet.parallel import flushed
from minigooglenet.typing import Array


@flushed
def clipped(grads: Mapping[str, Array], most: float | None) -> Mapping[str, Array]:
    """Return gradients whose Euclidean norm, of all arrays together, is at most `most`; None changes nothing.

    All arrays are multiplied by most / norm if the norm is larger, so that the direction stays the same. Gradients that
    are not finite are returned unchanged: the next loss reports them.
    """
    if most is None:
        return grads
    # In float64 and without BLAS, whose sums depend on the number of threads.
    norm = math.sqrt(sum(float(np.square(grad, dtype=np.float64).sum()) for grad in grads.values()))
    if norm <= most or not math.isfinite(norm):
        return grads
    return {name: grad * grad.dtype.type(most / norm) for name, grad in grads.items()}
