"""Dropout masks whose random numbers belong to an image, not to the worker that computes it."""

import numpy as np

from minigooglenet.distributed import SampleGenerator
from minigooglenet.exercises.exercise import Exercise

masks = Exercise(
    "16.5",
    "random numbers of an image",
    "masks(seed, step, images, length, drop) -> masks (N, M)",
    minutes=6,
    difficulty=2,
    core=False,
    hints=(
        "Image 7 may be in the first row of one worker, or in the third row of another. What must its mask depend on?",
        (
            "np.random.default_rng([0, 3, 7]) is the Generator of image 7 in step 3 of a run with seed 0. Draw its row "
            "with it. Any other image has another Generator."
        ),
        "`for row, image in zip(result, images): row[:] = np.random.default_rng([seed, step, ____]).random(length)`",
    ),
)


@masks.cases
def masks_cases(rng):
    yield 0, 3, np.array([7, 2, 9, 4]), 8, 0.5
    yield 0, 3, np.array([9, 7]), 8, 0.5  # the same images at another worker
    yield 2, 1, np.array([0, 1, 2, 3]), 8, 0.25
    yield 5, 6, np.array([11, 3, 8]), 12, 0.75
    yield int(rng.integers(1, 99)), int(rng.integers(100, 200)), rng.permutation(40)[:6], 10, 0.5


def _scaled(values, drop):
    return (values >= drop) / (1 - drop)


def _rows(keys, length, drop):
    """Return one row of a mask for each key of a Generator."""
    return np.array([_scaled(np.random.default_rng(key).random(length), drop) for key in keys])


@masks.reference
def masks_reference(seed, step, images, length, drop):
    values = [np.random.default_rng([seed, step, image]).random(length) for image in images]
    return (np.array(values) >= drop) / (1 - drop)


@masks.right
def masks_with_sample_generator(seed, step, images, length, drop):
    return _scaled(SampleGenerator([seed, step], images).random((len(images), length)), drop)


masks.engine(SampleGenerator)


@masks.wrong
def one_generator_per_worker(seed, step, images, length, drop):
    """You drew all masks with one Generator, so a mask depends on the images before it. Use one for each image."""
    return _scaled(np.random.default_rng([seed, step]).random((len(images), length)), drop)


@masks.wrong
def one_generator_of_the_first_image(seed, step, images, length, drop):
    """You drew all masks with the Generator of the first image. Use one for each image."""
    return _scaled(np.random.default_rng([seed, step, images[0]]).random((len(images), length)), drop)


@masks.wrong
def position_instead_of_image(seed, step, images, length, drop):
    """Your Generators belong to rows 0, 1, 2 of this worker. Use the index of the image in the data set."""
    return _rows([[seed, step, row] for row in range(len(images))], length, drop)


@masks.wrong
def same_mask_for_every_image(seed, step, images, length, drop):
    """All images have the same mask. Include the image in the key of the Generator."""
    return _rows([[seed, step] for _ in images], length, drop)


@masks.wrong
def step_forgotten(seed, step, images, length, drop):
    """An image has the same mask in every step. Include the step in the key."""
    return _rows([[seed, image] for image in images], length, drop)


@masks.wrong
def seed_forgotten(seed, step, images, length, drop):
    """The masks do not depend on the seed of the run. Include it in the key."""
    return _rows([[step, image] for image in images], length, drop)


@masks.wrong
def added_keys(seed, step, images, length, drop):
    """You added seed, step and image: image 7 in step 3 then equals image 6 in step 4. Use a list as the key."""
    return _rows([seed + step + image for image in images], length, drop)


@masks.wrong
def another_order_of_the_key(seed, step, images, length, drop):
    """The key is in another order. Use [seed, step, image]."""
    return _rows([[step, seed, image] for image in images], length, drop)


@masks.wrong
def sorted_images(seed, step, images, length, drop):
    """Your rows are in the order of the sorted images. Row n belongs to images[n]."""
    return _rows([[seed, step, image] for image in sorted(images)], length, drop)


@masks.wrong
def kept_and_dropped_exchanged(seed, step, images, length, drop):
    """You keep the values below `drop`. Drop those, and keep the others."""
    values = [np.random.default_rng([seed, step, image]).random(length) for image in images]
    return (np.array(values) < drop) / (1 - drop)


@masks.wrong
def not_scaled(seed, step, images, length, drop):
    """Kept values must be 1 / (1 - drop), so that the mean stays the same (lesson 05)."""
    return masks_reference(seed, step, images, length, drop) * (1 - drop)


@masks.wrong
def scaled_by_the_dropped_fraction(seed, step, images, length, drop):
    """You divided by `drop`. Divide by the fraction that is kept, 1 - drop."""
    return masks_reference(seed, step, images, length, drop) * (1 - drop) / drop
