"""The letter F, which shows how an array was rotated or flipped."""

import numpy as np

LETTER = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]], float)


def orientation(values):
    """Return a description of the letter in an array: unchanged, flipped along one axis, or rotated by 180 degrees."""
    orientations = {
        "the F unchanged": LETTER,
        "the F rotated by 180 degrees": LETTER[::-1, ::-1],
        "the F upside down": LETTER[::-1],
        "the F mirrored": LETTER[:, ::-1],
    }
    return next((name for name, letter in orientations.items() if np.array_equal(values, letter)), "not an F")
