"""An Inception module as circles and arrows."""

from typing import TYPE_CHECKING, Any

from minigooglenet import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Name -> (column, row); arrows point from left to right.
_POSITIONS = {
    "input": (0, 1.5),
    "3x3_reduce": (1, 1),
    "5x5_reduce": (1, 2),
    "pool": (1, 3),
    "1x1": (1.5, -0.1),
    "3x3": (2, 1),
    "5x5": (2, 2),
    "pool_proj": (2, 3),
    "output": (3, 1.5),
}
_READS = {
    "3x3_reduce": ["input"],
    "5x5_reduce": ["input"],
    "pool": ["input"],
    "1x1": ["input"],
    "3x3": ["3x3_reduce"],
    "5x5": ["5x5_reduce"],
    "pool_proj": ["pool"],
    "output": ["1x1", "3x3", "5x5", "pool_proj"],
}


def module_drawing(count: Any, name: str) -> tuple["Figure", str]:
    """Draw an Inception module as circles and arrows, with the number of output channels of each node.

    Parameters
    ----------
    count : Count of a network, from `mg.count`
    name : name of the module, such as "inception_4a"

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> counted = mg.count(mg.models.googlenet(aux=False, init="zeros"))
    >>> figure, text = mg.viz.module_drawing(counted, "inception_4a")
    >>> print(text.splitlines()[6])
    5x5 (48) reads 5x5_reduce
    """
    channels = {node: count[f"{name}/{node}"].output_shape[0] for node in _READS}
    channels["input"] = count[f"{name}/1x1"].input_shapes[0][0]
    figure, axis = figures.new(7.5, 4)
    for node, sources in _READS.items():
        for source in sources:
            arrow = {"arrowstyle": "->", "shrinkA": 24, "shrinkB": 24, "color": "0.4"}
            axis.annotate("", xy=_POSITIONS[node], xytext=_POSITIONS[source], arrowprops=arrow)
    for node, (column, row) in _POSITIONS.items():
        colour = figures.PALETTE[5] if node in ("input", "output") else figures.PALETTE[6 if node == "pool" else 1]
        axis.scatter(column, row, s=1900, color=colour, edgecolor="black", zorder=2)
        axis.text(column, row, f"{node.replace('_', chr(10))}\n{channels[node]}", ha="center", va="center", fontsize=8)
    axis.set(xlim=(-0.4, 3.4), ylim=(3.6, -0.6))
    axis.axis("off")
    lines = [f"{node} ({channels[node]}) reads {', '.join(sources)}" for node, sources in _READS.items()]
    head = f"{name}, channels in parentheses: input ({channels['input']})"
    return figures.described(figure, "\n".join([head, *lines]), alt=f"circles and arrows. {'; '.join([head, *lines])}")
