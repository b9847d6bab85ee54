"""The figure of the home page and the README: GoogLeNet from left to right, with the fraction of the MACs of each part.

`python docs/_ext/network_figure.py` writes it again; a test compares its numbers with those of the engine.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.patches import FancyBboxPatch, Patch

import minigooglenet as mg
from minigooglenet import figures

FILE = Path(__file__).parents[1] / "_static" / "googlenet.svg"
COLOURS = {"convolution": figures.PALETTE[5], "Inception module": figures.PALETTE[1], "classifier": figures.PALETTE[2]}
ROW = 0.62  # height of the tallest box


def parts():
    """Return [(name, kind, (C, H, W), parameters, MACs, nodes that it reads from)] of the network and of its heads."""
    modules = mg.count(mg.models.googlenet(init="zeros")).modules()
    rows = []
    for name, counted in modules.items():
        kind = "Inception module" if name.startswith("inception") else "convolution"
        if name.startswith("loss"):
            kind = "classifier"
        params, macs = (sum(getattr(row, what) for row in counted) for what in ("params", "macs"))
        if params:
            rows.append((name, kind, counted[-1].output_shape, params, macs))
    return rows


def description(rows):
    """Return the figure's words and numbers, one line per part."""
    total = sum(macs for *_, macs in rows)
    lines = [
        f"GoogLeNet with its two auxiliary heads: {sum(row[3] for row in rows):,} parameters, {total:,} MACs per image."
    ]
    for name, kind, shape, params, macs in rows:
        size = "x".join(map(str, shape))
        lines.append(f"{name} ({kind}): output {size}, {params:,} parameters, {macs / total:.1%} of the MACs")
    return "\n".join(lines)


def draw(rows):
    """Return the figure."""
    chain = [row for row in rows if row[0] not in ("loss1", "loss2")]
    heads = {row[0]: row for row in rows if row[0] in ("loss1", "loss2")}
    reads = {"loss1": "inception_4a", "loss2": "inception_4d"}
    total = sum(macs for *_, macs in rows)
    figure, (network, bars) = figures.new(11, 4.3, nrows=2, sharex=True, height_ratios=(1.5, 1))
    columns = {row[0]: column for column, row in enumerate(chain)}
    for name, kind, shape, *_ in chain:
        column = columns[name]
        height = ROW * (0.35 + 0.65 * (shape[1] / 56) ** 0.5) if len(shape) == 3 else 0.2
        network.add_patch(_box(column, 0, height, COLOURS[kind]))
        label = name.removeprefix("inception_") if kind == "Inception module" else name
        network.text(column, 0, "classifier" if name == "loss3" else label, ha="center", va="center", fontsize=9)
        network.text(column, -0.62, "x".join(map(str, shape)), ha="center", va="center", fontsize=7.5, color="0.25")
        if column:
            network.annotate("", (column - 0.4, 0), (column - 0.6, 0), arrowprops={"arrowstyle": "->", "color": "0.3"})
    for name, source in reads.items():
        column = columns[source]
        network.add_patch(_box(column, 0.95, 0.3, COLOURS["classifier"]))
        network.text(column, 0.95, name, ha="center", va="center", fontsize=9)
        network.annotate("", (column, 0.78), (column, 0.3), arrowprops={"arrowstyle": "->", "color": "0.3"})
        bars.bar(column + 0.43, heads[name][4] / 1e6, 0.16, color=COLOURS["classifier"])
    network.set(ylim=(-0.8, 1.25), xlim=(-0.6, len(chain) - 0.4))
    network.axis("off")
    for name, kind, _, _, macs in chain:
        bars.bar(columns[name], macs / 1e6, 0.66, color=COLOURS[kind])
        bars.text(columns[name], macs / 1e6, f"{macs / total:.1%}", ha="center", va="bottom", fontsize=7.5)
    bars.set(ylabel="million MACs", xticks=[])
    bars.margins(y=0.15)
    bars.legend(
        [Patch(color=colour) for colour in COLOURS.values()], COLOURS, loc="upper right", frameon=False, fontsize=9
    )
    figures.described(figure, description(rows))
    return figure


def _box(column, middle, height, colour):
    return FancyBboxPatch(
        (column - 0.36, middle - height / 2), 0.72, height, boxstyle="round,pad=0.02", color=colour, ec="0.2", lw=0.8
    )


def write(file=FILE):
    """Write the figure as SVG: text stays text, the same numbers give the same bytes."""
    rows = parts()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "minigooglenet", "font.family": "sans-serif"}):
        draw(rows).savefig(
            file, format="svg", metadata={"Date": None, "Creator": None, "Description": description(rows)}
        )


if __name__ == "__main__":
    write()
