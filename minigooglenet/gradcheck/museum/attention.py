"""Broken attention: queries, keys and features are equal in number, so that every wrong transpose runs."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room

SIZE = 4


def _weights(q, k, causal=False):
    logits = q @ k.swapaxes(1, 2) / np.sqrt(SIZE)
    if causal:
        logits = np.where(np.tri(SIZE) > 0, logits, -1e30)
    y = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return y / y.sum(axis=-1, keepdims=True)


def _forward(q, k, v):
    return _weights(q, k) @ v


def _softmax_backward(p, grad_p):
    return p * (grad_p - (grad_p * p).sum(axis=-1, keepdims=True))


def _gradients(grad_logits, p, grad_y, q, k):
    grad_logits = grad_logits / np.sqrt(SIZE)
    return grad_logits @ k, grad_logits.swapaxes(1, 2) @ q, p.swapaxes(1, 2) @ grad_y


def _correct(grad_y, q, k, v):
    p = _weights(q, k)
    return _gradients(_softmax_backward(p, grad_y @ v.swapaxes(1, 2)), p, grad_y, q, k)


def _causal_forward(q, k, v):
    return _weights(q, k, causal=True) @ v


def _causal_correct(grad_y, q, k, v):
    p = _weights(q, k, causal=True)
    return _gradients(_softmax_backward(p, grad_y @ v.swapaxes(1, 2)), p, grad_y, q, k)


def _inputs(rng):
    return tuple(rng.standard_normal((2, SIZE, SIZE)) for _ in range(3))


ATTENTION = Room("attention", _forward, _correct, _inputs)
CAUSAL = Room("attention causal", _causal_forward, _causal_correct, _inputs)
ROOMS = (ATTENTION, CAUSAL)


@ATTENTION.backward("attention's softmax Jacobian wrong")
def softmax_treated_as_diagonal(grad_y, q, k, v):
    """The derivative p * (1 - p) of a single sigmoid is used instead of that of the softmax over all keys."""
    p = _weights(q, k)
    return _gradients(p * (1 - p) * (grad_y @ v.swapaxes(1, 2)), p, grad_y, q, k)


@ATTENTION.backward("attention's softmax Jacobian wrong")
def sum_of_the_exponentials_treated_as_constant(grad_y, q, k, v):
    """The exponential is differentiated, but not the sum by which all weights of a query are divided."""
    p = _weights(q, k)
    return _gradients(p * (grad_y @ v.swapaxes(1, 2)), p, grad_y, q, k)


@ATTENTION.backward("attention's softmax Jacobian wrong")
def sum_over_the_queries(grad_y, q, k, v):
    """The sum in the backward pass of the softmax runs over the second to last axis, that of the queries."""
    p = _weights(q, k)
    grad_p = grad_y @ v.swapaxes(1, 2)
    return _gradients(p * (grad_p - (grad_p * p).sum(axis=-2, keepdims=True)), p, grad_y, q, k)


@ATTENTION.backward("wrong by a constant factor")
def scale_forgotten(grad_y, q, k, v):
    """The logits are divided by the root of the size in the forward pass, but their gradients are not."""
    p = _weights(q, k)
    grad_logits = _softmax_backward(p, grad_y @ v.swapaxes(1, 2))
    return grad_logits @ k, grad_logits.swapaxes(1, 2) @ q, p.swapaxes(1, 2) @ grad_y


@ATTENTION.backward("axes swapped")
def keys_without_the_transpose(grad_y, q, k, v):
    """The key gradient is written like the query gradient, and the product runs because the logits are square."""
    grad_q, _, grad_v = _correct(grad_y, q, k, v)
    p = _weights(q, k)
    grad_logits = _softmax_backward(p, grad_y @ v.swapaxes(1, 2)) / np.sqrt(SIZE)
    return grad_q, grad_logits @ q, grad_v


@ATTENTION.backward("axes swapped")
def values_without_the_transpose(grad_y, q, k, v):
    """The attention weights multiply the values, and the same product without a transpose gives the value gradient."""
    grad_q, grad_k, _ = _correct(grad_y, q, k, v)
    return grad_q, grad_k, _weights(q, k) @ grad_y


@ATTENTION.backward("axes swapped")
def queries_and_keys_exchanged(grad_y, q, k, v):
    """The two gradients are returned in the wrong order, and nothing fails because their shapes are equal."""
    grad_q, grad_k, grad_v = _correct(grad_y, q, k, v)
    return grad_k, grad_q, grad_v


@CAUSAL.backward("attention's softmax Jacobian wrong")
def masked_softmax_skipped(grad_y, q, k, v):
    """The gradient of the attention weights becomes that of the logits, with only the masked entries set to zero."""
    p = _weights(q, k, causal=True)
    return _gradients(p * (grad_y @ v.swapaxes(1, 2)), p, grad_y, q, k)
