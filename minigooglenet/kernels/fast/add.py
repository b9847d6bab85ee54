"""Addition, split along the batch over several threads."""

import numpy as np

from minigooglenet.kernels.fast.threads import parallel_for
from minigooglenet.kernels.numpy.add import backward as backward


def forward(*xs):
    """Return the sum of all inputs."""
    y = np.empty(xs[0].shape, xs[0].dtype)
    terms = [np.atleast_1d(x) for x in xs]
    total = y.reshape(terms[0].shape)

    def task(start, stop):
        if len(terms) == 1:
            total[start:stop] = terms[0][start:stop]
            return
        np.add(terms[0][start:stop], terms[1][start:stop], out=total[start:stop])  # one pass, without a copy
        for term in terms[2:]:
            total[start:stop] += term[start:stop]

    parallel_for(task, len(total), y.size, few=1 << 20)
    return y
