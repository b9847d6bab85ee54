"""The colour similarity of regions: normalised histograms, their merging and their intersection."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise

BINS = 25  # per channel, as in Selective Search

colour_of_merged = Exercise(
    "15.2",
    "how similar two colours are",
    "colour_of_merged(a, b, c) -> histogram (75,), similarity",
    minutes=8,
    difficulty=2,
    core=False,
    hints=(
        "What is the largest value in the arrays, and which bin does it get? What is the sum of your histogram?",
        (
            "With 2 bins, the values 0.1, 0.2, 0.9 have the counts 2 and 1, and the histogram 2/3, 1/3. If the other "
            "region has the histogram 1, 0, the smaller values are 2/3 and 0, so the similarity is 2/3."
        ),
        "`merged = (n_a * histogram(a) + n_b * histogram(b)) / ____` and `np.minimum(merged, ____).sum()`",
    ),
)


@colour_of_merged.cases
def colour_cases(rng):
    for sizes in ((6, 2, 5), (3, 9, 4)):
        yield tuple(_region(rng, size) for size in sizes)
    white = np.ones((3, 4))
    yield white, _region(rng, 5), np.hstack([white, _region(rng, 3)])


def _region(rng, size):
    """Return pixels (3, size) in the middle of a few bins per channel, so that round-off moves none to another bin."""
    low = np.array([[2], [6], [9]])
    return (low + rng.integers(0, 4, (3, size)) * [[5], [6], [4]] + 0.5) / BINS


def _counts(pixels, scale=BINS, last=BINS - 1):
    """Return how many values of each channel are in each bin, (3, 25)."""
    bins = np.minimum((pixels * scale).astype(int), last)
    return np.stack([np.bincount(channel, minlength=BINS)[:BINS] for channel in bins]).astype(float)


def _histogram(pixels):
    counts = _counts(pixels)
    return counts.ravel() / counts.sum()


def _merged(a, b):
    sizes = a.shape[1], b.shape[1]
    return (sizes[0] * _histogram(a) + sizes[1] * _histogram(b)) / sum(sizes)


@colour_of_merged.reference
def colour_of_merged_reference(a, b, c):
    merged = _merged(a, b)
    return merged, np.minimum(merged, _histogram(c)).sum()


@colour_of_merged.right
def colour_of_joined_pixels(a, b, c):
    both = np.hstack([a, b])
    counts = [np.concatenate([np.histogram(v, BINS, (0, 1))[0] for v in region]) for region in (both, c)]
    first, second = (values / values.sum() for values in counts)
    return first, sum(min(pair) for pair in zip(first, second, strict=True))


@colour_of_merged.right
def colour_pixel_by_pixel(a, b, c):
    histograms = []
    for regions in ((a, b), (c,)):
        bins = np.zeros(3 * BINS)
        pixels = [pixel for region in regions for pixel in region.T]
        for pixel in pixels:
            for channel, value in enumerate(pixel):
                bins[BINS * channel + (BINS - 1 if value == 1 else int(BINS * value))] += 1 / (3 * len(pixels))
        histograms.append(bins)
    return histograms[0], (histograms[0] + histograms[1] - abs(histograms[0] - histograms[1])).sum() / 2


def _with(histogram, a, b, c, similarity=lambda x, y: np.minimum(x, y).sum(), weights=None):
    """Return the answer with another histogram, similarity, or weights of a and b."""
    sizes = np.array([a.shape[1], b.shape[1]] if weights is None else weights)
    merged = (sizes[0] * histogram(a) + sizes[1] * histogram(b)) / sizes.sum()
    return merged, similarity(merged, histogram(c))


@colour_of_merged.wrong
def binned_over_255(a, b, c):
    """All values are in the first bin: you divided 0 to 255 into 25 bins, but the values are 0 to 1."""

    def histogram(pixels):
        counts = _counts(pixels, scale=BINS / 256)
        return counts.ravel() / counts.sum()

    return _with(histogram, a, b, c)


@colour_of_merged.wrong
def not_normalised(a, b, c):
    """Your histograms are counts, so large regions look similar to everything. Divide each by its sum."""
    merged = (_counts(a) + _counts(b)).ravel()
    return merged, np.minimum(merged, _counts(c).ravel()).sum()


@colour_of_merged.wrong
def each_channel_normalised(a, b, c):
    """Your histogram has the sum 3, because each channel has the sum 1. Divide by the sum over all three channels."""
    return _with(lambda pixels: 3 * _histogram(pixels), a, b, c)


@colour_of_merged.wrong
def length_of_one(a, b, c):
    """You divided by the length of the vector. The values of a histogram are fractions: divide by their sum."""

    def histogram(pixels):
        counts = _counts(pixels).ravel()
        return counts / np.sqrt((counts**2).sum())

    return _with(histogram, a, b, c)


@colour_of_merged.wrong
def added_instead_of_the_smaller(a, b, c):
    """Your similarity is the sum of both histograms, 2 for any two regions. Add the smaller value of each bin."""
    return _with(_histogram, a, b, c, lambda x, y: (x + y).sum())


@colour_of_merged.wrong
def larger_instead_of_smaller(a, b, c):
    """You added the larger value of each bin, which is smallest for equal regions. Add the smaller one."""
    return _with(_histogram, a, b, c, lambda x, y: np.maximum(x, y).sum())


@colour_of_merged.wrong
def product_instead_of_the_smaller(a, b, c):
    """You multiplied the histograms. Then a region with many colours differs from itself: add the smaller values."""
    return _with(_histogram, a, b, c, lambda x, y: (x * y).sum())


@colour_of_merged.wrong
def merged_without_sizes(a, b, c):
    """You took the mean of both histograms. The larger region has more pixels: weight each histogram by its size."""
    return _with(_histogram, a, b, c, weights=(1, 1))


@colour_of_merged.wrong
def sizes_exchanged(a, b, c):
    """You weighted each histogram by the size of the other region."""
    return _with(_histogram, a, b, c, weights=(b.shape[1], a.shape[1]))


@colour_of_merged.wrong
def one_dropped(a, b, c):
    """The value 1 is in none of your bins. The last bin contains both of its ends."""

    def histogram(pixels):
        counts = _counts(pixels, last=BINS)
        return counts.ravel() / counts.sum()

    return _with(histogram, a, b, c)


@colour_of_merged.wrong
def channels_in_one_histogram(a, b, c):
    """You counted all channels in the same 25 bins, so red and blue look equal. Each channel has its own 25."""

    def histogram(pixels):
        counts = _counts(pixels).sum(axis=0)
        return counts / counts.sum()

    return _with(histogram, a, b, c)
