"""A prediction of the time of a training step on many machines, from constants that one machine can measure.

    T(P) = n / P * a + u + 2 (P - 1) / P * M / bandwidth + 3 (P - 1) * latency

P machines share n images. a is the time per image, u the time per step for the update and the memory exchange, and M
the size of all gradients. The factor of M has the two halves of the exchange: a machine sends the P - 1 others their
parts of its sum, and then its part of the total. With the losses, these are three messages to each other machine, which
are counted as if they were sent one after another, after the computation.

The prediction lacks slow machines, shared switches and the protocol's own bytes, so a real cluster is slower.
"""

from typing import NamedTuple

MACHINES = (1, 2, 4, 8, 16, 32, 64)
GBITS = (1, 10, 100)  # nominal rates of networks, in Gbit/s
LATENCY = 50e-6  # seconds for one message: assumed, usual for TCP over Ethernet
MESSAGES = 3  # to each other machine in a step: losses, parts of a sum, part of the total


class Constants(NamedTuple):
    """What a prediction is computed from.

    image_seconds : a, seconds of one machine per image
    step_seconds : u, seconds of one machine per step that do not depend on the batch
    gradient_bytes : M, bytes of the gradients and running statistics of the network
    latency_seconds : seconds for one message, assumed
    """

    image_seconds: float
    step_seconds: float
    gradient_bytes: int
    latency_seconds: float = LATENCY


def step_seconds(constants: Constants, machines: int, images: int, gbits: float) -> float:
    """Return the predicted seconds of a step.

    Parameters
    ----------
    constants : Constants
    machines : P, their number
    images : n, the batch of all machines together
    gbits : bandwidth of each machine's network in Gbit/s, in each direction

    Examples
    --------
    >>> from minigooglenet.bench.scaling_prediction import Constants, step_seconds
    >>> constants = Constants(image_seconds=0.5, step_seconds=0.25, gradient_bytes=125_000_000, latency_seconds=0.01)
    >>> step_seconds(constants, 1, 16, 1)  # 16 * 0.5 + 0.25
    8.25
    >>> step_seconds(constants, 2, 16, 1)  # 8 * 0.5 + 0.25, 1 for the bytes, 3 * 0.01 for the messages
    5.28
    """
    sent = 2 * (machines - 1) / machines * constants.gradient_bytes
    messages = MESSAGES * (machines - 1)
    network = sent * 8 / (gbits * 1e9) + messages * constants.latency_seconds
    return images / machines * constants.image_seconds + constants.step_seconds + network


def predict(constants: Constants, batch: int, images_per_shard: int) -> list[dict]:
    """Return the records of strong and weak scaling for every network and every number of machines.

    Parameters
    ----------
    constants : Constants
    batch : images of each machine in weak scaling
    images_per_shard : the batch of strong scaling has one shard of this size for each of 64 machines
    """
    most = images_per_shard * MACHINES[-1]
    strong = [_record(constants, "strong", count, most, most, gbits) for gbits in GBITS for count in MACHINES]
    weak = [_record(constants, "weak", count, batch * count, batch, gbits) for gbits in GBITS for count in MACHINES]
    return strong + weak


def _record(constants, scaling, machines, images, alone, gbits):
    """Return a record; `alone` is the batch of the one machine that the speed-up is relative to."""
    seconds = step_seconds(constants, machines, images, gbits)
    rate = images / seconds
    speed_up = rate * step_seconds(constants, 1, alone, gbits) / alone
    return {
        "scaling": scaling,
        "machines": machines,
        "gbit_per_second": gbits,
        "batch": images,
        "step_seconds": seconds,
        "images_per_second": rate,
        "speed_up": speed_up,
        "efficiency": speed_up / machines,
    }
