"""Broken losses and targets: ignored labels, label smoothing, Huber, a temperature, a mean, an embedding."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room

IGNORED, SMOOTHING, DELTA, TEMPERATURE = -1, 0.1, 0.5, 2.0


def _log_probabilities(logits):
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def _less_one(logits, labels):
    """Return the softmax minus 1 at the label of each row; label -1 is the last class, as in NumPy."""
    grad = np.exp(_log_probabilities(logits))
    grad[np.arange(len(labels)), labels] -= 1
    return grad


def _ignoring_forward(logits, labels):
    kept = labels != IGNORED
    return -_log_probabilities(logits)[kept, labels[kept]].mean()


def _ignoring_correct(grad_loss, logits, labels):
    kept = labels != IGNORED
    return (grad_loss * _less_one(logits, labels) * kept[:, None] / kept.sum(),)


def _ignoring_inputs(rng):
    return rng.standard_normal((6, 4)), rng.permutation(np.array([0, 1, 2, 3, IGNORED, IGNORED]))


def _smooth(labels, classes):
    return (1 - SMOOTHING) * np.eye(classes)[labels] + SMOOTHING / classes


def _smooth_forward(logits, labels):
    return -(_smooth(labels, logits.shape[1]) * _log_probabilities(logits)).sum() / len(labels)


def _smooth_correct(grad_loss, logits, labels):
    p = np.exp(_log_probabilities(logits))
    return (grad_loss * (p - _smooth(labels, logits.shape[1])) / len(labels),)


def _class_inputs(rng):
    return rng.standard_normal((5, 4)), rng.permutation(np.array([0, 1, 2, 3, 3]))


def _huber_forward(x, target):
    r = x - target
    return np.where(np.abs(r) <= DELTA, r * r / 2, DELTA * (np.abs(r) - DELTA / 2)).mean()


def _huber_correct(grad_loss, x, target):
    grad_x = grad_loss * np.clip(x - target, -DELTA, DELTA) / x.size
    return grad_x, -grad_x


def _huber_inputs(rng):
    target = rng.standard_normal((5, 3))
    return target + rng.permutation(np.linspace(-1.23, 1.31, 15)).reshape(5, 3), target


def _warm_forward(x):
    return np.exp(_log_probabilities(x / TEMPERATURE))


def _warm_correct(grad_y, x):
    y = _warm_forward(x)
    return (y * (grad_y - (grad_y * y).sum(axis=1, keepdims=True)) / TEMPERATURE,)


def _warm_inputs(rng):
    return (rng.standard_normal((4, 3)),)


def _mean_forward(x):
    return x.mean(axis=0) ** 2


def _mean_correct(grad_y, x):
    return (np.repeat((grad_y * 2 * x.mean(axis=0) / len(x))[None], len(x), axis=0),)


def _table_forward(table, rows):
    return table[rows]


def _table_correct(grad_y, table, rows):
    grad = np.zeros_like(table)
    np.add.at(grad, rows, grad_y)
    return (grad,)


def _table_inputs(rng):
    return rng.standard_normal((4, 3)), np.array([2, 0, 2, 1, 2])


IGNORING = Room("cross_entropy ignoring", _ignoring_forward, _ignoring_correct, _ignoring_inputs)
SMOOTH = Room("cross_entropy smoothed", _smooth_forward, _smooth_correct, _class_inputs)
HUBER = Room("huber_loss", _huber_forward, _huber_correct, _huber_inputs)
WARM = Room("softmax temperature", _warm_forward, _warm_correct, _warm_inputs)
MEAN = Room("mean squared", _mean_forward, _mean_correct, _warm_inputs)
TABLE = Room("embedding", _table_forward, _table_correct, _table_inputs)
ROOMS = (IGNORING, SMOOTH, HUBER, WARM, MEAN, TABLE)


@IGNORING.backward("ignored labels counted")
def ignored_rows_get_a_gradient(grad_loss, logits, labels):
    """The label -1 marks a row to be ignored, but as an index it is the last class."""
    return (grad_loss * _less_one(logits, labels) / (labels != IGNORED).sum(),)


@IGNORING.backward("ignored labels counted")
def divided_by_all_labels(grad_loss, logits, labels):
    """The ignored rows are masked, but the mean is still taken over the whole batch."""
    return (grad_loss * _less_one(logits, labels) * (labels != IGNORED)[:, None] / len(labels),)


@IGNORING.backward("ignored labels counted")
def mask_forgotten(grad_loss, logits, labels):
    """The option to ignore a label is added to the forward pass, but the backward pass is not changed."""
    return (grad_loss * _less_one(logits, labels) / len(labels),)


@SMOOTH.backward("label smoothing left out")
def hard_labels(grad_loss, logits, labels):
    """Label smoothing is added to the loss, but the gradient is still softmax minus one-hot."""
    return (grad_loss * _less_one(logits, labels) / len(labels),)


@HUBER.backward("loss not clipped")
def square_everywhere(grad_loss, x, target):
    """The gradient is that of the square in the middle, but the straight lines outside are forgotten."""
    grad_x = grad_loss * (x - target) / x.size
    return grad_x, -grad_x


@HUBER.backward("loss not clipped")
def sign_everywhere(grad_loss, x, target):
    """The loss is remembered as an absolute error, so its gradient is delta times the sign everywhere."""
    grad_x = grad_loss * DELTA * np.sign(x - target) / x.size
    return grad_x, -grad_x


@HUBER.backward("wrong by a constant factor")
def sum_instead_of_mean(grad_loss, x, target):
    """The loss of one value is differentiated, but the mean over all values is only in the forward pass."""
    grad_x = grad_loss * np.clip(x - target, -DELTA, DELTA)
    return grad_x, -grad_x


@WARM.backward("wrong by a constant factor")
def temperature_forgotten(grad_y, x):
    """The logits are divided by a temperature before the softmax, but their gradient is not divided."""
    y = _warm_forward(x)
    return (y * (grad_y - (grad_y * y).sum(axis=1, keepdims=True)),)


@MEAN.backward("wrong by a constant factor")
def mean_as_a_sum(grad_y, x):
    """A mean divides its gradient among all rows, but here each row gets the full gradient."""
    return (np.repeat((grad_y * 2 * x.mean(axis=0))[None], len(x), axis=0),)


@TABLE.backward("= where += belongs")
def repeated_rows_overwritten(grad_y, table, rows):
    """Indexing with += adds only once per row, even if the row was looked up several times."""
    grad = np.zeros_like(table)
    grad[rows] += grad_y
    return (grad,)
