"""What an Inception module costs, by formula."""

import functools

from minigooglenet.counting import count
from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph
from minigooglenet.models import Style, inception

MODULE = (
    "Your Inception module reads {C} channels of {H} x {H}. Its widths: 1x1 {n1x1}; 3x3 reduction {n3x3red}, 3x3 "
    "{n3x3}; 5x5 reduction {n5x5red}, 5x5 {n5x5}; pool projection {pool_proj}. "
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


def _biases(values, without=()):
    return sum(outputs for name, (_, outputs, _) in _boxes(**values).items() if name not in without)


REDUCTIONS = ("3x3_reduce", "5x5_reduce")

module_macs = Question(
    "06.2",
    "multiply-adds of your module",
    MODULE + "How many MACs does one image take?",
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
    hints=(*MODULE_HINTS, "weights of the six boxes, and `n1x1 + n3x3red + n3x3 + n5x5red + n5x5 + ____` biases"),
    core=False,
)

module_width = Question(
    "06.2c",
    "what leaves your module",
    MODULE + "How many channels leave it?",
    minutes=2,
    difficulty=1,
    hints=("Which of the six boxes does the concatenation read?", "Only four.", "`n1x1 + n3x3 + n5x5 + ____`"),
    core=False,
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
    core=False,
)


for question in (module_macs, module_params, module_width, module_share):
    question.draw(_draw_module)


module_macs.solution(lambda **values: _module(**values).macs)
module_params.solution(lambda **values: _module(**values).params)


def _for_both(function):
    """Register a wrong answer for the multiply-adds and the parameters: it returns the weights and the biases."""

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
    """The two 1x1 reductions are convolutions too."""
    return _weights(v, without=REDUCTIONS), _biases(v, without=REDUCTIONS)


@_for_both
def branches_fed_with_the_whole_input(v):
    """The 3x3 and the 5x5 read their reduction's output: that is what it is for."""
    return _weights(v, fed=True), _biases(v)


@_for_both
def pool_branch_free(v):
    """The pool has no weights, but a 1x1 projection follows it."""
    return _weights(v, without=("pool_proj",)), _biases(v, without=("pool_proj",))


@_for_both
def kernel_counted_along_one_side(v):
    """A 3x3 kernel has 9 cells, a 5x5 kernel 25."""
    return _weights(v, one_side=True), _biases(v)


@module_macs.wrong
def FLOP_for_MAC(**v):
    """That is FLOP; we asked for MAC."""
    return 2 * v["H"] ** 2 * _weights(v)


@module_macs.wrong
def places_forgotten(**v):
    """You counted one place; the map has H * H."""
    return _weights(v)


@module_params.wrong
def biases_forgotten(**v):
    """Those are the weights; each of the six convolutions has biases."""
    return _weights(v)


module_width.solution(lambda **values: _module(**values).rows[-1].output_shape[0])


@module_width.wrong
def all_six_widths(**v):
    """The reductions are read inside the module; they do not leave it."""
    return sum(out for _, out, _ in _boxes(**v).values())


@module_width.wrong
def pool_branch_unprojected(C, n1x1, n3x3, n5x5, **_):
    """The pool keeps all C channels, but the projection after it does not."""
    return n1x1 + n3x3 + n5x5 + C


@module_width.wrong
def pool_branch_forgotten(n1x1, n3x3, n5x5, **_):
    """Four branches are joined; you added three."""
    return n1x1 + n3x3 + n5x5


@module_share.solution
def module_share_solution(**values):
    counted = _module(**values)
    return (counted["module/5x5"].macs + counted["module/5x5_reduce"].macs) / counted.macs


@module_share.wrong
def its_reduction_forgotten(**v):
    """The 1x1 in front of the 5x5 belongs to the branch."""
    return 25 * v["n5x5red"] * v["n5x5"] / _weights(v)


@module_share.wrong
def share_of_the_channels(n1x1, n3x3, n5x5, pool_proj, **_):
    """That is its share of the output channels; they do not cost alike."""
    return n5x5 / (n1x1 + n3x3 + n5x5 + pool_proj)


@module_share.wrong
def over_the_other_branches(**v):
    """You divided by the other three branches, not by the whole."""
    part = v["C"] * v["n5x5red"] + 25 * v["n5x5red"] * v["n5x5"]
    return part / (_weights(v) - part)


@module_share.wrong
def branch_fed_with_the_whole_input(**v):
    """The 5x5 reads its reduction's output, not all C channels."""
    part = 25 * v["C"] * v["n5x5"]
    return part / (part + _weights(v, without=("5x5_reduce", "5x5")))
