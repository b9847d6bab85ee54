"""One synchronous step: the mean gradient of a batch from parts of unequal size, and one update for every worker."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise

stepped = Exercise(
    "16.3",
    "one step of every worker",
    "stepped(weights, gradients, images, lr) -> weights (P, M)",
    minutes=4,
    difficulty=1,
    hints=(
        "One process would compute the mean over all images of the batch. Of how many images is each row the mean?",
        (
            "Means 1 and 4, of 2 images and 1 image: the batch has the sum 1 + 1 + 4, so the mean is 2, not 2.5. After "
            "the step, all rows of the weights are equal."
        ),
        "`mean = (images[:, None] * gradients).sum(axis=0) / ____`",
    ),
)


@stepped.cases
def stepped_cases(rng):
    yield np.full((2, 1), 10.0), np.array([[1.0], [4.0]]), np.array([2, 1]), 0.5
    yield np.array([[3.0, -2.0]]), np.array([[4.0, 8.0]]), np.array([6]), 0.25  # one worker
    yield np.full((3, 2), -1.0), np.array([[1.0, 2], [5, -3], [0, 0]]), np.array([5, 2, 0]), 0.25  # nothing to do
    for workers, length in ((4, 3), (5, 5), (3, 4)):
        same = np.tile(rng.integers(-9, 10, length) / 4, (workers, 1))
        yield same, rng.integers(-9, 10, (workers, length)) / 2, rng.integers(1, 9, workers), 1 / 16


def _mean(gradients, images):
    return (images[:, None] * gradients).sum(axis=0) / images.sum()


@stepped.reference
def stepped_reference(weights, gradients, images, lr):
    mean = (images[:, None] * gradients).sum(axis=0) / images.sum()
    return weights - lr * mean


@stepped.right
def stepped_by_sums(weights, gradients, images, lr):
    total = sum(n * gradient for n, gradient in zip(images, gradients, strict=True))
    return [row - lr * total / sum(images) for row in weights]


@stepped.right
def stepped_with_average(weights, gradients, images, lr):
    return np.tile(weights[0] - lr * np.average(gradients, axis=0, weights=images), (len(weights), 1))


@stepped.wrong
def mean_of_means(weights, gradients, images, lr):
    """A mean of means is right only for equal parts. Weight each worker's mean with its number of images."""
    return weights - lr * gradients.mean(axis=0)


@stepped.wrong
def mean_of_workers_with_images(weights, gradients, images, lr):
    """You left out workers without images, but the others count equally. Weight each mean with its images."""
    return weights - lr * gradients[images > 0].mean(axis=0)


@stepped.wrong
def updating_before_the_exchange(weights, gradients, images, lr):
    """Each worker moved by its own gradient, so the workers now have different weights. Exchange first."""
    return weights - lr * gradients


@stepped.wrong
def updating_before_and_after(weights, gradients, images, lr):
    """Each worker moved by its own gradient, and then by the mean again. Exchange first, then update once."""
    return weights - lr * gradients - lr * _mean(gradients, images)


@stepped.wrong
def only_the_first_worker(weights, gradients, images, lr):
    """Only worker 0 has new weights. Every worker makes the same update."""
    result = weights.copy()
    result[0] -= lr * _mean(gradients, images)
    return result


@stepped.wrong
def sum_of_the_means(weights, gradients, images, lr):
    """You added the means. The step then grows with the number of workers."""
    return weights - lr * gradients.sum(axis=0)


@stepped.wrong
def sum_over_the_images(weights, gradients, images, lr):
    """You summed over all images. Divide by the number of images in the batch."""
    return weights - lr * (images[:, None] * gradients).sum(axis=0)


@stepped.wrong
def divided_by_workers(weights, gradients, images, lr):
    """You weighted with the images, but divided by the number of workers. Divide by all images."""
    return weights - lr * (images[:, None] * gradients).mean(axis=0)


@stepped.wrong
def weighted_by_own_images(weights, gradients, images, lr):
    """Each worker scaled its own gradient and did not add those of the others. Add them, then update."""
    return weights - lr * images[:, None] * gradients / images.sum()


@stepped.wrong
def uphill(weights, gradients, images, lr):
    """The weights went uphill: subtract the learning rate times the gradient."""
    return weights + lr * _mean(gradients, images)


@stepped.wrong
def learning_rate_forgotten(weights, gradients, images, lr):
    """You subtracted the whole gradient. Multiply it by the learning rate."""
    return weights - _mean(gradients, images)
