"""Lesson 09: how weights start, what a product of matrices does to lengths, and three losses added."""

import math

import numpy as np

from minigooglenet import losses
from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.exercises.questions import Question

init_std = Exercise(
    "09.1",
    "how wide to draw",
    "init_std(K, C, k, scheme) -> float",
    minutes=8,
    difficulty=2,
    hints=(
        "How many numbers meet in one output of a convolution from C channels with kernels of k x k?",
        "A sum of n terms has n times the variance of one, so each weight gets 1 / n. Behind a ReLU half is lost.",
        "For 'he': `math.sqrt(2 / ____)`; for 'glorot' the mean of the fans of both sides takes its place.",
    ),
)
SCHEMES = ("he", "caffe", "glorot")


@init_std.cases
def init_std_cases(rng):
    for K, C, k in ((8, 3, 1), (64, 192, 3), (32, 16, 5), (10, 10, 3)):
        for scheme in SCHEMES:
            yield K, C, k, scheme


@init_std.reference
def init_std_reference(K, C, k, scheme):
    fan_in, fan_out = C * k * k, K * k * k
    return {"he": 2 / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme] ** 0.5


@init_std.right
def init_std_by_the_formula(K, C, k, scheme):
    if scheme == "glorot":
        return math.sqrt(1 / (k**2 * (C + K) / 2))
    return math.sqrt((2 if scheme == "he" else 1) / C) / k


@init_std.right
def init_std_from_the_weights(K, C, k, scheme):
    weights = np.empty((K, C, k, k))
    fan_in, fan_out = weights[0].size, weights[:, 0].size
    gain = np.sqrt(2) if scheme == "he" else 1.0
    return gain / np.sqrt((fan_in + fan_out) / 2 if scheme == "glorot" else fan_in)


def _with_fans(K, C, k, scheme, fan_in, fan_out, he=2):
    return math.sqrt({"he": he / fan_in, "caffe": 1 / fan_in, "glorot": 2 / (fan_in + fan_out)}[scheme])


@init_std.wrong
def fan_without_the_kernel(K, C, k, scheme):
    """k times too large: a kernel of 3 x 3 reads 9 numbers of every channel."""
    return _with_fans(K, C, k, scheme, C, K)


@init_std.wrong
def fan_out_for_fan_in(K, C, k, scheme):
    """Right where K = C only: what adds up in one output are the inputs."""
    return _with_fans(K, C, k, scheme, K * k * k, C * k * k)


@init_std.wrong
def variance(K, C, k, scheme):
    """That is the variance: the square of the standard deviation."""
    return _with_fans(K, C, k, scheme, C * k * k, K * k * k) ** 2


@init_std.wrong
def he_without_its_2(K, C, k, scheme):
    """ReLU throws half of the square away; 'he' has a 2 to make up for it."""
    return _with_fans(K, C, k, scheme, C * k * k, K * k * k, he=1)


@init_std.wrong
def edge_of_the_box(K, C, k, scheme):
    """sqrt(3) times ours: that is the edge of the uniform draw, not its deviation."""
    return math.sqrt(3) * _with_fans(K, C, k, scheme, C * k * k, K * k * k)


@init_std.wrong
def xavier_taken_for_glorot(K, C, k, scheme):
    """Caffe's xavier looks at fan_in alone; Glorot's rule at both sides."""
    return _with_fans(K, C, k, "glorot" if scheme == "caffe" else scheme, C * k * k, K * k * k)


@init_std.wrong
def sum_of_fans_for_their_mean(K, C, k, scheme):
    """Glorot's rule has a 2 above the sum of both fans: their mean."""
    right = _with_fans(K, C, k, scheme, C * k * k, K * k * k)
    return right / math.sqrt(2) if scheme == "glorot" else right


gain = Exercise(
    "09.2",
    "how long can it get",
    "product_gain(mats) -> (largest, smallest)",
    minutes=8,
    difficulty=2,
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


heads = Exercise(
    "09.3",
    "three losses",
    "total_loss_and_grad(main, aux1, aux2, labels, w) -> (loss, dmain, daux1, daux2)",
    minutes=8,
    difficulty=1,
    hints=(
        "Which quantities does the weight multiply, if the total is main + w * aux1 + w * aux2?",
        "A total of a + 0.3 b has the slope 1 along a and 0.3 along b: the weight is in the loss and in the gradient.",
        "`daux1 = w * ____`, and the total has the same w before that head's loss.",
    ),
)


@heads.cases
def heads_cases(rng):
    for count, classes, w in ((2, 3, 0.3), (4, 5, 0.5), (3, 2, 0.2)):
        logits = [rng.normal(0, 2, (count, classes)) for _ in range(3)]
        yield (*logits, rng.integers(0, classes, count), w)


def _weighted(main, aux1, aux2, labels, factors, of_grads=None):
    found = [losses.softmax_cross_entropy(logits, labels) for logits in (main, aux1, aux2)]
    of_grads = factors if of_grads is None else of_grads
    total = sum(factor * loss for factor, (loss, _) in zip(factors, found, strict=True))
    return (total, *(factor * grad for factor, (_, grad) in zip(of_grads, found, strict=True)))


@heads.reference
def heads_reference(main, aux1, aux2, labels, w):
    total, _, grads = losses.weighted_sum(
        {"aux1": aux1, "aux2": aux2, "main": main}, labels, {"aux1": w, "aux2": w, "main": 1.0}
    )
    return total, grads["main"], grads["aux1"], grads["aux2"]


@heads.right
def heads_by_the_formula(main, aux1, aux2, labels, w):
    return _weighted(main, aux1, aux2, labels, (1, w, w))


@heads.right
def heads_in_a_loop(main, aux1, aux2, labels, w):
    total, grads = 0, []
    for logits, factor in ((main, 1), (aux1, w), (aux2, w)):
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = shifted / shifted.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        total -= factor * np.log(probabilities[rows, labels]).mean()
        probabilities[rows, labels] -= 1
        grads.append(factor * probabilities / len(labels))
    return (total, *grads)


@heads.wrong
def weight_in_the_loss_only(main, aux1, aux2, labels, w):
    """The heads push 1 / w times too hard: their gradients need the weight, too."""
    return _weighted(main, aux1, aux2, labels, (1, w, w), (1, 1, 1))


@heads.wrong
def weight_in_the_gradient_only(main, aux1, aux2, labels, w):
    """The gradients are right; the loss that you report is not theirs."""
    return _weighted(main, aux1, aux2, labels, (1, 1, 1), (1, w, w))


@heads.wrong
def weight_squared(main, aux1, aux2, labels, w):
    """0.09 in place of 0.3: the weight came in twice."""
    return _weighted(main, aux1, aux2, labels, (1, w, w), (1, w * w, w * w))


@heads.wrong
def mean_of_the_three(main, aux1, aux2, labels, w):
    """A third of each. The paper adds them, the heads with weight w."""
    return _weighted(main, aux1, aux2, labels, (1 / 3,) * 3)


@heads.wrong
def weights_that_add_up_to_one(main, aux1, aux2, labels, w):
    """The main loss keeps its weight of 1, whatever w is."""
    return _weighted(main, aux1, aux2, labels, (1 - 2 * w, w, w))


@heads.wrong
def one_head_only(main, aux1, aux2, labels, w):
    """The second head, behind 4d, has a loss as well."""
    return _weighted(main, aux1, aux2, labels, (1, w, 0))


@heads.wrong
def main_loss_missing(main, aux1, aux2, labels, w):
    """The heads help the main classifier, they do not stand in for it."""
    return _weighted(main, aux1, aux2, labels, (0, w, w))


signal = Question(
    "09.5",
    "what arrives",
    "the numbers that enter have the mean square 1. {layers} layers follow, each adding up {fan_in} inputs with "
    "weights of standard deviation {std} and mean 0, without biases, each followed by ReLU. What is the root of the "
    "mean square of the numbers behind the last ReLU?",
    minutes=5,
    difficulty=2,
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
