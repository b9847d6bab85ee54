"""The cost of classifying regions."""

from minigooglenet.exercises.questions import Question

cost = Question(
    "12.6",
    "the cost of classifying regions",
    "A detector classifies regions with a network of {mmacs} million MACs. Selective search proposes {found} regions "
    "per image. Larger superpixels halve that number, and then {boxes} boxes of MultiBox are added. How many billion "
    "MACs do {images} images cost?",
    minutes=4,
    difficulty=1,
    core=False,
    tolerance=0.005,
    hints=(
        "How many regions does one image have?",
        "In the paper it is half of 2,000 proposals plus 200 boxes: 1,200 regions.",
        "`images * (found / 2 + ____) * mmacs / 1000`",
    ),
)


@cost.draw
def cost_draw(rng):
    found, boxes = 200 * int(rng.integers(5, 16)), 50 * int(rng.integers(2, 9))
    return {
        "found": found,
        "boxes": boxes,
        "mmacs": int(rng.integers(300, 2000)),
        "images": int(rng.choice([5, 10, 20, 50])),
    }


@cost.solution
def cost_solution(found, boxes, mmacs, images):
    return images * (found / 2 + boxes) * mmacs / 1000


@cost.wrong
def not_halved(found, boxes, mmacs, images):
    """You did not halve the proposals of selective search. Larger superpixels halve their number."""
    return images * (found + boxes) * mmacs / 1000


@cost.wrong
def MultiBox_forgotten(found, boxes, mmacs, images):
    """You left out the boxes of MultiBox. They are classified too."""
    return images * found / 2 * mmacs / 1000


@cost.wrong
def halved_after_adding(found, boxes, mmacs, images):
    """You halved the boxes of MultiBox too. Halve only the proposals of selective search."""
    return images * (found + boxes) / 2 * mmacs / 1000


@cost.wrong
def FLOP(found, boxes, mmacs, images):
    """Exactly twice the correct number: you counted FLOP. One MAC is two FLOP."""
    return 2 * images * (found / 2 + boxes) * mmacs / 1000


@cost.wrong
def one_image(found, boxes, mmacs, images):
    """That is the cost of one image. Multiply by the number of images."""
    return (found / 2 + boxes) * mmacs / 1000
