"""Wrong backward passes that still train: a mini network with eight backward passes, and the accuracy of each.

    from minigooglenet.lessons.lesson_03_gradients import wrong_backwards
    wrong_backwards.accuracy("correct", seed=0)

The lessons first show the eight under letters, and only later under their names. Each training run takes a few seconds,
so `kept` stores accuracies in a file next to the notebook: lessons 04 and 05 reuse those of lesson 03.
"""

import contextlib
import functools
import json
from pathlib import Path

import numpy as np

from minigooglenet import data, evaluation, files, models, parallel, training
from minigooglenet.kernels import conv2d
from minigooglenet.layers import Concat, Conv2d, MaxPool2d

LETTERS = dict(zip("ABCDEFGH", (5, 2, 7, 0, 3, 6, 1, 4), strict=True))  # {letter: index in `NAMES`}
SIZE, EPOCHS, BATCH, RATE = 8, 4, 32, 0.03
KEPT = "accuracies_of_lesson_03.json"


def network(seed=0):
    """Return a mini GoogLeNet of four modules for digits of 8 x 8, without batch norm, so that biases matter."""
    return models.mini_googlenet(
        in_channels=1, size=SIZE, norm=None, dropout=False, width=0.5, rng=np.random.default_rng(seed)
    )


def broken(name, seed=0):
    """Return the mini network with one of `NAMES` as its backward pass; the forward pass stays correct."""
    g = network(seed)
    BREAKS[name](g)
    return g


def accuracy(name, seed=0, epochs=EPOCHS) -> float:
    """Train with the named backward pass, 45 steps of 32 digits per epoch; return the accuracy on held-out digits."""
    images, labels, test_images, test_labels = _digits()
    g, threads = broken(name, seed), parallel.get_num_threads()
    parallel.set_num_threads(1)  # for such small feature maps, waking a thread costs more than it saves
    try:
        training.train(g, images, labels, epochs=epochs, batch_size=BATCH, lr=RATE, rng=seed)
        return float((evaluation.predict(g, test_images) == test_labels).mean())
    finally:
        parallel.set_num_threads(threads)


def kept(name, seed=0, epochs=EPOCHS, path=KEPT) -> float:
    """Return the same as `accuracy`, from the file if it is stored there; otherwise train and store it.

    The file contains letters, not names, so that it does not reveal what lesson 04 asks. If the file cannot be read or
    written, the network trains again.
    """
    letter = next(letter for letter, index in LETTERS.items() if NAMES[index] == name)
    key, measured = f"{letter}, seed {seed}, {epochs} epochs of {SIZE}x{SIZE}", _read(path)
    if key not in measured:
        measured[key] = accuracy(name, seed, epochs)
        with contextlib.suppress(OSError):
            files.write_text(path, json.dumps(measured, indent=1) + "\n")
    return measured[key]


def _read(path):
    try:
        measured = json.loads(Path(path).read_text(encoding="utf-8"))
        return {str(key): float(value) for key, value in measured.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


@functools.cache
def _digits():
    return data.digits(SIZE)


def _replace(layer, wrong):
    """Let `layer.backward` call wrong(original, grad_output, cache)."""
    right = layer.backward
    layer.backward = lambda grad_output, cache: wrong(right, grad_output, cache)


def _every(kind, wrong):
    """Return a function that breaks `backward` of all layers of one kind in a graph."""

    def apply(g):
        for layer, _ in g.nodes.values():
            if isinstance(layer, kind):
                _replace(layer, functools.partial(wrong, layer))

    return apply


def _nothing(g):
    pass


def pool_overwrites(layer, right, grad_output, cache):
    """Max pooling with `=` instead of `+=`: if windows share a maximum, only the last one's gradient is kept."""
    argmax, size, dtype = cache
    grad_x = np.zeros((*grad_output.shape[:2], *size), dtype)
    n, c, p, q = np.indices(argmax.shape, sparse=True)
    r, s = np.divmod(argmax.astype(np.int64), layer.kernel_size[1])
    (top, _), (left, _) = layer.padding
    grad_x[n, c, p * layer.stride[0] - top + r, q * layer.stride[1] - left + s] = grad_output
    return (grad_x,), {}


def without_the_5x5(layer, right, grad_output, cache):
    """The third branch of every Inception module gets no gradient."""
    grads, _ = right(grad_output, cache)
    return (*grads[:2], np.zeros_like(grads[2]), *grads[3:]), {}


def dx_with_a_rotated_kernel(layer, right, grad_output, cache):
    """The input gradient is computed with a kernel that is rotated by 180 degrees."""
    rotated = np.ascontiguousarray(layer.params["weight"][:, :, ::-1, ::-1])
    (_, *_), grads = right(grad_output, cache)
    grad_x, _, _ = conv2d.backward(grad_output, cache, rotated, None, layer.stride, layer.padding, layer.groups)
    return (grad_x,), grads


def dw_rotated(layer, right, grad_output, cache):
    """The weight gradient is rotated by 180 degrees."""
    grad_inputs, grads = right(grad_output, cache)
    return grad_inputs, {**grads, "weight": np.ascontiguousarray(grads["weight"][:, :, ::-1, ::-1])}


def bias_forgotten(layer, right, grad_output, cache):
    """The bias gradients of all convolutions are 0."""
    grad_inputs, grads = right(grad_output, cache)
    return grad_inputs, {**grads, "bias": np.zeros_like(grads["bias"])}


def dw_of_last_image(layer, right, grad_output, cache):
    """The weight gradient is that of the last image of the batch."""
    grad_inputs, grads = right(grad_output, cache)
    _, last = right(grad_output[-1:].copy(), cache[-1:].copy())
    return grad_inputs, {**grads, "weight": last["weight"]}


def _no_gradient_below_the_classifier(g):
    layer, _ = g.nodes[g.main]

    def wrong(right, grad_output, cache):
        (grad_x,), grads = right(grad_output, cache)
        return (np.zeros_like(grad_x),), grads

    _replace(layer, wrong)


BREAKS = {
    "correct": _nothing,
    "max pool with = instead of +=": _every(MaxPool2d, pool_overwrites),
    "5x5 branch gets no gradient": _every(Concat, without_the_5x5),
    "dx with a rotated kernel": _every(Conv2d, dx_with_a_rotated_kernel),
    "dw rotated by 180 degrees": _every(Conv2d, dw_rotated),
    "bias gradient forgotten": _every(Conv2d, bias_forgotten),
    "dw of the last image only": _every(Conv2d, dw_of_last_image),
    "no gradient below the classifier": _no_gradient_below_the_classifier,
}
NAMES = tuple(BREAKS)


def by_letter(seeds=(0, 1, 2), epochs=EPOCHS, path=KEPT) -> dict[str, list[float]]:
    """Return {letter: accuracies} of the eight backward passes, without their names; print each accuracy at once."""
    accuracies = {}
    for letter, index in LETTERS.items():
        print(letter, end="", flush=True)
        accuracies[letter] = []
        for seed in seeds:
            accuracies[letter].append(kept(NAMES[index], seed, epochs, path))
            print(f"  {accuracies[letter][-1]:6.1%}", end="", flush=True)
        print()
    return accuracies
