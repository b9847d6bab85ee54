"""Figure of lesson 14: the networks after GoogLeNet, with their counts and published errors."""

from minigooglenet import counting, figures, models
from minigooglenet.console import Table
from minigooglenet.models.papers import PAPERS

FAMILY = ("googlenet", "bn_inception", "inception_v3", "inception_v4", "inception_resnet_v2", "xception")
#         label of the axis, column, format
PANELS = (("million parameters", 2, "{:.1f}"), ("billion MACs", 3, "{:.1f}"), ("top-5 error in %", 4, "{:g}"))


def counted():
    """Return (title, year, millions of parameters, billions of MACs, top-5 error or None), oldest first."""
    rows = []
    for paper in sorted(PAPERS, key=lambda paper: paper.year):
        g = models.build(paper.name, init="zeros")
        counts = counting.count(g, outputs=[g.main])
        rows.append((paper.title, paper.year, counts.params / 1e6, counts.macs / 1e9, paper.top5))
    return rows


def family(rows):
    """Draw the rows of `counted` as three panels of bars; bars with a hatch are GoogLeNet and its successors.

    Returns
    -------
    figure, text
    """
    later = {paper.title for paper in PAPERS if paper.name in FAMILY}
    figure, axes = figures.new(10, 0.9 + 0.32 * len(rows), ncols=3, sharey=True)
    for axis, (label, column, written) in zip(axes, PANELS, strict=True):
        for y, row in enumerate(rows):
            special, value = row[0] in later, row[column]
            if value is not None:
                style = {"color": figures.PALETTE[special], "hatch": "//" if special else "", "edgecolor": "black"}
                axis.barh(y, value, **style)
            axis.annotate(_shown(value, written), (value or 0, y), (4, 0), textcoords="offset points", va="center")
        axis.set(xlabel=label)
        axis.margins(x=0.25)
    axes[0].set_yticks(range(len(rows)), [f"{title}, {year}" for title, year, *_ in rows])
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    first, best = (f"{row[0]} ({row[2]:.1f}, {row[3]:.1f}, {row[4]:g})" for row in _ends(rows))
    alt = (
        f"bars of {len(rows)} networks in three panels: million parameters, billion MACs, top-5 error in %; from "
        f"{first} to {best}; the table in the text has all values"
    )
    return figures.described(figure, f"{alt}\n{table(rows)}", alt=alt)


def table(rows) -> Table:
    """Return the rows of `counted` as a table."""
    lines = [
        (title, str(year), *(_shown(value, written) for value, (_, _, written) in zip(values, PANELS, strict=True)))
        for title, year, *values in rows
    ]
    notes = ["Counts without auxiliary heads. The errors are those that the papers report."]
    return Table("", ("network", ">year", *(f">{label}" for label, _, _ in PANELS)), lines, notes)


def _shown(value, written):
    return "not reported" if value is None else written.format(value)


def _ends(rows):
    """Return the rows with the largest and the smallest error."""
    known = sorted((row for row in rows if row[4] is not None), key=lambda row: -row[4])
    return known[0], known[-1]
