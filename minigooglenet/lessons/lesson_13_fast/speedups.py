"""The arithmetic of what an idea can bring."""

from minigooglenet.exercises.questions import Question

amdahl = Question(
    "13.5",
    "what a faster part brings",
    "{share} % of a network's time goes into its 3x3 convolutions. They become {factor} times faster, the rest stays. "
    "How many times faster is the whole network?",
    minutes=4,
    difficulty=1,
    tolerance=0.005,
    hints=(
        "Which part of the time changes, and which stays?",
        "Half the time, twice as fast: the new time is 1/2 + 1/4 of the old one, so the whole is 4/3 times faster.",
        "`1 / ((1 - f) + ____)` with f = share / 100",
    ),
)


@amdahl.draw
def amdahl_draw(rng):
    return {"share": int(rng.integers(30, 90)), "factor": float(rng.integers(6, 41)) / 4}


@amdahl.solution
def amdahl_solution(share, factor):
    return 1 / (1 - share / 100 + share / 100 / factor)


@amdahl.wrong
def factor_of_the_part(share, factor):
    """That is how much faster the part is. The rest takes as long as before."""
    return factor


@amdahl.wrong
def share_times_factor(share, factor):
    """Factors of speed do not add up by shares: add the times."""
    return share / 100 * factor


@amdahl.wrong
def mean_of_the_factors(share, factor):
    """That is the mean of 1 and the factor, weighted: times add up, factors do not."""
    return 1 + share / 100 * (factor - 1)


@amdahl.wrong
def part_for_nothing(share, factor):
    """That is the wall, the most that is possible: the part would take no time at all."""
    return 1 / (1 - share / 100)


@amdahl.wrong
def parts_exchanged(share, factor):
    """You made the other part faster."""
    return 1 / (share / 100 + (1 - share / 100) / factor)


intensity = Question(
    "13.6",
    "how much is done for each byte",
    "A {k} x {k} convolution with {c} channels in and {f} filters, stride 1, same padding, on a batch of {n} maps of "
    "{h} x {h}, float32. Input, weights and output move once; leave the bias out. How many FLOP for each byte?",
    minutes=6,
    difficulty=2,
    core=False,
    tolerance=0.005,
    hints=(
        "What must be moved at least once, and how many bytes has a number?",
        "FLOP are twice the multiply-adds. Input and output grow with the batch, the weights do not.",
        "`2 * macs / (4 * (inputs + outputs + ____))`",
    ),
)


@intensity.draw
def intensity_draw(rng):
    k, h, n = (int(rng.choice(choices)) for choices in ((1, 3, 5), (7, 14, 28, 56), (2, 4, 8, 16)))
    return {"k": k, "h": h, "n": n, "c": 16 * int(rng.integers(2, 33)), "f": 16 * int(rng.integers(2, 33))}


def _moved(k, h, n, c, f):
    """Return (MAC, numbers in, weights, numbers out)."""
    return n * h * h * c * f * k * k, n * c * h * h, c * f * k * k, n * f * h * h


@intensity.solution
def intensity_solution(k, h, n, c, f):
    macs, *numbers = _moved(k, h, n, c, f)
    return 2 * macs / (4 * sum(numbers))


@intensity.wrong
def MAC_not_FLOP(k, h, n, c, f):
    """Half of ours: a multiply-add counts as two FLOP, and a float32 takes 4 bytes, not 8."""
    macs, *numbers = _moved(k, h, n, c, f)
    return macs / (4 * sum(numbers))


@intensity.wrong
def weights_forgotten(k, h, n, c, f):
    """The weights have to be read too."""
    macs, inputs, _, outputs = _moved(k, h, n, c, f)
    return 2 * macs / (4 * (inputs + outputs))


@intensity.wrong
def weights_for_every_image(k, h, n, c, f):
    """The weights are read once for the whole batch."""
    macs, inputs, weights, outputs = _moved(k, h, n, c, f)
    return 2 * macs / (4 * (inputs + n * weights + outputs))


@intensity.wrong
def output_forgotten(k, h, n, c, f):
    """The output has to be written too."""
    macs, inputs, weights, _ = _moved(k, h, n, c, f)
    return 2 * macs / (4 * (inputs + weights))


@intensity.wrong
def numbers_not_bytes(k, h, n, c, f):
    """Four times ours: a float32 has four bytes."""
    macs, *numbers = _moved(k, h, n, c, f)
    return 2 * macs / sum(numbers)
