"""The measured time of every node: the median of several rounds, each a forward pass of one image."""

import statistics
from collections.abc import Callable

import numpy as np

from minigooglenet import parallel
from minigooglenet.graph.observers import Timer

ROUNDS = 7


def measured(
    graph, inputs: dict[str, np.ndarray], on_round: Callable[[int], object] = lambda done: None
) -> tuple[dict[str, float], str]:
    """Return ({node: seconds}, how they were measured). The first pass, which may compile kernels, does not count."""
    wires = tuple(dict.fromkeys([*graph.outputs, *graph.default_outputs]))
    rounds = []
    for done in range(ROUNDS + 1):
        timer = Timer()
        graph.forward(inputs, outputs=wires, on_node=timer)
        rounds.append(timer.seconds["forward"])
        on_round(done + 1)
    medians = {name: statistics.median(one[name] for one in rounds[1:]) for name in rounds[0]}
    threads = parallel.get_num_threads()
    note = (
        f"Times: the median of {ROUNDS} forward passes of one image on {threads} thread{'s' * (threads != 1)}, "
        "node by node; a plan, which fuses nodes, is faster."
    )
    return medians, note
