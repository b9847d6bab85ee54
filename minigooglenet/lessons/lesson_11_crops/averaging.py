"""Many answers made one."""

import numpy as np

from minigooglenet.evaluation import Evaluation
from minigooglenet.exercises.exercise import Exercise

combine = Exercise(
    "11.2",
    "one answer of many",
    "combine(probs) -> (N, C)",
    minutes=5,
    difficulty=1,
    hints=(
        "probs has four axes: models, crops, N, C. Which two of them should be gone?",
        "Two models say (.9, .1) and (.5, .5) of an image: the answer is (.7, .3), their mean.",
        "`probs.mean(axis=____)`",
    ),
)


@combine.cases
def combine_cases(rng):
    for shape in ((2, 3, 4, 5), (3, 2, 2, 2), (4, 1, 3, 3), (2, 2, 2, 3), (1, 3, 2, 4)):
        yield (rng.dirichlet(np.full(shape[-1], 0.5), shape[:-1]),)
    sure = np.array([[[[1.0, 0.0, 0.0]]], [[[0.0, 0.6, 0.4]]]])
    yield (sure,)


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
    """One network's certainty of zero vetoes all others: average the probabilities."""
    found = np.exp(np.log(probs).mean(axis=(0, 1)))
    return found / found.sum(axis=-1, keepdims=True)


@combine.wrong
def largest_crop(probs):
    """The paper tried the maximum over crops, and found it worse than the mean."""
    return probs.max(axis=1).mean(axis=0)


@combine.wrong
def votes(probs):
    """A vote throws away how sure each of them is."""
    return np.eye(probs.shape[-1])[probs.argmax(axis=-1)].mean(axis=(0, 1))


@combine.wrong
def images_averaged(probs):
    """You averaged images: the axis of crops is still there."""
    return probs.mean(axis=(0, 2))


@combine.wrong
def product(probs):
    """A product counts a doubt once for each look, and the rows no longer add up to 1."""
    return probs.prod(axis=(0, 1))


@combine.wrong
def first_model(probs):
    """Only the first network was heard."""
    return probs[0].mean(axis=0)


@combine.wrong
def first_crop(probs):
    """Only the first piece of each image was heard."""
    return probs[:, 0].mean(axis=0)


@combine.wrong
def summed(probs):
    """Right up to a factor: the rows should add up to 1, so divide by models times crops."""
    return probs.sum(axis=(0, 1))
