"""Broken losses: means over the batch, with an upstream gradient that is not 1 (an auxiliary head has 0.3)."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.kernels import softmax_cross_entropy


def _probabilities(logits, axis=1):
    y = np.exp(logits)
    return y / y.sum(axis=axis, keepdims=True)


def _entropy_forward(logits, labels):
    return -np.log(_probabilities(logits)[np.arange(len(labels)), labels]).mean()


def _entropy_correct(grad_loss, logits, labels):
    _, log_probabilities = softmax_cross_entropy.forward(logits, labels)
    return (grad_loss * softmax_cross_entropy.backward(log_probabilities, labels),)


def _entropy_inputs(rng):
    return rng.standard_normal((5, 4)), rng.permutation(np.array([0, 1, 2, 3, 3]))


def _square_forward(x, target):
    return ((x - target) ** 2).sum() / len(x)


def _square_correct(grad_loss, x, target):
    grad_x = grad_loss * 2 * (x - target) / len(x)
    return grad_x, -grad_x


def _square_inputs(rng):
    return rng.standard_normal((5, 3)), rng.standard_normal((5, 3))


ENTROPY = Room("softmax_cross_entropy", _entropy_forward, _entropy_correct, _entropy_inputs)
SQUARE = Room("square_loss", _square_forward, _square_correct, _square_inputs)
ROOMS = (ENTROPY, SQUARE)


@ENTROPY.backward("label's one not subtracted")
def only_the_probabilities(grad_loss, logits, labels):
    """The gradient is remembered as the softmax itself, without subtracting 1 at the right class."""
    return (grad_loss * _probabilities(logits) / len(labels),)


@ENTROPY.backward("1/N missing")
def not_divided_by_the_batch(grad_loss, logits, labels):
    """The loss is a mean over the batch, but the gradient was derived for a single image."""
    grad = _probabilities(logits)
    grad[np.arange(len(labels)), labels] -= 1
    return (grad_loss * grad,)


@ENTROPY.backward("wrong by a constant factor")
def divided_by_the_classes(grad_loss, logits, labels):
    """A mean over the whole array, or shape[1] instead of shape[0], divides by classes instead of images."""
    grad = _probabilities(logits)
    grad[np.arange(len(labels)), labels] -= 1
    return (grad_loss * grad / logits.shape[1],)


@ENTROPY.backward("upstream gradient ignored")
def weight_of_the_loss_ignored(grad_loss, logits, labels):
    """The loss is treated as the end of the chain, so a head with loss weight 0.3 trains with weight 1."""
    grad = _probabilities(logits)
    grad[np.arange(len(labels)), labels] -= 1
    return (grad / len(labels),)


@ENTROPY.backward("axes swapped")
def softmax_over_the_batch(grad_loss, logits, labels):
    """The sum runs over axis 0, so the column of each class adds up to one instead of the row of each image."""
    grad = _probabilities(logits, axis=0)
    grad[np.arange(len(labels)), labels] -= 1
    return (grad_loss * grad / len(labels),)


@ENTROPY.broken_forward("1/N missing")
def forward_adds_instead_of_averaging(logits, labels):
    """One framework calls the sum the loss and another the mean, and forward and backward come from different ones."""
    return -np.log(_probabilities(logits)[np.arange(len(labels)), labels]).sum()


@SQUARE.backward("wrong by a constant factor")
def the_two_forgotten(grad_loss, x, target):
    """The loss in the textbook has a factor 1/2 that cancels the 2, but the loss in the program does not."""
    grad_x = grad_loss * (x - target) / len(x)
    return grad_x, -grad_x


@SQUARE.backward("1/N missing")
def square_not_divided_by_the_batch(grad_loss, x, target):
    """The derivative is taken inside the mean, but the mean itself is forgotten."""
    grad_x = grad_loss * 2 * (x - target)
    return grad_x, -grad_x


@SQUARE.backward("wrong by a constant factor")
def sign_exchanged(grad_loss, x, target):
    """The order of the subtraction does not change the square, but it changes the sign of the gradient."""
    grad_x = grad_loss * 2 * (target - x) / len(x)
    return grad_x, -grad_x
