"""How wide naive modules grow."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.graph import Graph
from minigooglenet.models import Style, inception_naive
from minigooglenet.models.googlenet import MODULES

naive = Exercise(
    "07.5",
    "how wide naive modules grow",
    "naive_widths(modules, cin) -> list of widths",
    minutes=8,
    difficulty=2,
    core=False,
    hints=(
        "How many channels leave a 3x3 max pool of stride 1 that reads cin channels?",
        "Widths 2, 3, 4 on 10 channels: 2 + 3 + 4 + 10 = 19 leave, and the next module reads 19.",
        "`c = a + b + d + ____`, and keep every c",
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
    """The naive pool branch hands on all channels that it gets."""
    return [a + b + d for a, _, b, _, d, _ in modules]


@naive.wrong
def not_stacked(modules, cin):
    """Each module was fed the paper's width. Feed it what the one before gives."""
    widths = []
    for a, _, b, _, d, pool in modules:
        widths.append(a + b + d + cin)
        cin = a + b + d + pool
    return widths


@naive.wrong
def largest_branch(modules, cin):
    """Concatenation adds widths; the largest is what adding maps would give."""
    widths = []
    for a, _, b, _, d, _ in modules:
        cin = max(a, b, d, cin)
        widths.append(cin)
    return widths


@naive.wrong
def with_the_projection(modules, cin):
    """A naive module has no projection after its pool."""
    return [a + b + d + pool for a, _, b, _, d, pool in modules]


@naive.wrong
def all_six_widths(modules, cin):
    """You added all six widths of the paper's module. A naive one has neither reductions nor a projection."""
    widths = []
    for module in modules:
        cin += sum(module)
        widths.append(cin)
    return widths


@naive.wrong
def projection_beside_the_pool(modules, cin):
    """The pool's channels are counted, and a projection too: a naive module has none."""
    widths = []
    for a, _, b, _, d, pool in modules:
        cin += a + b + d + pool
        widths.append(cin)
    return widths


@naive.wrong
def reductions_counted(modules, cin):
    """A naive module has no reductions, and they would not leave it anyway."""
    widths = []
    for a, r3, b, r5, d, _ in modules:
        cin += a + r3 + b + r5 + d
        widths.append(cin)
    return widths
