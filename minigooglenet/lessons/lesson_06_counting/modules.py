"""Exercises: the MACs, parameters and channels of an Inception module."""

import functools

from minigooglenet.counting import count
from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph
from minigooglenet.models import Style, inception

MODULE = (
    "Your Inception module reads {C} channels of {H} x {H}. Its widths are: 1x1 {n1x1}; 3x3 reduction {n3x3red}, 3x3 "
    "{n3x3}; 5x5 reduction {n5x5red}, 5x5 {n5x5}; pool projection {pool_proj}. "
)
MODULE_HINTS = (
    "The module has six convolutions. How many input and output channels does each of them have?",
    "The 3x3 reads the output of its reduction, not the input of the module. The projection reads all C channels.",
)


def _draw_module(rng):
    widths = {name: 8 * int(rng.integers(4, 25)) for name in ("n1x1", "n3x3red", "n3x3")}
    widths |= {name: 8 * int(rng.integers(2, 9)) for name in ("n5x5red", "n5x5", "pool_proj")}
    return {"C": 16 * int(rng.integers(12, 40)), "H": int(rng.choice([7, 14, 28])), **widths}


def _module(C, H, **widths):
    g = Graph(image=(C, H, H))
    inception(g, "image", "module", *widths.values(), style=Style(init="zeros"))
    return count(g)


def _convolutions(C, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj, **_):
    """Return {name: [input channels, output channels, kernel positions]} of the six convolutions."""
    return {
        "1x1": [C, n1x1, 1],
        "3x3_reduce": [C, n3x3red, 1],
        "3x3": [n3x3red, n3x3, 9],
        "5x5_reduce": [C, n5x5red, 1],
        "5x5": [n5x5red, n5x5, 25],
        "pool_proj": [C, pool_proj, 1],
    }


def _weights(values, without=(), all_channels=False, one_side=False):
    total = 0
    for name, (inputs, outputs, positions) in _convolutions(**values).items():
        if name not in without:
            inputs = values["C"] if all_channels else inputs
            total += inputs * outputs * (round(positions**0.5) if one_side else positions)
    return total


def _biases(values, without=()):
    return sum(outputs for name, (_, outputs, _) in _convolutions(**values).items() if name not in without)


REDUCTIONS = ("3x3_reduce", "5x5_reduce")

module_macs = Question(
    "06.2",
    "multiply-adds of your module",
    MODULE + "How many MACs does it need for one image?",
    minutes=6,
    difficulty=2,
    hints=(*MODULE_HINTS, "`H * H * (C*n1x1 + C*n3x3red + 9*n3x3red*n3x3 + C*n5x5red + 25*____*n5x5 + C*pool_proj)`"),
    core=False,
)

module_params = Question(
    "06.2b",
    "parameters of your module",
    MODULE + "How many parameters does it have, biases included?",
    minutes=4,
    difficulty=2,
    hints=(
        *MODULE_HINTS,
        "Add the weights of all six convolutions and `n1x1 + n3x3red + n3x3 + n5x5red + n5x5 + ____` biases.",
    ),
    core=False,
)

module_width = Question(
    "06.2c",
    "output channels of your module",
    MODULE + "How many output channels does it have?",
    minutes=2,
    difficulty=1,
    hints=(
        "Which of the six convolutions does the concatenation read?",
        "It reads the last convolution of each of the four branches.",
        "`n1x1 + n3x3 + n5x5 + ____`",
    ),
    core=False,
)

module_fraction = Question(
    "06.2d",
    "the fraction of the 5x5 branch",
    MODULE + "What fraction (0 to 1) of its MACs is in the 5x5 branch, including the reduction?",
    minutes=3,
    difficulty=2,
    hints=(
        "Which two convolutions belong to the branch?",
        "Divide the MACs of the branch by those of the whole module, branch included: 1 of 1 + 3 is a quarter.",
        "`(C*n5x5red + ____) / total`; H * H cancels",
    ),
    tolerance=0.005,
    core=False,
)


for question in (module_macs, module_params, module_width, module_fraction):
    question.draw(_draw_module)


module_macs.solution(lambda **values: _module(**values).macs)
module_params.solution(lambda **values: _module(**values).params)


def _for_both(function):
    """Register a known mistake for both the MACs and the parameters; `function` returns (weights, biases)."""

    @module_macs.wrong
    @functools.wraps(function)
    def macs(**v):
        return v["H"] ** 2 * function(v)[0]

    @module_params.wrong
    @functools.wraps(function)
    def params(**v):
        return sum(function(v))


@_for_both
def reductions_forgotten(v):
    """You left out the two 1x1 reductions. They are convolutions too."""
    return _weights(v, without=REDUCTIONS), _biases(v, without=REDUCTIONS)


@_for_both
def branches_read_all_input_channels(v):
    """The 3x3 and the 5x5 read the output of their reduction, not all C channels."""
    return _weights(v, all_channels=True), _biases(v)


@_for_both
def projection_forgotten(v):
    """You left out the 1x1 projection. The pool has no weights, but the projection does."""
    return _weights(v, without=("pool_proj",)), _biases(v, without=("pool_proj",))


@_for_both
def kernel_counted_along_one_side(v):
    """A 3x3 kernel has 9 positions, a 5x5 kernel 25."""
    return _weights(v, one_side=True), _biases(v)


@module_macs.wrong
def FLOP_not_MAC(**v):
    """That is FLOP. One MAC, a multiplication and an addition, is two FLOP."""
    return 2 * v["H"] ** 2 * _weights(v)


@module_macs.wrong
def one_position_only(**v):
    """Those are the MACs of one position. The feature map has H * H positions."""
    return _weights(v)


@module_params.wrong
def biases_forgotten(**v):
    """Those are only the weights. Each of the six convolutions has biases too."""
    return _weights(v)


module_width.solution(lambda **values: _module(**values).rows[-1].output_shape[0])


@module_width.wrong
def all_six_widths(**v):
    """You added the reductions too. Only the 3x3 and the 5x5 read them, not the concatenation."""
    return sum(out for _, out, _ in _convolutions(**v).values())


@module_width.wrong
def pool_branch_unprojected(C, n1x1, n3x3, n5x5, **_):
    """The pool has C output channels, but the projection after it has fewer."""
    return n1x1 + n3x3 + n5x5 + C


@module_width.wrong
def pool_branch_forgotten(n1x1, n3x3, n5x5, **_):
    """You added three branches. The module concatenates four."""
    return n1x1 + n3x3 + n5x5


@module_fraction.solution
def module_fraction_solution(**values):
    counted = _module(**values)
    return (counted["module/5x5"].macs + counted["module/5x5_reduce"].macs) / counted.macs


@module_fraction.wrong
def reduction_forgotten(**v):
    """The 1x1 reduction before the 5x5 belongs to the branch too."""
    return 25 * v["n5x5red"] * v["n5x5"] / _weights(v)


@module_fraction.wrong
def fraction_of_the_channels(n1x1, n3x3, n5x5, pool_proj, **_):
    """That is the fraction of the output channels. They need different numbers of MACs."""
    return n5x5 / (n1x1 + n3x3 + n5x5 + pool_proj)


@module_fraction.wrong
def divided_by_the_other_branches(**v):
    """You divided by the MACs of the other three branches. Divide by those of the whole module."""
    part = v["C"] * v["n5x5red"] + 25 * v["n5x5red"] * v["n5x5"]
    return part / (_weights(v) - part)


@module_fraction.wrong
def branch_reads_all_input_channels(**v):
    """The 5x5 reads the output of its reduction, not all C channels."""
    part = 25 * v["C"] * v["n5x5"]
    return part / (part + _weights(v, without=("5x5_reduce", "5x5")))
