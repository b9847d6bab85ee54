"""The letter F, which shows how an array was rotated or flipped."""

import numpy as np

LETTER = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]], float)


def orientation(values):
    """Return how an array is the letter: as it is, flipped along one axis, or rotated by 180 degrees."""
    ways = {
        "the F as it is": LETTER,
        "the F rotated by 180 degrees": LETTER[::-1, ::-1],
        "the F upside down": LETTER[::-1],
        "the F mirrored": LETTER[:, ::-1],
    }
    return next((way for way, letter in ways.items() if np.array_equal(values, letter)), "not an F")
