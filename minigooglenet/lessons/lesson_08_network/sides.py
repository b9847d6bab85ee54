"""The sizes of the feature maps for another image size."""

from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, MaxPool2d

sides = Question(
    "08.1",
    "feature maps for your image size",
    "GoogLeNet gets images of {n} x {n} instead of 224 x 224. What is the sum of the heights of the five feature maps "
    "after conv1, pool1, pool2, pool3 and pool4? (For 224 it is 112 + 56 + 28 + 14 + 7 = 217.)",
    minutes=5,
    difficulty=1,
    hints=(
        "Start with the convolution: 7x7, stride 2, padding 3, rounded down.",
        "After conv1 the height is n/2, rounded up. Each pool (3x3, stride 2, rounding up) turns height a into a // 2.",
        "`a = (n + 6 - 7)//2 + ____`, then four times `a //= 2`, and add all five",
    ),
)


@sides.draw
def sides_draw(rng):
    return {"n": int(rng.integers(192, 321))}


@sides.solution
def sides_solution(n):
    g = Graph(image=(1, n, n))
    wire = g.add("conv1", Conv2d(1, 1, 7, 2, 3, init="zeros"), "image")
    for number in range(1, 5):
        wire = g.add(f"pool{number}", MaxPool2d(3, 2, ceil_mode=True), wire)
    return sum(g.shapes[name][1] for name in g.nodes)


def _added(side, step):
    total = side
    for _ in range(4):
        side = step(side)
        total += side
    return total


@sides.wrong
def pools_rounded_down(n):
    """You rounded the pools down. The pools of GoogLeNet round up: with 224, pool1 returns 56, not 55."""
    return _added((n - 1) // 2 + 1, lambda a: (a - 3) // 2 + 1)


@sides.wrong
def everything_halved(n):
    """Rounding n/2 down is right for the pools, but conv1 rounds half of an odd height up."""
    return _added(n // 2, lambda a: a // 2)


@sides.wrong
def padding_counted_once(n):
    """Padding 3 is added on both sides: n + 6 - 7."""
    return _added((n + 3 - 7) // 2 + 1, lambda a: a // 2)


@sides.wrong
def the_sizes_at_224(n):
    """That is the sum for 224 x 224. Your image has a different size."""
    return 217


def _padded_pools(a):
    return (a + 2 - 3) // 2 + 1


@sides.wrong
def pools_padded(n):
    """You padded the pools. The pools of stride 2 have no padding; they round up instead."""
    return _added((n - 1) // 2 + 1, _padded_pools)
