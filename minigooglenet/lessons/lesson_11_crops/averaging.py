"""One prediction from the predictions of several networks and crops."""

import numpy as np

from minigooglenet.evaluation import Evaluation
from minigooglenet.exercises.exercise import Exercise

combine = Exercise(
    "11.2",
    "one prediction from many",
    "combine(probs) -> (N, C)",
    minutes=5,
    difficulty=1,
    hints=(
        "probs has four axes: models, crops, N, C. Which two of them disappear?",
        "If two models return (.9, .1) and (.5, .5) for an image, the result is their mean, (.7, .3).",
        "`probs.mean(axis=____)`",
    ),
)


@combine.cases
def combine_cases(rng):
    for shape in ((2, 3, 4, 5), (3, 2, 2, 2), (4, 1, 3, 3), (2, 2, 2, 3), (1, 3, 2, 4)):
        yield (rng.dirichlet(np.full(shape[-1], 0.5), shape[:-1]),)
    certain = np.array([[[[1.0, 0.0, 0.0]]], [[[0.0, 0.6, 0.4]]]])
    yield (certain,)


@combine.reference
def combine_reference(probs):
    models, crops, count, classes = probs.shape
    answers = probs.reshape(models * crops, 1, count, classes).transpose(2, 0, 1, 3)
    none = np.zeros(count, int)
    return Evaluation(answers, (1,), none, none).probabilities()


@combine.right
def combine_by_two_means(probs):
    return probs.mean(axis=1).mean(axis=0)


@combine.right
def combine_by_einsum(probs):
    return np.einsum("mknc->nc", probs) / (probs.shape[0] * probs.shape[1])


@combine.right
def combine_in_a_loop(probs):
    total = 0
    for of_model in probs:
        for of_crop in of_model:
            total = total + of_crop
    return total / (len(probs) * len(probs[0]))


@combine.wrong
def mean_of_logarithms(probs):
    """You averaged logarithms, so one network with probability 0 vetoes a class. Average the probabilities."""
    means = np.exp(np.log(probs).mean(axis=(0, 1)))
    return means / means.sum(axis=-1, keepdims=True)


@combine.wrong
def largest_crop(probs):
    """You took the maximum over crops. The paper tried that too, with a worse result. Take the mean."""
    return probs.max(axis=1).mean(axis=0)


@combine.wrong
def votes(probs):
    """You let the predictions vote, which discards their confidence. Average the probabilities."""
    return np.eye(probs.shape[-1])[probs.argmax(axis=-1)].mean(axis=(0, 1))


@combine.wrong
def images_averaged(probs):
    """You averaged over images. Average over models and crops, axes 0 and 1."""
    return probs.mean(axis=(0, 2))


@combine.wrong
def product(probs):
    """You multiplied the probabilities, so the rows do not sum to 1. Average them."""
    return probs.prod(axis=(0, 1))


@combine.wrong
def first_model(probs):
    """You used only the first network. Average over all of them."""
    return probs[0].mean(axis=0)


@combine.wrong
def first_crop(probs):
    """You used only the first crop of each image. Average over all of them."""
    return probs[:, 0].mean(axis=0)


@combine.wrong
def summed(probs):
    """You summed the probabilities. The rows should sum to 1, so divide by models * crops."""
    return probs.sum(axis=(0, 1))
