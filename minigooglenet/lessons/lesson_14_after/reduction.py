"""The cost of halving height and width while the channels double."""

from minigooglenet.counting import count
from minigooglenet.exercises.questions import Question
from minigooglenet.layers import Conv2d

reduction = Question(
    "14.2",
    "your grid reduction",
    "A map has {C} channels of {H} x {H}. A {k} x {k} convolution of stride 2 with {C} filters runs next to a pool of "
    "stride 2, and both are padded so that they return maps of half the height and width. Their outputs are "
    "concatenated, which gives {C} + {C} channels. How many MACs does this reduction need?",
    minutes=3,
    difficulty=1,
    hints=(
        "Which of the two layers has MACs? How many filters does it have, and how many channels does it read?",
        "8 channels of 4 x 4 and a 3 x 3 kernel: 8 filters at 2 * 2 positions, each with 8 * 9 MACs, so 2304.",
        "`(H // 2)**2 * ____ * C * k*k`",
    ),
)


@reduction.draw
def reduction_draw(rng):
    return {
        "C": 16 * int(rng.integers(4, 40)),
        "H": 2 * int(rng.integers(4, 29)),
        "k": int(rng.choice([3, 5])),
    }


@reduction.solution
def reduction_solution(C, H, k):
    return count(Conv2d(C, C, k, 2, k // 2, init="zeros"), (C, H, H)).macs


@reduction.wrong
def convolution_before_the_pool(C, H, k):
    """That is a convolution to twice the channels at full size, and a pool after it. Here the two run side by side."""
    return 2 * C * C * k * k * H * H


@reduction.wrong
def pool_before_the_convolution(C, H, k):
    """That is a pool, and after it a convolution to twice the channels. Here the pool returns half of the channels."""
    return 2 * C * C * k * k * (H // 2) ** 2


@reduction.wrong
def stride_forgotten(C, H, k):
    """You counted H x H positions. With stride 2, the convolution has half as many rows and half as many columns."""
    return C * C * k * k * H * H


@reduction.wrong
def kernel_counted_along_one_side(C, H, k):
    """A k x k kernel has k*k weights, not k."""
    return C * C * k * (H // 2) ** 2


@reduction.wrong
def one_channel_read(C, H, k):
    """Each filter reads all channels of the map. You counted one."""
    return C * k * k * (H // 2) ** 2


@reduction.wrong
def pool_counted(C, H, k):
    """You counted MACs for the pool. It has neither weights nor multiplications."""
    return C * C * k * k * (H // 2) ** 2 + C * k * k * (H // 2) ** 2
