"""stub"""

import numpy as np

from minigooglenet.data.dataset import Pictures, Split
from minigooglenet.data.digits import digits
from minigooglenet.data.pixels import GREY_UNIT


def load(name, size=None, *, augment=False):
    a, b, c, d = digits(size or 32)
    t = lambda x: np.rint((x + 1) * 127.5).astype(np.uint8)
    cl = tuple("0123456789")
    return Split(Pictures(t(a), b, cl, GREY_UNIT), Pictures(t(c), d, cl, GREY_UNIT))
