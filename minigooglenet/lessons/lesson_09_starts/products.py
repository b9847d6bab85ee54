"""How products of matrices change lengths, and how large a signal is after many layers."""

import math

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question

gain = Exercise(
    "09.2",
    "how long a vector can become",
    "product_gain(mats) -> (largest, smallest)",
    minutes=8,
    difficulty=2,
    core=False,
    tolerance=1e-7,
    hints=(
        "Multiply the matrices first. How long can the product make a vector of length 1, and how short?",
        "The matrix (2, 0; 0, 3) makes (1, 0) twice and (0, 1) three times as long: its singular values are 3 and 2.",
        "`np.linalg.svd(____, compute_uv=False)` of the whole product, in which mats[0] is the rightmost factor",
    ),
)


@gain.cases
def gain_cases(rng):
    shear, rotation = np.array([[1.0, 5.0], [0.0, 1.0]]), np.array([[0.6, -0.8], [0.8, 0.6]])
    yield ([shear, rotation, 2 * shear],)
    yield ([rotation, np.diag([1.0, 7.0]), shear],)
    for size, count in ((2, 4), (3, 2), (4, 3)):
        yield ([integers(rng, (size, size)) + 10 * np.eye(size) for _ in range(count)],)


def _product(mats):
    total = mats[0]
    for matrix in mats[1:]:
        total = matrix @ total
    return total


def _ends(values):
    return np.array([np.max(values), np.min(values)], float)


@gain.reference
def gain_reference(mats):
    return _ends(np.linalg.svd(_product(mats), compute_uv=False))


@gain.right
def gain_by_multi_dot(mats):
    total = np.linalg.multi_dot([*mats[::-1], np.eye(len(mats[0]))])
    return np.linalg.norm(total, 2), np.linalg.norm(total, -2)


@gain.right
def gain_by_eigenvalues(mats):
    total = _product(mats)
    return _ends(np.sqrt(np.linalg.eigvalsh(total.T @ total)))


@gain.right
def gain_from_the_left(mats):
    total = np.eye(len(mats[0]))
    for matrix in reversed(mats):
        total = total @ matrix
    values = np.linalg.svd(total)[1]
    return float(values[0]), float(values[-1])


@gain.wrong
def largest_entry(mats):
    """You took the largest and smallest entry. A rotation has entries below 1, but keeps every length."""
    return _ends(abs(_product(mats)))


@gain.wrong
def determinant(mats):
    """That is the determinant, the change of volume. A shear keeps volumes, but makes some vectors much longer."""
    return np.full(2, abs(np.linalg.det(_product(mats))))


@gain.wrong
def eigenvalues(mats):
    """You used eigenvalues. Both eigenvalues of a shear are 1, but it changes lengths. Use singular values."""
    return _ends(abs(np.linalg.eigvals(_product(mats))))


@gain.wrong
def product_of_the_gains(mats):
    """That is only a bound: one vector is rarely stretched most by every matrix. Multiply the matrices first."""
    return _ends(np.prod([np.linalg.svd(matrix, compute_uv=False)[[0, -1]] for matrix in mats], axis=0))


@gain.wrong
def Frobenius_norm(mats):
    """That is the Frobenius norm, the root of the sum of all squared singular values. Use the largest one."""
    return np.array([np.linalg.norm(_product(mats)), np.linalg.svd(_product(mats), compute_uv=False)[-1]])


@gain.wrong
def order_reversed(mats):
    """The vector is multiplied by mats[0] first, so mats[0] is the rightmost factor of the product."""
    return _ends(np.linalg.svd(_product(mats[::-1]), compute_uv=False))


@gain.wrong
def square_root_missing(mats):
    """Those are the squares of the correct values. Take the square roots of the eigenvalues of A.T @ A."""
    return _ends(np.linalg.svd(_product(mats), compute_uv=False) ** 2)


signal = Question(
    "09.5",
    "the signal after many layers",
    "The mean square of the inputs is 1. {layers} layers follow, each with a ReLU. Each output is a sum over {fan_in} "
    "inputs, with weights of mean 0 and standard deviation {std} and no bias. What is the root of the mean square of "
    "the outputs of the last ReLU?",
    minutes=5,
    difficulty=2,
    core=False,
    tolerance=5e-3,
    hints=(
        "By what factor does one layer change the mean square, and by what factor does the ReLU?",
        "A sum over 100 inputs of mean square 1, with weights of variance 0.01, has mean square 1. The ReLU halves it.",
        "`(std * math.sqrt(fan_in / ____)) ** layers`",
    ),
)


@signal.draw
def signal_draw(rng):
    fan_in = int(rng.choice([64, 144, 256, 576, 1024]))
    std = float(f"{rng.uniform(0.6, 1.5) / fan_in**0.5:.2g}")
    return {"layers": int(rng.integers(5, 23)), "fan_in": fan_in, "std": std}


@signal.solution
def signal_solution(layers, fan_in, std):
    return (std * math.sqrt(fan_in / 2)) ** layers


@signal.wrong
def nothing_lost_in_ReLU(layers, fan_in, std):
    """You left out the ReLU. It sets half of the values to 0, which halves the mean square."""
    return (std * math.sqrt(fan_in)) ** layers


@signal.wrong
def mean_square(layers, fan_in, std):
    """That is the mean square. Take its root."""
    return (std**2 * fan_in / 2) ** layers


@signal.wrong
def one_layer_short(layers, fan_in, std):
    """You counted one layer too few: the exponent is the number of layers."""
    return (std * math.sqrt(fan_in / 2)) ** (layers - 1)


@signal.wrong
def fan_in_missing(layers, fan_in, std):
    """You left out fan_in. Each output is a sum over fan_in inputs, so its mean square grows with fan_in."""
    return std**layers


@signal.wrong
def half_of_the_root(layers, fan_in, std):
    """The ReLU halves the mean square, so it divides the root by sqrt(2), not by 2."""
    return (std * math.sqrt(fan_in) / 2) ** layers
