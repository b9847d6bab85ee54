"""What classifying regions costs."""

from minigooglenet.exercises.questions import Question

cost = Question(
    "12.6",
    "what classifying regions costs",
    "A detector classifies regions with a network of {mmacs} million multiply-adds. Selective search proposes {found} "
    "regions in an image; larger superpixels halve that number, then {boxes} boxes of MultiBox are added. How many "
    "billion multiply-adds for {images} images?",
    minutes=4,
    difficulty=1,
    core=False,
    tolerance=0.005,
    hints=(
        "How many regions are there in one image?",
        "2,000 proposals halved and 200 boxes: 1,200 regions.",
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
    """Larger superpixels halve the proposals."""
    return images * (found + boxes) * mmacs / 1000


@cost.wrong
def MultiBox_forgotten(found, boxes, mmacs, images):
    """The boxes of MultiBox are regions too."""
    return images * found / 2 * mmacs / 1000


@cost.wrong
def halved_after_adding(found, boxes, mmacs, images):
    """Only the proposals of selective search are halved."""
    return images * (found + boxes) / 2 * mmacs / 1000


@cost.wrong
def FLOP(found, boxes, mmacs, images):
    """Twice ours: we asked for multiply-adds."""
    return 2 * images * (found / 2 + boxes) * mmacs / 1000


@cost.wrong
def one_image(found, boxes, mmacs, images):
    """That is one image."""
    return (found / 2 + boxes) * mmacs / 1000
