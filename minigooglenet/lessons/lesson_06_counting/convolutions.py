"""Lesson 06, first part: what a convolution and an Inception module cost, by formula."""

from minigooglenet.counting import count
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d
from minigooglenet.models import Style, inception

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
def _(rng):
    yield 3, 64, 7, 7, 224, 224, 2, 3
    yield 2, 4, 3, 2, 9, 6, 1, 0
    yield 5, 3, 1, 4, 8, 11, 2, 1


@count_conv.reference
def _(C, K, R, S, H, W, stride, pad):
    counted = count(Conv2d(C, K, (R, S), stride, pad, init="zeros"), (C, H, W))
    return counted.params, counted.macs, 4 * counted.activations


@count_conv.right
def _(C, K, R, S, H, W, stride, pad):
    P, Q = _sizes(R, S, H, W, stride, pad)
    return K * C * R * S + K, K * P * Q * C * R * S, 4 * K * P * Q


@count_conv.right
def _(C, K, R, S, H, W, stride, pad):
    rows = len(range(-pad, H + pad - R + 1, stride))
    columns = len(range(-pad, W + pad - S + 1, stride))
    weights = sum(R * S for _ in range(C)) * K
    return [weights + K, weights * rows * columns, rows * columns * K * 32 // 8]


def _changed(name, message, change):
    """Register a wrong answer: `change` gets the right numbers and all that they come from."""

    @count_conv.wrong(name, message)
    def _(C, K, R, S, H, W, stride, pad):
        P, Q = _sizes(R, S, H, W, stride, pad)
        right = {"params": K * C * R * S + K, "macs": K * P * Q * C * R * S, "out_bytes": 4 * K * P * Q}
        right |= change(C, K, R, S, H, W, P, Q)
        return right["params"], right["macs"], right["out_bytes"]


_changed(
    "bias forgotten",
    "Your parameters are short by K: every filter has one bias.",
    lambda C, K, R, S, H, W, P, Q: {"params": K * C * R * S},
)
_changed(
    "a bias per input channel",
    "You gave each filter a bias for every input channel. It has one, added once to each output.",
    lambda C, K, R, S, H, W, P, Q: {"params": K * C * R * S + K * C},
)
_changed(
    "one kernel for all channels",
    "A filter has a kernel of its own for each input channel: C * R * S weights, not R * S.",
    lambda C, K, R, S, H, W, P, Q: {"params": K * R * S + K, "macs": K * P * Q * R * S},
)
_changed(
    "kernel counted along one side",
    "A kernel has R * S cells; you counted R.",
    lambda C, K, R, S, H, W, P, Q: {"params": K * C * R + K, "macs": K * P * Q * C * R},
)
_changed(
    "input size for output size",
    "You counted at every place of the input. Work is done once for each place of the output.",
    lambda C, K, R, S, H, W, P, Q: {"macs": K * H * W * C * R * S},
)
_changed(
    "bytes of the input's size",
    "Your output has the input's height and width. Stride, kernel and padding decide its size.",
    lambda C, K, R, S, H, W, P, Q: {"out_bytes": 4 * K * H * W},
)
_changed(
    "FLOP for MAC",
    "Twice ours: that is FLOP. A multiply and the addition that follows it are one MAC.",
    lambda C, K, R, S, H, W, P, Q: {"macs": 2 * K * P * Q * C * R * S},
)
_changed(
    "bias in the MACs",
    "You counted the bias additions too. By this course's convention a MAC has a product in it.",
    lambda C, K, R, S, H, W, P, Q: {"macs": K * P * Q * (C * R * S + 1)},
)
_changed(
    "bytes of float64",
    "8 bytes each is float64. The engine computes in float32.",
    lambda C, K, R, S, H, W, P, Q: {"out_bytes": 8 * K * P * Q},
)
_changed(
    "elements for bytes",
    "You counted numbers. A float32 takes 4 bytes.",
    lambda C, K, R, S, H, W, P, Q: {"out_bytes": K * P * Q},
)
_changed(
    "bits for bytes",
    "You counted bits. 32 bits are 4 bytes.",
    lambda C, K, R, S, H, W, P, Q: {"out_bytes": 32 * K * P * Q},
)

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
)
layer_params.draw(_draw_layer)
layer_params.solution(lambda **values: _counted_layer(**values).params)
layer_params.wrong("bias forgotten", "Those are the weights. Each filter has a bias too.")(
    lambda C, K, k, **_: K * C * k * k
)
layer_params.wrong("a bias per input channel", "One bias for each filter, not one for each of its kernels.")(
    lambda C, K, k, **_: K * C * k * k + K * C
)
layer_params.wrong("one kernel for all channels", "A filter has a kernel of its own for each input channel.")(
    lambda K, k, **_: K * k * k + K
)
layer_params.wrong("kernel counted along one side", "A k x k kernel has k*k weights, not k.")(
    lambda C, K, k, **_: K * C * k + K
)
layer_params.wrong("image size in the parameters", "The weights are the same at every place: no H, no W.")(
    lambda C, K, k, s, p, H: K * (C * k * k + 1) * _side(k, s, p, H) ** 2
)

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
)
layer_macs.draw(_draw_layer)
layer_macs.solution(lambda **values: _counted_layer(**values).macs)
layer_macs.wrong("input size for output size", "You used the input's places. Products are made for each output.")(
    lambda C, K, k, H, **_: K * C * k * k * H * H
)
layer_macs.wrong("FLOP for MAC", "That is FLOP; we asked for MAC, one for a multiply and its add.")(
    lambda C, K, k, s, p, H: 2 * K * C * k * k * _side(k, s, p, H) ** 2
)
layer_macs.wrong("bias in the MACs", "The bias additions are no products; leave them out.")(
    lambda C, K, k, s, p, H: K * (C * k * k + 1) * _side(k, s, p, H) ** 2
)
layer_macs.wrong("kernel counted along one side", "A k x k kernel has k*k products, not k.")(
    lambda C, K, k, s, p, H: K * C * k * _side(k, s, p, H) ** 2
)
layer_macs.wrong("one kernel for all channels", "Every input channel is multiplied: C is missing.")(
    lambda K, k, s, p, H, **_: K * k * k * _side(k, s, p, H) ** 2
)
layer_macs.wrong("ceil for floor", "A convolution's size is rounded down; you rounded up.")(
    lambda C, K, k, s, p, H: K * C * k * k * (-(-(H + 2 * p - k) // s) + 1) ** 2
)

MODULE = (
    "Your Inception module reads {C} channels of {H} x {H}. Its widths, in the order of Table 1: {n1x1}, {n3x3red}, "
    "{n3x3}, {n5x5red}, {n5x5}, {pool_proj}. "
)
MODULE_HINTS = (
    "Draw six boxes, each a convolution, and write in -> out on every one.",
    "The 3x3 reads what its reduction makes, not the module's input. The projection reads the pooled input, all of it.",
)


def _draw_module(rng):
    widths = {name: 8 * int(rng.integers(4, 25)) for name in ("n1x1", "n3x3red", "n3x3")}
    widths |= {name: 8 * int(rng.integers(2, 9)) for name in ("n5x5red", "n5x5", "pool_proj")}
    return {"C": 16 * int(rng.integers(12, 40)), "H": int(rng.choice([7, 14, 28])), **widths}


def _module(C, H, **widths):
    g = Graph(image=(C, H, H))
    inception(g, "image", "module", *widths.values(), style=Style(init="zeros"))
    return count(g)


def _boxes(C, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj, **_):
    """Return {box: [in, out, kernel cells]} of the six convolutions."""
    return {
        "1x1": [C, n1x1, 1],
        "3x3_reduce": [C, n3x3red, 1],
        "3x3": [n3x3red, n3x3, 9],
        "5x5_reduce": [C, n5x5red, 1],
        "5x5": [n5x5red, n5x5, 25],
        "pool_proj": [C, pool_proj, 1],
    }


def _weights(values, without=(), fed=False, one_side=False):
    total = 0
    for name, (inputs, outputs, cells) in _boxes(**values).items():
        if name not in without:
            inputs = values["C"] if fed else inputs
            total += inputs * outputs * (round(cells**0.5) if one_side else cells)
    return total


REDUCTIONS = ("3x3_reduce", "5x5_reduce")
_MODULE_MISTAKES = (
    ("reductions forgotten", "The two 1x1 reductions are convolutions too.", {"without": REDUCTIONS}),
    (
        "3x3 and 5x5 fed with the whole input",
        "The 3x3 and the 5x5 read their reduction's output: that is what it is for.",
        {"fed": True},
    ),
    ("pool branch free", "The pool has no weights, but a 1x1 projection follows it.", {"without": ("pool_proj",)}),
    ("kernel counted along one side", "A 3x3 kernel has 9 cells, a 5x5 kernel 25.", {"one_side": True}),
)

module_macs = Question(
    "06.2",
    "multiply-adds of your module",
    MODULE + "How many MACs does one image take?",
    minutes=6,
    difficulty=2,
    hints=(*MODULE_HINTS, "`H * H * (C*n1x1 + C*n3x3red + 9*n3x3red*n3x3 + C*n5x5red + 25*____*n5x5 + C*pool_proj)`"),
)
module_params = Question(
    "06.2b",
    "parameters of your module",
    MODULE + "How many parameters does it have, biases included?",
    minutes=4,
    difficulty=2,
    hints=(*MODULE_HINTS, "weights of the six boxes, and `n1x1 + n3x3red + n3x3 + n5x5red + n5x5 + ____` biases"),
)
module_width = Question(
    "06.2c",
    "what leaves your module",
    MODULE + "How many channels leave it?",
    minutes=2,
    difficulty=1,
    hints=("Which of the six boxes does the concatenation read?", "Only four.", "`n1x1 + n3x3 + n5x5 + ____`"),
)
module_share = Question(
    "06.2d",
    "the share of the 5x5 branch",
    MODULE + "Which share of the module's MACs is in the 5x5 branch, its reduction included (0 to 1)?",
    minutes=3,
    difficulty=2,
    hints=(
        "Which two boxes belong to the branch?",
        "A part over the whole, the part itself among it: 1 of 1 + 3 is a quarter.",
        "`(C*n5x5red + ____) / all`; H * H cancels",
    ),
    tolerance=0.005,
)
for question in (module_macs, module_params, module_width, module_share):
    question.draw(_draw_module)

module_macs.solution(lambda **values: _module(**values).macs)
module_params.solution(lambda **values: _module(**values).params)
for name, message, change in _MODULE_MISTAKES:
    module_macs.wrong(name, message)(lambda change=change, **v: v["H"] ** 2 * _weights(v, **change))
    module_params.wrong(name, message)(
        lambda change=change, **v: (
            _weights(v, **change)
            + sum(out for box, (_, out, _) in _boxes(**v).items() if box not in change.get("without", ()))
        )
    )
module_macs.wrong("FLOP for MAC", "That is FLOP; we asked for MAC.")(lambda **v: 2 * v["H"] ** 2 * _weights(v))
module_macs.wrong("places forgotten", "You counted one place; the map has H * H.")(lambda **v: _weights(v))
module_params.wrong("biases forgotten", "Those are the weights; each of the six convolutions has biases.")(
    lambda **v: _weights(v)
)

module_width.solution(lambda **values: _module(**values).rows[-1].output_shape[0])
module_width.wrong("all six widths", "The reductions are read inside the module; they do not leave it.")(
    lambda **v: sum(out for _, out, _ in _boxes(**v).values())
)
module_width.wrong("pool branch unprojected", "The pool keeps all C channels, but the projection behind it does not.")(
    lambda C, n1x1, n3x3, n5x5, **_: n1x1 + n3x3 + n5x5 + C
)
module_width.wrong("pool branch forgotten", "Four branches are joined; you added three.")(
    lambda n1x1, n3x3, n5x5, **_: n1x1 + n3x3 + n5x5
)


@module_share.solution
def _(**values):
    counted = _module(**values)
    return (counted["module/5x5"].macs + counted["module/5x5_reduce"].macs) / counted.macs


@module_share.wrong("its reduction forgotten", "The 1x1 in front of the 5x5 belongs to the branch.")
def _(**v):
    return 25 * v["n5x5red"] * v["n5x5"] / _weights(v)


@module_share.wrong("share of the channels", "That is its share of the output channels; they do not cost alike.")
def _(n1x1, n3x3, n5x5, pool_proj, **_):
    return n5x5 / (n1x1 + n3x3 + n5x5 + pool_proj)


@module_share.wrong("over the other branches", "You divided by the other three branches, not by the whole.")
def _(**v):
    part = v["C"] * v["n5x5red"] + 25 * v["n5x5red"] * v["n5x5"]
    return part / (_weights(v) - part)


@module_share.wrong("5x5 fed with the whole input", "The 5x5 reads its reduction's output, not all C channels.")
def _(**v):
    part = 25 * v["C"] * v["n5x5"]
    return part / (part + _weights(v, without=("5x5_reduce", "5x5")))
