"""Figures of lesson 09: points on a logarithmic axis, and the boxes of batch norm."""

from minigooglenet import figures

#          name: (label, x, y)
BOXES = {
    "x": ("x", 0.0, 1.0),
    "mean": ("mean", 1.4, 2.0),
    "variance": ("variance", 1.4, 0.0),
    "normalised": ("xhat = (x - mean)\n/ sqrt(variance + eps)", 3.4, 1.0),
    "y": ("y = gamma * xhat + beta", 6.0, 1.0),
}
# from, to, and the factor by which the arrow multiplies a gradient in the backward pass; s is the square root
ARROWS = (
    ("x", "mean", "1 / m"),
    ("x", "variance", "2 (x - mean) / m"),
    ("x", "normalised", "1 / s"),
    ("mean", "normalised", "-1 / s for every value"),
    ("variance", "normalised", "-xhat / (2 s^2) for every value"),
    ("normalised", "y", "gamma"),
)


def log_points(values: dict[str, float], label):
    """Draw {name: positive value} as points on a logarithmic axis, with the first at the top.

    Returns
    -------
    figure, text
    """
    figure, axis = figures.new(6, 0.9 + 0.28 * len(values))
    axis.set_xscale("log")
    for row, value in enumerate(values.values()):
        axis.plot(value, row, "o", color=figures.PALETTE[0], markersize=8)
        axis.annotate(
            f"{float(f'{value:.2g}'):g}", (value, row), (8, 0), textcoords="offset points", va="center", fontsize=9
        )
    axis.set_yticks(range(len(values)), list(values))
    axis.set(xlabel=f"{label} (logarithmic)", ylim=(len(values) - 0.5, -0.5))
    axis.margins(x=0.15)
    axis.grid(axis="x", alpha=0.3)
    width = max(map(len, values))
    lines = [f"{name:{width}}  {value:.2g}" for name, value in values.items()]
    head = f"{label}, on a logarithmic axis"
    alt = "; ".join([head, *(f"{name}: {value:.2g}" for name, value in values.items())])
    return figures.described(figure, "\n".join([head, *lines]), alt=alt)


def batch_norm_boxes():
    """Draw the paths from x to the output of batch norm, each with its factor in the backward pass.

    Returns
    -------
    figure, text
    """
    figure, axis = figures.new(9, 3.6)
    box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "black"}
    texts = {
        name: axis.text(x, y, label, ha="center", va="center", fontsize=10, bbox=box)
        for name, (label, x, y) in BOXES.items()
    }
    for start, end, factor in ARROWS:
        patches = {"patchA": texts[start].get_bbox_patch(), "patchB": texts[end].get_bbox_patch()}
        (_, x0, y0), (_, x1, y1) = BOXES[start], BOXES[end]
        arrow = {"arrowstyle": "->", "color": figures.PALETTE[0], "shrinkA": 2, "shrinkB": 2, **patches}
        axis.annotate("", (x1, y1), (x0, y0), arrowprops=arrow)
        plain = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        middle = ((x0 + x1) / 2, (y0 + y1) / 2)
        axis.text(*middle, factor, ha="center", va="center", fontsize=9, color=figures.PALETTE[3], bbox=plain)
    axis.set(xlim=(-0.4, 7.0), ylim=(-0.5, 2.5), xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    lines = [f"{start} -> {end}: backward times {factor}" for start, end, factor in ARROWS]
    return figures.described(figure, "\n".join(["batch norm as boxes; three paths lead from x to xhat", *lines]))
