"""What a bottleneck costs, what it saves, and where it stops saving."""

import numpy as np

from minigooglenet.counting import count
from minigooglenet.exercises.questions import Question
from minigooglenet.layers import Conv2d

BRANCH = "{C} channels of {H} x {H}, a 1x1 reduction to {r} channels, then {K} filters of {k} x {k}. "


def _draw_branch(rng):
    return {
        "C": 16 * int(rng.integers(12, 52)),
        "r": 8 * int(rng.integers(2, 9)),
        "K": 8 * int(rng.integers(5, 30)),
        "k": int(rng.choice([3, 5])),
        "H": int(rng.choice([7, 14, 28])),
    }


def _conv_macs(C, K, k, H):
    return count(Conv2d(C, K, k, 1, k // 2, init="zeros"), (C, H, H)).macs


branch_macs = Question(
    "07.2",
    "the cost of your bottleneck",
    BRANCH + "How many MACs do the two convolutions have together?",
    minutes=4,
    difficulty=1,
    hints=(
        "There are two layers. Count the MACs of each, then add.",
        "The second layer reads r channels, not C.",
        "`H*H * (C*r + ____*K*k*k)`",
    ),
)

branch_macs.draw(_draw_branch)
branch_macs.solution(lambda C, r, K, k, H: _conv_macs(C, r, 1, H) + _conv_macs(r, K, k, H))


@branch_macs.wrong
def reduction_cost_forgotten(C, r, K, k, H):
    """You left out the 1x1. It is a convolution too, and here it is not cheap."""
    return H * H * r * K * k * k


@branch_macs.wrong
def cost_without_the_reduction(C, r, K, k, H):
    """That is the cost without the reduction. The second layer reads only r channels."""
    return H * H * C * K * k * k


@branch_macs.wrong
def r_filters_in_both(C, r, K, k, H):
    """The second layer has K filters, not r."""
    return H * H * (C * r + r * r * k * k)


@branch_macs.wrong
def reduced_to_K(C, r, K, k, H):
    """The 1x1 returns r channels, not K."""
    return H * H * (C * K + r * K * k * k)


@branch_macs.wrong
def kernel_counted_along_one_side(C, r, K, k, H):
    """A k x k kernel has k*k weights, not k."""
    return H * H * (C * r + r * K * k)


@branch_macs.wrong
def FLOP_instead_of_MAC(C, r, K, k, H):
    """Exactly twice the correct number: you counted FLOP. One MAC is two FLOP."""
    return 2 * H * H * (C * r + r * K * k * k)


branch_ratio = Question(
    "07.2b",
    "what your bottleneck saves",
    BRANCH + "How many times as many MACs would the branch have without the reduction?",
    minutes=3,
    difficulty=1,
    hints=(
        "Which factors occur in both costs, and cancel?",
        "In 4a it is 48 * 25 * 480 divided by 480 * 16 + 16 * 48 * 25, about 21.",
        "`C*K*k*k / (C*r + ____)`",
    ),
    tolerance=0.005,
)

branch_ratio.draw(_draw_branch)
branch_ratio.solution(lambda C, r, K, k, H: _conv_macs(C, K, k, H) / (_conv_macs(C, r, 1, H) + _conv_macs(r, K, k, H)))


@branch_ratio.wrong
def reduction_cost_forgotten(C, r, **_):
    """C / r would be right if the 1x1 were free."""
    return C / r


@branch_ratio.wrong
def ratio_upside_down(C, r, K, k, **_):
    """You divided the small cost by the large one. Divide the large one by the small one."""
    return (C * r + r * K * k * k) / (C * K * k * k)


@branch_ratio.wrong
def saved_fraction(C, r, K, k, **_):
    """That is the saved fraction, which is below 1. The question is how many times as many."""
    return 1 - (C * r + r * K * k * k) / (C * K * k * k)


@branch_ratio.wrong
def kernel_counted_along_one_side(C, r, K, k, **_):
    """A k x k kernel has k*k weights, not k."""
    return C * K * k / (C * r + r * K * k)


even = Question(
    "07.2c",
    "where a bottleneck stops saving",
    "{C} channels, {K} filters of {k} x {k}. What is the largest number r of channels for which a 1x1 reduction to r "
    "channels still saves MACs?",
    minutes=5,
    difficulty=2,
    core=False,
    hints=(
        "Write both costs as functions of r. One of them does not depend on r.",
        "The costs are equal if C*r + r*K*k*k = C*K*k*k. In 4a that is r = 342.9, so the answer there is 342.",
        "the largest integer below `C*K*k*k / (C + ____)`",
    ),
)


@even.draw
def even_draw(rng):
    values = _draw_branch(rng)
    return {name: values[name] for name in ("C", "K", "k")}


def _below(value):
    return int(np.ceil(value)) - 1


even.solution(lambda C, K, k: _below(C * K * k * k / (C + K * k * k)))


@even.wrong
def rounded_up(C, K, k):
    """With this r the reduction already costs more than it saves. Round down."""
    return _below(C * K * k * k / (C + K * k * k)) + 1


@even.wrong
def reduction_cost_forgotten(C, K, k):
    """If the 1x1 were free, every r below C would save MACs. It is not free."""
    return C - 1


@even.wrong
def kernel_counted_along_one_side(C, K, k):
    """A k x k kernel has k*k weights, not k."""
    return _below(C * K * k / (C + K * k))


@even.wrong
def reduced_to_no_more_than_K(C, K, k):
    """The number of filters is not the limit. Set the two costs equal and solve for r."""
    return K


@even.wrong
def kernel_forgotten(C, K, k):
    """That is correct for a 1x1 after a 1x1. Include the factor k*k."""
    return _below(C * K / (C + K))
