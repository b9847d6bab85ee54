"""Bars and lines of a lesson, each with the text that says the same."""

from minigooglenet import figures

HATCHES = ("", "//", "..", "xx")
FEW = 6  # bars that alt text names one by one
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def bar_chart(values: dict[str, float], label, *, marked=(), height=None):
    """Draw {name: value} as lying bars, first on top; those in `marked` have another colour and a hatch.

    Returns
    -------
    figure, text
    """
    figure, axis = figures.new(6, height or 0.8 + 0.24 * len(values))
    names, tallest, shortest = list(values), max(values, key=values.get), min(values, key=values.get)
    for place, name in enumerate(names):
        apart = name in marked
        axis.barh(place, values[name], color=figures.PALETTE[apart], hatch="//" if apart else "", edgecolor="black")
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel=label)
    axis.set_ylim(len(names) - 0.4, -0.6)
    text = f"bar chart, {len(names)} bars, {label}; the longest is {tallest} with {values[tallest]:,.6g}"
    if len(names) <= FEW:
        alt = "; ".join([f"bar chart of {label}", *(f"{name}: {value:,.4g}" for name, value in values.items())])
    else:
        alt = f"{text}; the shortest is {shortest} with {values[shortest]:,.6g}"
    return figures.described(figure, f"{text}\n{figures.bars(values)}", alt=alt)


def line_chart(lines: dict[str, tuple], x_label, y_label, *, log=False, area=False):
    """Draw {name: (xs, ys)} as lines with markers of their own, or filled down to zero.

    Returns
    -------
    figure, text
    """
    figure, axis = figures.new(6, 3.4)
    told = []
    for place, (name, (xs, ys)) in enumerate(lines.items()):
        colour, points = figures.PALETTE[place % 8], max(1, len(xs) // 12)
        marker = {"marker": MARKERS[place % 8], "markevery": points, "markersize": 5}
        axis.plot(xs, ys, color=colour, label=name, **marker)
        if area:
            axis.fill_between(xs, ys, color=colour, alpha=0.3, hatch=HATCHES[place % 4])
        top = max(range(len(ys)), key=lambda i, ys=ys: ys[i])
        told.append(f"{name}: from {ys[0]:,.4g} to {ys[-1]:,.4g}, largest {ys[top]:,.4g} at {x_label} {xs[top]:,.4g}")
    axis.set(xlabel=x_label, ylabel=y_label, yscale="log" if log else "linear")
    axis.legend(fontsize=9, frameon=False)
    told.insert(0, f"lines of {y_label} against {x_label}")
    return figures.described(figure, "\n".join(told), alt="; ".join(told))
