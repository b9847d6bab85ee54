"""The loss of MultiBox and its gradient: confidence of every prior, and localisation of those with an object."""

from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, FloatArray

ALPHA = 1.0  # for offsets in sides of the prior, as `encode` returns them


class Loss(NamedTuple):
    """The loss of a batch, its two parts, and its gradients.

    total : confidence + alpha * localisation, averaged over the images
    localisation, confidence : the parts, without alpha
    grad_offsets, grad_logits : the gradients of `total`, (N, K, 4) and (N, K)

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.multibox import multibox_loss
    >>> multibox_loss(np.zeros((1, 1, 4)), np.zeros((1, 1)), np.ones((1, 1, 4)), [[True]]).localisation
    2.0
    """

    total: float
    localisation: float
    confidence: float
    grad_offsets: FloatArray
    grad_logits: FloatArray

    def __repr__(self) -> str:
        return console.brief(self)


@flushed
def multibox_loss(offsets: Array, logits: Array, targets: Array, matched: Array, *, alpha: float = ALPHA) -> Loss:
    """Return the loss of a batch (Erhan et al. 2014, equations 1 to 3).

    localisation = sum over matched priors and their four offsets of (offsets - targets)^2 / 2
    confidence = -sum over matched priors of log(c) - sum over the others of log(1 - c), c = 1 / (1 + exp(-logit))

    Both are averaged over the N images. The gradient of the localisation is alpha * (offsets - targets) / N for matched
    priors and 0 for the others; that of the confidence is (c - matched) / N.

    Parameters
    ----------
    offsets : (N, K, 4) predicted offsets from the priors, see `encode`
    logits : (N, K), one per prior
    targets : (N, K, 4) offsets of the object of each prior; any finite value if the prior has none
    matched : (N, K) bool, whether the prior has an object
    alpha : loss weight of the localisation

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection.multibox import multibox_loss
    >>> offsets = np.array([[[0.2, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0]]])
    >>> loss = multibox_loss(offsets, np.zeros((1, 2)), np.zeros((1, 2, 4)), np.array([[True, False]]), alpha=0.5)
    >>> round(loss.localisation, 4), round(loss.confidence, 4), loss.grad_logits
    (0.02, 1.3863, array([[-0.5,  0.5]]))
    >>> loss.grad_offsets[0].tolist()
    [[0.1, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    count, kind = len(checks.floating(logits, "logits", 2, checks.FLOATS)), logits.dtype.type
    checks.has_shape(checks.floating(offsets, "offsets", 3, checks.FLOATS), "offsets", (*logits.shape, 4))
    matched = checks.has_shape(np.asarray(matched, bool), "matched", logits.shape)
    targets = checks.has_shape(np.asarray(targets), "targets", offsets.shape)
    errors = np.where(matched[..., None], offsets - targets, 0)
    small = np.exp(-np.abs(logits))  # at most 1, so that no logit overflows
    confidences = np.where(logits >= 0, 1, small) / (1 + small)
    # -log(c) = log(1 + exp(-z)), and -log(1 - c) is z more.
    nats = np.maximum(logits, 0) - np.where(matched, logits, 0) + np.log1p(small)
    localisation = float(np.square(errors, dtype=np.float64).sum() / 2 / count)
    confidence = float(nats.sum(dtype=np.float64) / count)
    return Loss(
        confidence + alpha * localisation,
        localisation,
        confidence,
        (errors * kind(alpha / count)).astype(kind, copy=False),
        ((confidences - matched) / kind(count)).astype(kind, copy=False),
    )
