"""Broken merges: concatenation, addition, gates, a fork with three concatenated branches, and a shortcut."""

import numpy as np

from minigooglenet.gradcheck.museum.exhibit import Room
from minigooglenet.kernels import add, concat, multiply


def _concat_forward(x0, x1, x2):
    return np.concatenate((x0, x1, x2), axis=1)


def _concat_correct(grad_y, x0, x1, x2):
    return concat.backward(grad_y, [x.shape[1] for x in (x0, x1, x2)])


def _add_forward(x0, x1):
    return x0 + x1


def _add_correct(grad_y, x0, x1):
    return add.backward(grad_y, 2)


def _fork_forward(x, weight0, weight1, weight2):
    """Return y (N, 6): three branches of two outputs each that read one x (N, 3), concatenated along axis 1."""
    return np.concatenate([x @ weight.T for weight in (weight0, weight1, weight2)], axis=1)


def _fork_correct(grad_y, x, *weights):
    parts = concat.backward(grad_y, [len(weight) for weight in weights])
    grad_x = sum(part @ weight for part, weight in zip(parts, weights, strict=True))
    return grad_x, *(part.T @ x for part in parts)


def _residual_forward(x, weight):
    return x + x @ weight.T


def _residual_correct(grad_y, x, weight):
    return grad_y + grad_y @ weight, grad_y.T @ x


def _gates_forward(x, gates):
    """Return x (N, C, H, W) times gates (N, C), as squeeze-and-excitation does."""
    return x * gates[:, :, None, None]


def _gates_correct(grad_y, x, gates):
    return multiply.backward(grad_y, x, gates)


def _product_forward(x0, x1):
    return x0 * x1


def _product_correct(grad_y, x0, x1):
    return multiply.backward(grad_y, x0, x1)


def _maps_and_gates(rng):
    return rng.standard_normal((3, 4, 2, 3)), rng.standard_normal((3, 4))


def _three(rng):
    return tuple(rng.standard_normal((3, 2, 2, 3)) for _ in range(3))


def _two(rng):
    return rng.standard_normal((3, 2, 2, 3)), rng.standard_normal((3, 2, 2, 3))


def _branches(rng):
    return rng.standard_normal((4, 3)), *(rng.standard_normal((2, 3)) for _ in range(3))


def _residual_inputs(rng):
    return rng.standard_normal((4, 3)), rng.standard_normal((3, 3))


CONCAT = Room("concat", _concat_forward, _concat_correct, _three)
ADD = Room("add", _add_forward, _add_correct, _two)
FORK = Room("fork", _fork_forward, _fork_correct, _branches)
RESIDUAL = Room("residual", _residual_forward, _residual_correct, _residual_inputs)
GATES = Room("multiply gates", _gates_forward, _gates_correct, _maps_and_gates)
PRODUCT = Room("multiply", _product_forward, _product_correct, _two)
ROOMS = (CONCAT, ADD, FORK, RESIDUAL, GATES, PRODUCT)


@CONCAT.backward("axes swapped")
def slices_exchanged(grad_y, x0, x1, x2):
    """The last two branches have the same size, like 5x5 and pool projection, so both orders have the right shape."""
    grad0, grad2, grad1 = np.split(grad_y, 3, axis=1)
    return grad0.copy(), grad1.copy(), grad2.copy()


@CONCAT.backward("gradient missing")
def last_input_forgotten(grad_y, x0, x1, x2):
    """The loop runs over the boundaries between the slices, but a row of slices has one boundary fewer than slices."""
    grads = [np.zeros_like(x) for x in (x0, x1, x2)]
    boundaries = [0, 2, 4]
    for i in range(len(boundaries) - 1):
        grads[i] = grad_y[:, boundaries[i] : boundaries[i + 1]].copy()
    return tuple(grads)


@ADD.backward("gradient missing")
def one_branch_only(grad_y, x0, x1):
    """The sum was stored in the first input, so only that input gets the gradient and the shortcut gets nothing."""
    return grad_y.copy(), np.zeros_like(x1)


@ADD.backward("wrong by a constant factor")
def gradient_divided_among_the_inputs(grad_y, x0, x1):
    """It seems fair to divide the gradient between two inputs, but the sum changes by as much as either input does."""
    return grad_y / 2, grad_y / 2


@FORK.backward("= where += belongs")
def branches_overwritten(grad_y, x, weight0, weight1, weight2):
    """The dictionary of gradients is filled by assignment, so the last branch overwrites the others."""
    grads = {}
    for i, weight in enumerate((weight0, weight1, weight2)):
        part = grad_y[:, 2 * i : 2 * i + 2]
        grads["x"] = part @ weight
        grads[f"weight{i}"] = part.T @ x
    return grads["x"], grads["weight0"], grads["weight1"], grads["weight2"]


@FORK.backward("gradient missing")
def one_branch_left_out(grad_y, x, weight0, weight1, weight2):
    """One of several branches is missing in the sum, and the network still learns with the others."""
    part0, part1, part2 = np.split(grad_y, 3, axis=1)
    grad_x = part0 @ weight0 + part2 @ weight2
    return grad_x, part0.T @ x, part1.T @ x, part2.T @ x


@RESIDUAL.backward("gradient missing")
def shortcut_forgotten(grad_y, x, weight):
    """The shortcut has no parameters and no code, so its backward pass is easily forgotten."""
    return grad_y @ weight, grad_y.T @ x


@GATES.backward("not summed over")
def gates_not_summed_over_positions(grad_y, x, gates):
    """A gate is repeated over the map by broadcasting, and the sum that this needs backward appears in no code."""
    return grad_y * gates[:, :, None, None], grad_y * x


@GATES.backward("wrong by a constant factor")
def gates_averaged_over_positions(grad_y, x, gates):
    """The squeeze is an average over the map, so the gradient of the gate is averaged, too, instead of summed."""
    return grad_y * gates[:, :, None, None], (grad_y * x).mean(axis=(2, 3))


@GATES.backward("only one image counts")
def gates_of_the_first_image(grad_y, x, gates):
    """Gates look like the weights of a layer, so the gates of one image are used for the whole batch."""
    return grad_y * gates[:1, :, None, None], (grad_y * x).sum(axis=(2, 3))


@PRODUCT.backward("axes swapped")
def factors_exchanged(grad_y, x0, x1):
    """The derivative with respect to one factor is the other factor, but each input gets its own values."""
    return grad_y * x0, grad_y * x1


@PRODUCT.backward("gradient missing")
def other_factor_treated_as_constant(grad_y, x0, x1):
    """The second factor is a gate with soft values, and a mask needs no gradient, so the gate never learns."""
    return grad_y * x1, np.zeros_like(x1)
