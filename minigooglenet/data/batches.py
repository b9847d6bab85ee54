"""stub"""

from typing import NamedTuple

import numpy as np


class Batch(NamedTuple):
    number: int
    indices: np.ndarray
    x: np.ndarray
    labels: np.ndarray


def batches(dataset, order, batch_size, *, seed=None, epoch=0, workers=None, start=0):
    for n, s in enumerate(range(0, len(order), batch_size)):
        if n < start:
            continue
        idx = order[s : s + batch_size]
        x = np.stack(
            [dataset.load(int(i), None if seed is None else np.random.default_rng([seed, epoch, int(i)])) for i in idx]
        )
        yield Batch(n, idx, x, dataset.labels[idx])
