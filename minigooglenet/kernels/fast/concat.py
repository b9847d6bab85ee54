"""Concatenation along axis 1, copied image by image by several threads."""

import itertools

import numpy as np

from minigooglenet.kernels.fast.threads import parallel_for
from minigooglenet.kernels.numpy.concat import backward as backward


def forward(*xs):
    """Return y (N, C1 + C2 + ..., ...)."""
    channels = [x.shape[1] for x in xs]
    y = np.empty((len(xs[0]), sum(channels), *xs[0].shape[2:]), xs[0].dtype)
    ends = list(itertools.accumulate(channels))
    parts = [y[:, end - count : end] for count, end in zip(channels, ends, strict=True)]

    def task(start, stop):
        for source, target in zip(xs, parts, strict=True):
            np.copyto(target[start:stop], source[start:stop])

    parallel_for(task, len(y), y.size, few=1 << 21)
    return y
