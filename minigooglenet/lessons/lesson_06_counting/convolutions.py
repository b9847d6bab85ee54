"""Exercises: the parameters, MACs and bytes of a convolution."""

import functools

from minigooglenet.counting import count
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.questions import Question
from minigooglenet.layers import Conv2d

count_conv = Exercise(
    "06.1",
    "count a convolution",
    "count_conv(C, K, R, S, H, W, stride, pad) -> (params, macs, out_bytes)",
    minutes=10,
    difficulty=1,
    hints=(
        "How many products does one output need, and how many outputs are there?",
        (
            "With C = 2 and a 3 x 3 kernel, one output needs 18 products. With K = 4 and a 5 x 5 output, that is "
            "18 * 4 * 25 = 1,800 MACs. Each of the 4 filters has 18 weights and one bias: 76 parameters."
        ),
        "`macs = C * R * S * K * ____`; the output's height is (H + 2*pad - R) // stride + 1, and its width likewise",
    ),
)


def _sizes(R, S, H, W, stride, pad):
    return (H + 2 * pad - R) // stride + 1, (W + 2 * pad - S) // stride + 1


@count_conv.cases
def count_conv_cases(rng):
    yield 3, 64, 7, 7, 224, 224, 2, 3
    yield 2, 4, 3, 2, 9, 6, 1, 0
    yield 5, 3, 1, 4, 8, 11, 2, 1


@count_conv.reference
def count_conv_reference(C, K, R, S, H, W, stride, pad):
    counted = count(Conv2d(C, K, (R, S), stride, pad, init="zeros"), (C, H, W))
    return counted.params, counted.macs, 4 * counted.activations


@count_conv.right
def count_conv_by_formula(C, K, R, S, H, W, stride, pad):
    P, Q = _sizes(R, S, H, W, stride, pad)
    return K * C * R * S + K, K * P * Q * C * R * S, 4 * K * P * Q


@count_conv.right
def count_conv_by_ranges(C, K, R, S, H, W, stride, pad):
    rows = len(range(-pad, H + pad - R + 1, stride))
    columns = len(range(-pad, W + pad - S + 1, stride))
    weights = sum(R * S for _ in range(C)) * K
    return [weights + K, weights * rows * columns, rows * columns * K * 32 // 8]


def _with_changes(change):
    """Register a known mistake: `change` returns the values that differ from the right ones."""

    @count_conv.wrong
    @functools.wraps(change)
    def answer(C, K, R, S, H, W, stride, pad):
        P, Q = _sizes(R, S, H, W, stride, pad)
        right = {"params": K * C * R * S + K, "macs": K * P * Q * C * R * S, "out_bytes": 4 * K * P * Q}
        right |= change(C, K, R, S, H, W, P, Q)
        return right["params"], right["macs"], right["out_bytes"]

    return answer


@count_conv.wrong
def sizes_with_fractions(C, K, R, S, H, W, stride, pad):
    """The output size is an integer: (H + 2 * pad - R) / stride is rounded down, so write //, then add 1."""
    positions = ((H + 2 * pad - R) / stride + 1) * ((W + 2 * pad - S) / stride + 1)
    return K * C * R * S + K, K * C * R * S * positions, 4 * K * positions


@_with_changes
def bias_forgotten(C, K, R, S, H, W, P, Q):
    """K parameters are missing: every filter has one bias."""
    return {"params": K * C * R * S}


@_with_changes
def a_bias_per_input_channel(C, K, R, S, H, W, P, Q):
    """You counted one bias per input channel. Each filter has only one bias."""
    return {"params": K * C * R * S + K * C}


@_with_changes
def one_kernel_for_all_channels(C, K, R, S, H, W, P, Q):
    """A filter has its own kernel for each input channel: C * R * S weights, not R * S."""
    return {"params": K * R * S + K, "macs": K * P * Q * R * S}


@_with_changes
def kernel_counted_along_one_side(C, K, R, S, H, W, P, Q):
    """A kernel has R * S positions. You counted only R."""
    return {"params": K * C * R + K, "macs": K * P * Q * C * R}


@_with_changes
def input_size_not_output_size(C, K, R, S, H, W, P, Q):
    """You counted every position of the input. Count the positions of the output."""
    return {"macs": K * H * W * C * R * S}


@_with_changes
def bytes_of_the_input_size(C, K, R, S, H, W, P, Q):
    """You used the height and width of the input. Those of the output depend on stride, kernel and padding."""
    return {"out_bytes": 4 * K * H * W}


@_with_changes
def FLOP_not_MAC(C, K, R, S, H, W, P, Q):
    """That is twice the number of MACs: you counted FLOP. One MAC is a multiplication and an addition."""
    return {"macs": 2 * K * P * Q * C * R * S}


@_with_changes
def bias_in_the_MACs(C, K, R, S, H, W, P, Q):
    """You counted the bias additions too. In this course, a MAC always includes a multiplication."""
    return {"macs": K * P * Q * (C * R * S + 1)}


@_with_changes
def bytes_of_float64(C, K, R, S, H, W, P, Q):
    """You counted 8 bytes per value, as for float64. A float32 takes 4 bytes."""
    return {"out_bytes": 8 * K * P * Q}


@_with_changes
def elements_not_bytes(C, K, R, S, H, W, P, Q):
    """You counted values. Each float32 takes 4 bytes."""
    return {"out_bytes": K * P * Q}


@_with_changes
def bits_not_bytes(C, K, R, S, H, W, P, Q):
    """You counted bits. 32 bits are 4 bytes."""
    return {"out_bytes": 32 * K * P * Q}


LAYER = (
    "A convolution has {C} input channels of {H} x {H}, {K} output channels, a {k} x {k} kernel, stride {s} and "
    "padding {p}. "
)


def _draw_layer(rng):
    k = int(rng.choice([3, 5, 7]))
    return {
        "C": int(rng.integers(3, 129)),
        "K": int(rng.integers(8, 257)),
        "k": k,
        "s": 2,
        "p": int(rng.integers(0, k // 2 + 1)),
        "H": int(rng.integers(28, 113)),
    }


def _counted_layer(C, K, k, s, p, H):
    return count(Conv2d(C, K, k, s, p, init="zeros"), (C, H, H))


def _side(k, s, p, H):
    return (H + 2 * p - k) // s + 1


layer_params = Question(
    "06.1b",
    "parameters of your layer",
    LAYER + "How many parameters does it have, biases included?",
    minutes=3,
    difficulty=1,
    hints=(
        "Which of the six numbers in the question affect the number of parameters?",
        "From 2 to 4 channels, 3 x 3 kernel: 4 filters with 2 * 9 weights and 1 bias each, 76 parameters in total.",
        "`K * (C * k * k + ____)`",
    ),
    core=False,
)

layer_params.draw(_draw_layer)
layer_params.solution(lambda **values: _counted_layer(**values).params)


@layer_params.wrong
def bias_forgotten(C, K, k, **_):
    """Those are only the weights. Each filter has a bias too."""
    return K * C * k * k


@layer_params.wrong
def a_bias_per_input_channel(C, K, k, **_):
    """You counted one bias per input channel. Each filter has only one bias."""
    return K * C * k * k + K * C


@layer_params.wrong
def one_kernel_for_all_channels(K, k, **_):
    """A filter has its own kernel for each input channel: multiply by C."""
    return K * k * k + K


@layer_params.wrong
def kernel_counted_along_one_side(C, K, k, **_):
    """A k x k kernel has k*k weights, not k."""
    return K * C * k + K


@layer_params.wrong
def image_size_in_the_parameters(C, K, k, s, p, H):
    """All positions use the same weights: the number of parameters does not depend on H."""
    return K * (C * k * k + 1) * _side(k, s, p, H) ** 2


@layer_params.wrong
def multiply_adds_not_parameters(C, K, k, s, p, H):
    """Those are the multiply-adds. A weight is one parameter, even if it is used many times."""
    return K * C * k * k * _side(k, s, p, H) ** 2


layer_macs = Question(
    "06.1c",
    "multiply-adds of your layer",
    LAYER + "How many MACs does it need for one image, without biases?",
    minutes=4,
    difficulty=1,
    hints=(
        "How large is the output? Lesson 01 has the formula.",
        "Each weight is used once for every position of its output channel.",
        "`K * C * k * k * ____ ** 2`: the blank is the side of the output",
    ),
    core=False,
)

layer_macs.draw(_draw_layer)
layer_macs.solution(lambda **values: _counted_layer(**values).macs)


@layer_macs.wrong
def input_size_not_output_size(C, K, k, H, **_):
    """You used the positions of the input. Count the positions of the output."""
    return K * C * k * k * H * H


@layer_macs.wrong
def weights_not_multiply_adds(C, K, k, **_):
    """Those are the weights. Each is used once for every position of the output."""
    return K * C * k * k


@layer_macs.wrong
def FLOP_not_MAC(C, K, k, s, p, H):
    """That is FLOP. One MAC, a multiplication and an addition, is two FLOP."""
    return 2 * K * C * k * k * _side(k, s, p, H) ** 2


@layer_macs.wrong
def bias_in_the_MACs(C, K, k, s, p, H):
    """You counted the bias additions too. They are not multiply-adds."""
    return K * (C * k * k + 1) * _side(k, s, p, H) ** 2


@layer_macs.wrong
def kernel_counted_along_one_side(C, K, k, s, p, H):
    """A k x k kernel needs k*k products, not k."""
    return K * C * k * _side(k, s, p, H) ** 2


@layer_macs.wrong
def one_kernel_for_all_channels(K, k, s, p, H, **_):
    """A filter has its own kernel for each input channel: multiply by C."""
    return K * k * k * _side(k, s, p, H) ** 2


@layer_macs.wrong
def rounded_up(C, K, k, s, p, H):
    """You rounded the output size up. For a convolution it is rounded down."""
    return K * C * k * k * (-(-(H + 2 * p - k) // s) + 1) ** 2
