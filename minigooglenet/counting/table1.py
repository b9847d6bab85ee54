"""An audit of the paper's Table 1: the printed numbers, the counts of the listed filters, and the differences."""

from dataclasses import dataclass

from minigooglenet.console import Table
from minigooglenet.counting.counts import count
from minigooglenet.graph import Graph
from minigooglenet.layers import Conv2d
from minigooglenet.models import googlenet

# {row of the table: (modules of our graph, printed parameters in K, printed operations in M)}
PRINTED = {
    "convolution 7x7/2": (("conv1",), 2.7, 34),
    "convolution 3x3/1": (("conv2",), 112, 360),
    "inception (3a)": (("inception_3a",), 159, 128),
    "inception (3b)": (("inception_3b",), 380, 304),
    "inception (4a)": (("inception_4a",), 364, 73),
    "inception (4b)": (("inception_4b",), 437, 88),
    "inception (4c)": (("inception_4c",), 463, 100),
    "inception (4d)": (("inception_4d",), 580, 119),
    "inception (4e)": (("inception_4e",), 840, 170),
    "inception (5a)": (("inception_5a",), 1072, 54),
    "inception (5b)": (("inception_5b",), 1388, 71),
    "linear": (("loss3",), 1000, 1),
}


@dataclass(frozen=True)
class Line:
    """One row: the printed numbers (K parameters, M operations), our counts, and whether they agree.

    K is 1024 and M is 10**6. A printed number agrees if our count rounds or truncates to it, for parameters with or
    without biases.
    """

    name: str
    printed_params: float
    printed_ops: float
    weights: int
    biases: int
    macs: int

    @property
    def params_agree(self) -> bool:
        """Whether the printed parameters agree with our count, in units of 1024."""
        return any(_agrees(self.printed_params, count / 1024) for count in (self.weights, self.weights + self.biases))

    @property
    def ops_agree(self) -> bool:
        """Whether the printed operations agree with our MACs, in millions."""
        return _agrees(self.printed_ops, self.macs / 1e6)


def audit() -> list[Line]:
    """Return the rows of Table 1 that have parameters, next to our count of GoogLeNet without auxiliary heads."""
    modules = count(googlenet(aux=False, init="zeros")).modules()
    lines = []
    for name, (parts, params, ops) in PRINTED.items():
        rows = [row for part in parts for row in modules[part]]
        sums = (sum(getattr(row, column) for row in rows) for column in ("weights", "biases", "macs"))
        lines.append(Line(name, params, ops, *sums))
    return lines


def separable_stem() -> tuple[int, int]:
    """Return (weights, MACs) of a separable first convolution that gives the numbers in the first row of Table 1.

    It is a depthwise 7x7 convolution with stride 2 and 8 filters per colour, then a 1x1 convolution to 64 channels. The
    paper does not say that it counts such a layer. We infer it from the numbers; a later network of the same authors
    starts with such a layer.
    """
    g = Graph(image=(3, 224, 224))
    wire = g.add("depthwise", Conv2d(3, 24, 7, 2, 3, groups=3, bias=False, init="zeros"), "image")
    g.add("pointwise", Conv2d(24, 64, 1, bias=False, init="zeros"), wire)
    both = count(g)
    return both.weights, both.macs


def table() -> Table:
    """Return the audit as a table, with explanations of the differences."""
    lines = audit()
    weights, macs = sum(line.weights for line in lines), sum(line.macs for line in lines)
    first = lines[0]
    separable_weights, separable_macs = separable_stem()
    whole = macs - first.macs + separable_macs
    fifth = next(line for line in lines if line.name == "inception (5a)")
    return Table(
        "Table 1 of the paper, row by row",
        ("row", ">printed params", ">weights / 1024", "agree", ">printed ops", ">MAC / 10^6", "agree"),
        [
            (
                line.name,
                f"{line.printed_params:g}K",
                line.weights / 1024,
                line.params_agree,
                f"{line.printed_ops:g}M",
                line.macs / 1e6,
                line.ops_agree,
            )
            for line in lines
        ],
        [
            "K is 1024 here: with K = 1000, the linear layer's 1,024,000 weights would be printed as 1024K, not 1000K.",
            f"First row: a dense 7x7 convolution has {first.weights:,} weights and {first.macs:,} MACs.",
            f"A separable one would have {separable_weights:,} and {separable_macs:,}, as printed (our inference).",
            f"With it, the whole network has {whole:,} MACs, the text's 1.5 billion; with the dense one {macs:,}.",
            f"5a lists the same filters as 4e, which give {fifth.weights:,} weights and {fifth.macs:,} MACs.",
            "4a to 4e and 5b: the printed numbers are lower than the listed filters give; the paper gives no reason.",
        ],
        (
            "sum",
            f"{sum(line.printed_params for line in lines):g}K",
            weights / 1024,
            "",
            f"{sum(line.printed_ops for line in lines):g}M",
            macs / 1e6,
            "",
        ),
    )


def _agrees(printed, value):
    return printed in (int(value), round(value)) if printed == int(printed) else abs(printed - value) < 0.05
