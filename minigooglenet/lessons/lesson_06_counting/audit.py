"""Table 1 of the paper and other published numbers, audited."""

from minigooglenet.console import Table
from minigooglenet.counting import comparisons, count, table1
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import one_number
from minigooglenet.graph import Graph
from minigooglenet.models import Style, alexnet, googlenet, inception

audit = Exercise(
    "06.4",
    "audit Table 1",
    "(names of the rows whose printed operations are not theirs, what K stands for)",
    minutes=10,
    difficulty=2,
    hints=(
        "Divide conv2's 114,688 weights by 1000 and by 1024. Which of the two is printed?",
        "A printed number agrees if ours rounds or is cut to it: 73.61 may be printed as 73 or 74, 51.08 not as 54.",
        "`({line.name for line in lines if not line.____}, 1024)`",
    ),
)


@audit.judge
def audit_judge(answer):
    lines = table1.audit()
    names, unit = answer
    names, known = set(names), {line.name for line in lines}
    if names - known:
        return Verdict(False, None, f"no row is called {sorted(names - known)[0]!r}; they are {sorted(known)}")
    given = names, unit
    for wrong in audit.wrongs:
        if given == wrong.function:
            return Verdict(False, wrong.name, wrong.message)
    if names != audit.reference_function[0]:
        missing = len(audit.reference_function[0] - names)
        return Verdict(False, None, f"{missing} rows are missing, {len(names - audit.reference_function[0])} too many")
    if unit != 1024:
        return Verdict(False, None, f"K is not {unit!r}; try the linear layer's 1,024,000 weights")
    return Verdict(True, None, "these rows and no others, and K is 1024")


_LINES = table1.audit()
_OPS = {line.name for line in _LINES if not line.ops_agree}
audit.reference((_OPS, 1024))
audit.right((sorted(_OPS), 1024.0))
audit.right([tuple(_OPS), 1024])


@audit.wrong
def all_rows():
    """Every row differs if ours are counted in FLOP. The table counts multiply-adds."""
    return ({line.name for line in _LINES}, 1024)


@audit.wrong
def no_row():
    """5 % off is not rounding: one row prints 54 where its filters come to 51.08."""
    return (set(), 1024)


@audit.wrong
def parameters_column():
    """Those are the rows whose parameters differ; we asked for the operations."""
    return ({line.name for line in _LINES if not line.params_agree}, 1024)


@audit.wrong
def first_row_only():
    """One more: 5a has the widths of 4e but another number of input channels. Recompute it."""
    return ({_LINES[0].name}, 1024)


@audit.wrong
def K_is_1000():
    """The rows are right. With K = 1000 the linear layer would be printed as 1024K, not 1000K."""
    return (_OPS, 1000)


@audit.wrong
def rounding_only():
    """Some authors cut where others round: 73.61 printed as 73 agrees."""
    return ({line.name for line in _LINES if round(line.macs / 1e6) != line.printed_ops}, 1024)


class Claim:
    """A published number: what it says, what is printed, and what this engine counts."""

    def __init__(self, text, printed, counted):
        self.text, self.printed, self.counted = text, printed, counted


def _cs231n():
    g = Graph(image=(256, 28, 28))
    inception(g, "image", "module", 128, 64, 192, 64, 96, 64, style=Style(init="zeros"))
    return count(g).macs


def _claims():
    net = count(googlenet(aux=False, init="zeros"))
    old, branch = count(alexnet(groups=2, init="zeros")), comparisons.bottleneck()
    return {
        "alexnet": Claim("AlexNet's parameters (in two groups) over GoogLeNet's", 12, old.params / net.params),
        "parameters": Claim("parameters of GoogLeNet without heads", 5_000_000, net.params),
        "reduction": Claim(
            "error from 15.3 down to 6.67: relative reduction in percent", 56.5, 100 * (1 - 6.67 / 15.3)
        ),
        "difference": Claim("Table 3: percent points from 10.07 to 6.67", 3.45, 10.07 - 6.67),
        "stem": Claim("MACs of the stem, 224 to 28", 418_000_000, comparisons.stems()[0].macs),
        "module": Claim("MACs of a module 28 x 28 x 256 with widths 128, 64, 192, 64, 96, 64", 358_000_000, _cs231n()),
        "branch": Claim("MACs of 4a's 5x5 branch: without over with its reduction", 112.9 / 5.3, branch.ratio),
        "field": Claim(
            "receptive field of the last average pool, in pixels", 224, net["pool5/7x7_s1"].receptive_field_max[0]
        ),
    }


CLAIMS = _claims()


def published() -> Table:
    """Return the claims with their printed numbers, without what this engine counts."""
    rows = [(name, claim.text, f"{claim.printed:,.10g}") for name, claim in CLAIMS.items()]
    return Table("Published numbers", ("name", "what", ">printed"), rows)


def compared() -> Table:
    """Return the claims with their printed numbers and what this engine counts."""
    rows = []
    for name, claim in CLAIMS.items():
        near = abs(claim.printed / claim.counted - 1) < 0.01
        numbers = f"{claim.printed:,.10g}", f"{claim.counted:,.10g}"
        rows.append((name, *numbers, "holds" if near else "does not hold"))
    return Table("Published numbers, counted", ("name", ">printed", ">counted", "verdict"), rows)


NEAR = 1e-3
_TRUE = {key: claim.counted for key, claim in CLAIMS.items()}

verdicts = Exercise(
    "06.4b",
    "eight published numbers",
    "{claim: the number that you count}",
    minutes=15,
    difficulty=2,
    hints=(
        "Print the eight claims first. Each asks for one number; the words say of what.",
        "`mg.count(net).macs`, `.params` and `net[...]` of a count give six of them, a calculator the other two.",
        '`{"alexnet": mg.count(mg.models.alexnet(groups=2)).params / mg.count(____).params, ...}`',
    ),
    core=False,
)


@verdicts.judge
def verdicts_judge(answer):
    missing = [key for key in CLAIMS if answer.get(key, ...) in (None, ...)]
    if missing:
        return Verdict(False, "numbers missing", f"still without a number: {', '.join(missing)}")
    for key, claim in CLAIMS.items():
        if not abs(one_number(answer[key], key) - claim.counted) <= NEAR * claim.counted:  # nan is not near
            for wrong in verdicts.wrongs:
                theirs = wrong.function.get(key, claim.counted)
                if abs(theirs - claim.counted) > NEAR * claim.counted and abs(answer[key] - theirs) <= NEAR * theirs:
                    return Verdict(False, wrong.name, f"{key}: {wrong.message}")
            return Verdict(False, None, f"{key} ({claim.text}) is not {answer[key]:,}")
    return Verdict(True, None, "all eight within a thousandth of what the engine counts")


_HEADS = count(googlenet(init="zeros")).params
verdicts.reference(_TRUE)
verdicts.right({key: round(value, 2) for key, value in _TRUE.items()})
verdicts.right({key: float(f"{value:.4g}") for key, value in reversed(_TRUE.items())})


@verdicts.wrong
def numbers_missing():
    """Some claims have no number yet."""
    return {"alexnet": _TRUE["alexnet"]}


@verdicts.wrong
def took_their_word():
    """That is the printed number. Count it."""
    return {k: c.printed for k, c in CLAIMS.items()}


@verdicts.wrong
def with_both_heads():
    """You counted the auxiliary heads too; without them, please."""
    return _TRUE | {"alexnet": _TRUE["alexnet"] * _TRUE["parameters"] / _HEADS, "parameters": _HEADS}


@verdicts.wrong
def one_tower_for_two_groups():
    """That is the one-tower AlexNet; this claim is about groups=2."""
    return _TRUE | {"alexnet": count(alexnet(groups=1, init="zeros")).params / _TRUE["parameters"]}


@verdicts.wrong
def FLOP_for_MAC():
    """Twice ours: that is FLOP."""
    return _TRUE | {"stem": 2 * _TRUE["stem"], "module": 2 * _TRUE["module"]}


@verdicts.wrong
def share_of_what_is_left():
    """That is what is left of the error; the reduction is what is gone."""
    return _TRUE | {"reduction": 100 * 6.67 / 15.3}


@verdicts.wrong
def reduction_cost_forgotten():
    """The 1x1 reduction costs something too."""
    return _TRUE | {"branch": comparisons.bottleneck().direct / comparisons.bottleneck().convolution}


@verdicts.wrong
def field_before_the_pool():
    """That is the field at 5b; the average pool after it sees more."""
    return _TRUE | {"field": count(googlenet(aux=False, init="zeros"))["inception_5b/output"].receptive_field_max[0]}
