"""The channel counts of stacked naive modules."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.graph import Graph
from minigooglenet.models import Style, inception_naive
from minigooglenet.models.googlenet import MODULES

naive = Exercise(
    "07.5",
    "how wide naive modules grow",
    "naive_widths(modules, cin) -> list of channel counts",
    minutes=8,
    difficulty=2,
    core=False,
    hints=(
        "How many channels does a 3x3 max pool return if it reads cin channels?",
        "With 2, 3 and 4 filters on 10 channels, the output has 2 + 3 + 4 + 10 = 19, and the next module reads 19.",
        "`cin = n1x1 + n3x3 + n5x5 + ____`, and append every cin to a list",
    ),
)


@naive.cases
def naive_cases(rng):
    yield ((5, 2, 3, 1, 2, 4), (6, 3, 4, 2, 3, 2)), 7
    yield tuple(MODULES.values()), 192


@naive.reference
def naive_reference(modules, cin):
    g = Graph(image=(cin, 3, 3))
    for number, (n1x1, _, n3x3, _, n5x5, _) in enumerate(modules):
        inception_naive(g, list(g.shapes)[-1], f"{number}", n1x1, n3x3, n5x5, style=Style(init="zeros"))
    return [g.shapes[f"{number}/output"][0] for number in range(len(modules))]


@naive.right
def naive_by_addition(modules, cin):
    widths = []
    for module in modules:
        cin += module[0] + module[2] + module[4]
        widths.append(cin)
    return widths


@naive.right
def naive_by_cumsum(modules, cin):
    return cin + np.cumsum(np.array(modules)[:, [0, 2, 4]].sum(axis=1))


@naive.wrong
def pool_branch_forgotten(modules, cin):
    """You left out the pool branch. It returns as many channels as the module reads."""
    return [a + b + d for a, _, b, _, d, _ in modules]


@naive.wrong
def not_stacked(modules, cin):
    """You gave each module the channels of the paper's network. It reads the output of the naive module before it."""
    widths = []
    for a, _, b, _, d, pool in modules:
        widths.append(a + b + d + cin)
        cin = a + b + d + pool
    return widths


@naive.wrong
def largest_branch(modules, cin):
    """You took the largest branch. Concatenation adds the channel counts."""
    widths = []
    for a, _, b, _, d, _ in modules:
        cin = max(a, b, d, cin)
        widths.append(cin)
    return widths


@naive.wrong
def with_the_projection(modules, cin):
    """You counted a projection after the pool. A naive module has none; its pool returns all the channels."""
    return [a + b + d + pool for a, _, b, _, d, pool in modules]


@naive.wrong
def all_six_widths(modules, cin):
    """You added all six numbers of the row. A naive module has neither reductions nor a projection."""
    widths = []
    for module in modules:
        cin += sum(module)
        widths.append(cin)
    return widths


@naive.wrong
def projection_next_to_the_pool(modules, cin):
    """You counted the channels of the pool and of a projection. A naive module has no projection."""
    widths = []
    for a, _, b, _, d, pool in modules:
        cin += a + b + d + pool
        widths.append(cin)
    return widths


@naive.wrong
def reductions_counted(modules, cin):
    """You counted the reductions. A naive module has none, and they would not be in the output anyway."""
    widths = []
    for a, r3, b, r5, d, _ in modules:
        cin += a + r3 + b + r5 + d
        widths.append(cin)
    return widths
