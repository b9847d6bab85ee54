"""The maps of an image of your size."""

from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d, MaxPool2d

sides = Question(
    "08.1",
    "maps of your image size",
    "GoogLeNet takes images of {n} x {n} instead of 224 x 224. Add the sides of the five maps after conv1, pool1, "
    "pool2, pool3 and pool4. (At 224 it is 112 + 56 + 28 + 14 + 7 = 217.)",
    minutes=5,
    difficulty=1,
    hints=(
        "The convolution first: 7 x 7, stride 2, padding 3, rounded down.",
        "Behind conv1 it is n/2 rounded up. Each pool, 3 x 3 of stride 2 rounded up, makes a/2 rounded down of a.",
        "`a = (n + 6 - 7)//2 + ____`, then four times `a //= 2`, adding up",
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
    """You rounded the pools down. GoogLeNet's round up, and 224 shows it."""
    return _added((n - 1) // 2 + 1, lambda a: (a - 3) // 2 + 1)


@sides.wrong
def everything_halved(n):
    """Right for the pools, not for conv1: half of an odd side is rounded up there."""
    return _added(n // 2, lambda a: a // 2)


@sides.wrong
def padding_counted_once(n):
    """Padding 3 is added on both sides: n + 6 - 7."""
    return _added((n + 3 - 7) // 2 + 1, lambda a: a // 2)


@sides.wrong
def the_sizes_at_224(n):
    """Those are the sides at 224; yours is another image."""
    return 217


def _padded_pools(a):
    return (a + 2 - 3) // 2 + 1


@sides.wrong
def pools_padded(n):
    """You padded the pools. GoogLeNet's trunk pools have no padding, they round up."""
    return _added((n - 1) // 2 + 1, _padded_pools)
