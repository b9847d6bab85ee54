"""What a product of matrices does to lengths, and what arrives of a signal."""

import math

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question

gain = Exercise(
    "09.2",
    "how long can it get",
    "product_gain(mats) -> (largest, smallest)",
    minutes=8,
    difficulty=2,
    core=False,
    tolerance=1e-7,
    hints=(
        "Of all vectors of length 1: which becomes longest, and which shortest, when all matrices are through with it?",
        "(2, 0; 0, 3) makes (1, 0) twice and (0, 1) three times as long: the gain is (3, 2), its singular values.",
        "`np.linalg.svd(____, compute_uv=False)` of the whole product; the first matrix stands last in it.",
    ),
)


@gain.cases
def gain_cases(rng):
    shear, turn = np.array([[1.0, 5.0], [0.0, 1.0]]), np.array([[0.6, -0.8], [0.8, 0.6]])
    yield ([shear, turn, 2 * shear],)
    yield ([turn, np.diag([1.0, 7.0]), shear],)
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
    """No vector has to be as long as an entry: a rotation has entries below 1 and keeps length."""
    return _ends(abs(_product(mats)))


@gain.wrong
def determinant(mats):
    """That is how volume changes. A shear keeps it, and makes some vectors much longer."""
    return np.full(2, abs(np.linalg.det(_product(mats))))


@gain.wrong
def eigenvalues(mats):
    """Both eigenvalues of a shear are 1, yet lengths change: you need singular values."""
    return _ends(abs(np.linalg.eigvals(_product(mats))))


@gain.wrong
def product_of_the_gains(mats):
    """That is a bound. One matrix need not be longest where the one before is."""
    return _ends(np.prod([np.linalg.svd(matrix, compute_uv=False)[[0, -1]] for matrix in mats], axis=0))


@gain.wrong
def Frobenius_norm(mats):
    """That is the root of the sum of all squared singular values, not the largest."""
    return np.array([np.linalg.norm(_product(mats)), np.linalg.svd(_product(mats), compute_uv=False)[-1]])


@gain.wrong
def order_turned_round(mats):
    """The first matrix meets the vector first, so it stands last in the product."""
    return _ends(np.linalg.svd(_product(mats[::-1]), compute_uv=False))


@gain.wrong
def square_forgotten_to_undo(mats):
    """Those are squares of ours: the eigenvalues of A.T @ A need a root."""
    return _ends(np.linalg.svd(_product(mats), compute_uv=False) ** 2)


signal = Question(
    "09.5",
    "what arrives",
    "the numbers that enter have the mean square 1. {layers} layers follow, each adding up {fan_in} inputs with "
    "weights of standard deviation {std} and mean 0, without biases, each followed by ReLU. What is the root of the "
    "mean square of the numbers after the last ReLU?",
    minutes=5,
    difficulty=2,
    core=False,
    tolerance=5e-3,
    hints=(
        "What happens to the mean square in one layer, and what does ReLU keep of it?",
        "A sum of 100 inputs of mean square 1 with weights of variance 0.01 has mean square 1; ReLU keeps one half.",
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
    """ReLU sets half of the numbers to 0, and with them half of the mean square."""
    return (std * math.sqrt(fan_in)) ** layers


@signal.wrong
def mean_square(layers, fan_in, std):
    """That is the mean square; asked is its root."""
    return (std**2 * fan_in / 2) ** layers


@signal.wrong
def one_layer_short(layers, fan_in, std):
    """You counted one layer less."""
    return (std * math.sqrt(fan_in / 2)) ** (layers - 1)


@signal.wrong
def weights_alone(layers, fan_in, std):
    """Each output adds up many inputs: their number matters as much as the weights' size."""
    return std**layers


@signal.wrong
def half_of_the_root(layers, fan_in, std):
    """ReLU halves the mean square, so its root falls by the root of 2 only."""
    return (std * math.sqrt(fan_in) / 2) ** layers
