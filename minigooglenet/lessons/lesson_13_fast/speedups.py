"""Amdahl's law, and the FLOP per byte of a layer."""

from minigooglenet.exercises.questions import Question

amdahl = Question(
    "13.5",
    "the effect of a faster part",
    "A network spends {share}% of its time in 3x3 convolutions. They become {factor} times as fast, and the rest does "
    "not change. How many times as fast as before is the whole network?",
    minutes=4,
    difficulty=1,
    tolerance=0.005,
    hints=(
        "Which part of the time changes, and which does not?",
        "If half of the time is halved, the new time is 1/2 + 1/4 of the old one, so the whole is 4/3 times as fast.",
        "`1 / ((1 - f) + ____)` with f = share / 100",
    ),
)


@amdahl.draw
def amdahl_draw(rng):
    return {"share": int(rng.integers(30, 90)), "factor": float(rng.integers(6, 41)) / 4}


@amdahl.solution
def amdahl_solution(share, factor):
    return 1 / (1 - share / 100 + share / 100 / factor)


def _fraction(values):
    return values["share"] / 100


@amdahl.wrong
def factor_of_the_part(factor, **_):
    """That is the factor of the 3x3 convolutions. The rest of the network takes as long as before."""
    return factor


@amdahl.wrong
def fraction_times_factor(factor, **values):
    """You multiplied the fraction by the factor. Add the times of both parts instead."""
    return _fraction(values) * factor


@amdahl.wrong
def mean_of_the_factors(factor, **values):
    """That is the weighted mean of 1 and the factor. Add times, not factors."""
    return 1 + _fraction(values) * (factor - 1)


@amdahl.wrong
def part_for_free(factor, **values):
    """That is the limit if the 3x3 convolutions took no time at all. Add the time that they still take."""
    return 1 / (1 - _fraction(values))


@amdahl.wrong
def parts_exchanged(factor, **values):
    """You made the rest faster. The 3x3 convolutions become faster, and the rest does not change."""
    return 1 / (_fraction(values) + (1 - _fraction(values)) / factor)


intensity = Question(
    "13.6",
    "FLOP per byte",
    "A {k} x {k} convolution has {c} input channels, {f} filters, stride 1, and padding that keeps the size. It reads "
    "a batch of {n} feature maps of {h} x {h} in float32. Input, weights and output are read or written once; leave "
    "out the bias. How many FLOP does it compute per byte?",
    minutes=6,
    difficulty=2,
    core=False,
    tolerance=0.005,
    hints=(
        "Which values are read or written, and how many bytes does each value have?",
        "One MAC is two FLOP. Input and output grow with the batch, but the weights do not.",
        "`2 * macs / (4 * (inputs + outputs + ____))`",
    ),
)


@intensity.draw
def intensity_draw(rng):
    k, h, n = (int(rng.choice(choices)) for choices in ((1, 3, 5), (7, 14, 28, 56), (2, 4, 8, 16)))
    return {"k": k, "h": h, "n": n, "c": 16 * int(rng.integers(2, 33)), "f": 16 * int(rng.integers(2, 33))}


def _moved(k, h, n, c, f):
    """Return (MACs, input values, weights, output values)."""
    return n * h * h * c * f * k * k, n * c * h * h, c * f * k * k, n * f * h * h


@intensity.solution
def intensity_solution(k, h, n, c, f):
    macs, *values = _moved(k, h, n, c, f)
    return 2 * macs / (4 * sum(values))


@intensity.wrong
def MAC_not_FLOP(k, h, n, c, f):
    """Exactly half of the correct number. One MAC is two FLOP, and a float32 value has 4 bytes, not 8."""
    macs, *values = _moved(k, h, n, c, f)
    return macs / (4 * sum(values))


@intensity.wrong
def weights_forgotten(k, h, n, c, f):
    """You left out the weights. They are read too."""
    macs, inputs, _, outputs = _moved(k, h, n, c, f)
    return 2 * macs / (4 * (inputs + outputs))


@intensity.wrong
def weights_for_every_image(k, h, n, c, f):
    """You counted the weights once per image. They are read once for the whole batch."""
    macs, inputs, weights, outputs = _moved(k, h, n, c, f)
    return 2 * macs / (4 * (inputs + n * weights + outputs))


@intensity.wrong
def output_forgotten(k, h, n, c, f):
    """You left out the output. It is written too."""
    macs, inputs, weights, _ = _moved(k, h, n, c, f)
    return 2 * macs / (4 * (inputs + weights))


@intensity.wrong
def values_not_bytes(k, h, n, c, f):
    """Exactly four times the correct number: you counted values. A float32 value has four bytes."""
    macs, *values = _moved(k, h, n, c, f)
    return 2 * macs / sum(values)
