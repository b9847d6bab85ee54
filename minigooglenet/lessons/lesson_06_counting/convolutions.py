"""What a convolution costs, by formula."""

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
        "Take one number of the output. How many products does it need, and how many such numbers are there?",
        (
            "C = 2, kernel 3 x 3: 18 products for one output. With K = 4 on a 5 x 5 output: 18 * 4 * 25 = 1,800 MAC. "
            "Each of the 4 filters keeps its 18 weights and one bias: 76 parameters."
        ),
        "`macs = C * R * S * K * ____` with the output's height and width from (H + 2*pad - R) // stride + 1",
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
    """Register a wrong answer: `change` gets all that the right numbers come from and returns those that differ."""

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
    """A map has no half rows: (H + 2 * pad - R) / stride is rounded down, so write //, then add 1."""
    places = ((H + 2 * pad - R) / stride + 1) * ((W + 2 * pad - S) / stride + 1)
    return K * C * R * S + K, K * C * R * S * places, 4 * K * places


@_with_changes
def bias_forgotten(C, K, R, S, H, W, P, Q):
    """Your parameters are short by K: every filter has one bias."""
    return {"params": K * C * R * S}


@_with_changes
def a_bias_per_input_channel(C, K, R, S, H, W, P, Q):
    """You gave each filter a bias for every input channel. It has one, added once to each output."""
    return {"params": K * C * R * S + K * C}


@_with_changes
def one_kernel_for_all_channels(C, K, R, S, H, W, P, Q):
    """A filter has a kernel of its own for each input channel: C * R * S weights, not R * S."""
    return {"params": K * R * S + K, "macs": K * P * Q * R * S}


@_with_changes
def kernel_counted_along_one_side(C, K, R, S, H, W, P, Q):
    """A kernel has R * S cells; you counted R."""
    return {"params": K * C * R + K, "macs": K * P * Q * C * R}


@_with_changes
def input_size_for_output_size(C, K, R, S, H, W, P, Q):
    """You counted at every place of the input. Work is done once for each place of the output."""
    return {"macs": K * H * W * C * R * S}


@_with_changes
def bytes_of_the_input_size(C, K, R, S, H, W, P, Q):
    """Your output has the input's height and width. Stride, kernel and padding decide its size."""
    return {"out_bytes": 4 * K * H * W}


@_with_changes
def FLOP_for_MAC(C, K, R, S, H, W, P, Q):
    """Twice ours: that is FLOP. A multiply and the addition that follows it are one MAC."""
    return {"macs": 2 * K * P * Q * C * R * S}


@_with_changes
def bias_in_the_MACs(C, K, R, S, H, W, P, Q):
    """You counted the bias additions too. By this course's convention a MAC has a product in it."""
    return {"macs": K * P * Q * (C * R * S + 1)}


@_with_changes
def bytes_of_float64(C, K, R, S, H, W, P, Q):
    """8 bytes each is float64. The engine computes in float32."""
    return {"out_bytes": 8 * K * P * Q}


@_with_changes
def elements_for_bytes(C, K, R, S, H, W, P, Q):
    """You counted numbers. A float32 takes 4 bytes."""
    return {"out_bytes": K * P * Q}


@_with_changes
def bits_for_bytes(C, K, R, S, H, W, P, Q):
    """You counted bits. 32 bits are 4 bytes."""
    return {"out_bytes": 32 * K * P * Q}


LAYER = (
    "A convolution takes {C} channels of {H} x {H} to {K} channels, with a {k} x {k} kernel, stride {s}, padding {p}. "
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
    LAYER + "How many parameters does it have, bias included?",
    minutes=3,
    difficulty=1,
    hints=(
        "Which of the six numbers of the question does a parameter know about?",
        "2 channels to 4 by a 3 x 3 kernel: 4 filters of 2 * 9 weights and 1 bias each, 76 in all.",
        "`K * (C * k * k + ____)`",
    ),
    core=False,
)

layer_params.draw(_draw_layer)
layer_params.solution(lambda **values: _counted_layer(**values).params)


@layer_params.wrong
def bias_forgotten(C, K, k, **_):
    """Those are the weights. Each filter has a bias too."""
    return K * C * k * k


@layer_params.wrong
def a_bias_per_input_channel(C, K, k, **_):
    """One bias for each filter, not one for each of its kernels."""
    return K * C * k * k + K * C


@layer_params.wrong
def one_kernel_for_all_channels(K, k, **_):
    """A filter has a kernel of its own for each input channel."""
    return K * k * k + K


@layer_params.wrong
def kernel_counted_along_one_side(C, K, k, **_):
    """A k x k kernel has k*k weights, not k."""
    return K * C * k + K


@layer_params.wrong
def image_size_in_the_parameters(C, K, k, s, p, H):
    """The weights are the same at every place: no H, no W."""
    return K * (C * k * k + 1) * _side(k, s, p, H) ** 2


@layer_params.wrong
def multiply_adds_for_parameters(C, K, k, s, p, H):
    """Those are the multiply-adds. A weight is one parameter, however often it is used."""
    return K * C * k * k * _side(k, s, p, H) ** 2


layer_macs = Question(
    "06.1c",
    "multiply-adds of your layer",
    LAYER + "How many MACs does one image take, without bias?",
    minutes=4,
    difficulty=1,
    hints=(
        "How large is the output? Lesson 01 has the formula.",
        "Weights, each used once for every place of one output channel's map.",
        "`K * C * k * k * ____ ** 2`, the side of the output",
    ),
    core=False,
)

layer_macs.draw(_draw_layer)
layer_macs.solution(lambda **values: _counted_layer(**values).macs)


@layer_macs.wrong
def input_size_for_output_size(C, K, k, H, **_):
    """You used the input's places. Products are made for each output."""
    return K * C * k * k * H * H


@layer_macs.wrong
def parameters_for_multiply_adds(C, K, k, **_):
    """Those are the weights. Each is used once for every place of the output."""
    return K * C * k * k


@layer_macs.wrong
def FLOP_for_MAC(C, K, k, s, p, H):
    """That is FLOP; we asked for MAC, one for a multiply and its add."""
    return 2 * K * C * k * k * _side(k, s, p, H) ** 2


@layer_macs.wrong
def bias_in_the_MACs(C, K, k, s, p, H):
    """The bias additions are no products; leave them out."""
    return K * (C * k * k + 1) * _side(k, s, p, H) ** 2


@layer_macs.wrong
def kernel_counted_along_one_side(C, K, k, s, p, H):
    """A k x k kernel has k*k products, not k."""
    return K * C * k * _side(k, s, p, H) ** 2


@layer_macs.wrong
def one_kernel_for_all_channels(K, k, s, p, H, **_):
    """Every input channel is multiplied: C is missing."""
    return K * k * k * _side(k, s, p, H) ** 2


@layer_macs.wrong
def ceil_for_floor(C, K, k, s, p, H):
    """A convolution's size is rounded down; you rounded up."""
    return K * C * k * k * (-(-(H + 2 * p - k) // s) + 1) ** 2
