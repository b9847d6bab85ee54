"""Exercises: an audit of Table 1 of the paper, and of other published numbers."""

from numbers import Real
from typing import NamedTuple

from minigooglenet.console import Table
from minigooglenet.counting import comparisons, count, table1
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import one_number
from minigooglenet.graph import Graph
from minigooglenet.models import Style, alexnet, googlenet, inception

audit = Exercise(
    "06.4",
    "audit Table 1",
    "(set of the rows whose printed operations are wrong, value of K)",
    minutes=10,
    difficulty=2,
    hints=(
        "Divide the 114,688 weights of conv2 by 1000 and by 1024. Which of the two is printed?",
        "A printed number agrees if ours rounds to it or rounds down to it: 73.61 to 73 or 74; 51.08 does not fit 54.",
        "`({line.name for line in lines if not line.____}, 1024)`",
    ),
)


@audit.judge
def audit_judge(answer):
    names, unit = answer
    names, known = set(names), {line.name for line in _LINES}
    if names - known:
        return Verdict(False, None, f"unknown row {sorted(names - known)[0]!r}; choose from {sorted(known)}")
    result = names, unit
    for wrong in audit.wrongs:
        if result == wrong.function:
            return Verdict(False, wrong.name, wrong.message)
    if names != audit.reference_function[0]:
        missing = len(audit.reference_function[0] - names)
        extra = len(names - audit.reference_function[0])
        return Verdict(False, None, f"rows that are missing: {missing}; rows that should not be there: {extra}")
    if unit != 1024:
        return Verdict(False, None, f"K is not {unit!r}: 1,024,000 weights of the linear layer are printed as 1000K")
    return Verdict(True, None, "these are the rows, and K is 1024")


_LINES = table1.audit()
_OPS = {line.name for line in _LINES if not line.ops_agree}
audit.reference((_OPS, 1024))
audit.right((sorted(_OPS), 1024.0))
audit.right([tuple(_OPS), 1024])


@audit.wrong
def all_rows():
    """Every row differs if you count FLOP. The table counts multiply-adds."""
    return ({line.name for line in _LINES}, 1024)


@audit.wrong
def no_row():
    """A difference of 5% is not rounding: one row prints 54, but its filters need 51.08 million MACs."""
    return (set(), 1024)


@audit.wrong
def parameters_column():
    """Those are the rows whose parameters differ. Compare the operations."""
    return ({line.name for line in _LINES if not line.params_agree}, 1024)


@audit.wrong
def first_row_only():
    """One row is missing: 5a has the widths of 4e, but a different number of input channels. Recompute it."""
    return ({_LINES[0].name}, 1024)


@audit.wrong
def K_is_1000():
    """The rows are right. With K = 1000 the linear layer would be printed as 1024K, not 1000K."""
    return (_OPS, 1000)


@audit.wrong
def rounding_only():
    """Some numbers are rounded down: 73.61 printed as 73 agrees."""
    return ({line.name for line in _LINES if round(line.macs / 1e6) != line.printed_ops}, 1024)


class Claim(NamedTuple):
    """A published number: its description, and the printed value."""

    text: str
    printed: float


CLAIMS = {
    "alexnet": Claim("parameters of AlexNet (two groups), divided by those of GoogLeNet", 12),
    "parameters": Claim("parameters of GoogLeNet without auxiliary heads", 5_000_000),
    "reduction": Claim("relative reduction of the error from 15.3 to 6.67, in percent", 56.5),
    "difference": Claim("Table 3: difference of 10.07% and 6.67%, in percentage points", 3.45),
    "stem": Claim("MACs of the stem, from 224 to 28", 418_000_000),
    "module": Claim("MACs of a module on 28 x 28 x 256 with widths 128, 64, 192, 64, 96, 64", 358_000_000),
    "branch": Claim("MACs of the 5x5 branch of 4a without the reduction, divided by those with it", 112.9 / 5.3),
    "field": Claim("receptive field of the last average pool, in pixels", 224),
}
NEAR = 1e-3


def _cs231n():
    g = Graph(image=(256, 28, 28))
    inception(g, "image", "module", 128, 64, 192, 64, 96, 64, style=Style(init="zeros"))
    return count(g).macs


def _counted():
    """Return {name: value} of the claims, as this engine counts them."""
    net = count(googlenet(aux=False, init="zeros"))
    return {
        "alexnet": count(alexnet(groups=2, init="zeros")).params / net.params,
        "parameters": net.params,
        "reduction": 100 * (1 - 6.67 / 15.3),
        "difference": 10.07 - 6.67,
        "stem": comparisons.stems()[0].macs,
        "module": _cs231n(),
        "branch": comparisons.bottleneck().ratio,
        "field": net["pool5/7x7_s1"].receptive_field_max[0],
    }


_TRUE = _counted()


def published() -> Table:
    """Return the claims with their printed numbers."""
    rows = [(name, claim.text, f"{claim.printed:,.10g}") for name, claim in CLAIMS.items()]
    return Table("Published numbers", ("name", "description", ">printed"), rows)


def compared(counted) -> Table:
    """Return the claims that a student has counted, with the printed and the counted values."""
    rows = []
    for name, value in (counted if isinstance(counted, dict) else {}).items():
        if name in CLAIMS and isinstance(value, Real):
            printed = CLAIMS[name].printed
            verdict = "holds" if abs(printed - value) < 0.01 * abs(value) else "does not hold"
            rows.append((name, f"{printed:,.10g}", f"{value:,.10g}", verdict))
    return Table("Published numbers, counted", ("name", ">printed", ">counted", "verdict"), rows)


verdicts = Exercise(
    "06.4b",
    "eight published numbers",
    "{name of the claim: your number}",
    minutes=15,
    difficulty=2,
    hints=(
        "Print the eight claims first. For which of them do you need no network?",
        "`mg.count(net)` has `.macs`, `.params` and rows, which give six of the numbers. Two need only arithmetic.",
        '`{"alexnet": mg.count(mg.models.alexnet(groups=2)).params / mg.count(____).params, ...}`',
    ),
    core=False,
)


@verdicts.judge
def verdicts_judge(answer):
    missing = [key for key in CLAIMS if answer.get(key, ...) in (None, ...)]
    if missing:
        return Verdict(False, "numbers missing", f"these claims have no number yet: {', '.join(missing)}")
    for key, true in _TRUE.items():
        number = one_number(answer[key], key)
        if not _near(number, true):
            for wrong in verdicts.wrongs:
                value = wrong.function.get(key, true)
                if not _near(value, true) and _near(number, value):
                    return Verdict(False, wrong.name, f"{key}: {wrong.message}")
            return Verdict(False, None, f"{key} ({CLAIMS[key].text}) is not {number:,}")
    return Verdict(True, None, "all eight are within a thousandth of the engine's counts")


def _near(number, expected):
    return abs(number - expected) <= NEAR * expected  # nan is not near


_HEADS = count(googlenet(init="zeros")).params
verdicts.reference(_TRUE)
verdicts.right({key: round(value, 2) for key, value in _TRUE.items()})
verdicts.right({key: float(f"{value:.4g}") for key, value in reversed(_TRUE.items())})


@verdicts.wrong
def numbers_missing():
    """Some claims have no number yet: compute all eight."""
    return {"alexnet": _TRUE["alexnet"]}


@verdicts.wrong
def printed_number_copied():
    """That is the printed number. Compute it yourself."""
    return {k: c.printed for k, c in CLAIMS.items()}


@verdicts.wrong
def with_both_heads():
    """You counted the auxiliary heads too: build the network with aux=False."""
    return _TRUE | {"alexnet": _TRUE["alexnet"] * _TRUE["parameters"] / _HEADS, "parameters": _HEADS}


@verdicts.wrong
def one_tower_for_two_groups():
    """That is AlexNet without groups. This claim is about groups=2."""
    return _TRUE | {"alexnet": count(alexnet(groups=1, init="zeros")).params / _TRUE["parameters"]}


@verdicts.wrong
def FLOP_not_MAC():
    """That is twice the number of MACs: you counted FLOP."""
    return _TRUE | {"stem": 2 * _TRUE["stem"], "module": 2 * _TRUE["module"]}


@verdicts.wrong
def error_that_remains():
    """That is the fraction of the error that remains. The reduction is 100 minus that."""
    return _TRUE | {"reduction": 100 * 6.67 / 15.3}


@verdicts.wrong
def reduction_cost_forgotten():
    """The branch with the reduction has two convolutions: add the MACs of the 1x1 reduction."""
    return _TRUE | {"branch": comparisons.bottleneck().direct / comparisons.bottleneck().convolution}


@verdicts.wrong
def field_before_the_pool():
    """That is the receptive field of 5b. That of the average pool after it is larger."""
    return _TRUE | {"field": count(googlenet(aux=False, init="zeros"))["inception_5b/output"].receptive_field_max[0]}
