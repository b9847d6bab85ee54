"""The roofline: the upper limit of the rate of each layer on this machine, and the rate of each algorithm.

Williams, Waterman, Patterson, "Roofline: an insightful visual performance model", CACM 2009. Layers with few
MACs per byte of memory traffic are limited by memory (the sloped part), the others by arithmetic (the flat part).
"""

import numpy as np

from minigooglenet import figures
from minigooglenet.bench.results import giga, many

MARKS = "o^sDvPX*"
NEAR = 1.12  # the names of layers closer than this factor are on different sides of their lines


def roofline(result, threads):
    """Return (figure, text) of a result of the ladder for this number of threads and the first batch size."""
    (best,) = (rates for rates in result["rates"] if rates["threads"] == threads)
    peak, memory = best["product_mac_per_second"], best["copy_bytes_per_second"]
    batch = result["layers"][0]["batch"]
    records = [r for r in result["layers"] if r["batch"] == batch and r["mac_per_second"]]
    whole = [r for r in records if not r["estimated"] and r["threads"] == threads]
    slow = {r["algorithm"]: r["mac_per_second"] for r in records if r["estimated"]}
    layers = intensities(records)
    figure, axis = figures.new(8.4, 5.2)
    ends = np.array([min(*layers.values(), peak / memory) / 2, max(*layers.values(), peak / memory) * 2])
    along = np.geomspace(*ends, 200)
    axis.plot(along, np.minimum(peak, memory * along), color="black", linewidth=1.5)
    for i, algorithm in enumerate(dict.fromkeys(r["algorithm"] for r in whole)):
        points = [r for r in whole if r["algorithm"] == algorithm]
        xs, ys = [layers[r["layer"]] for r in points], [r["mac_per_second"] for r in points]
        axis.plot(xs, ys, linestyle="none", marker=MARKS[i % 8], color=figures.PALETTE[i % 8], label=algorithm)
    rates = [r["mac_per_second"] for r in whole] or [peak]
    lowest, highest = min(*rates, memory * ends[0]), max(*rates, peak)
    axis.set(xscale="log", yscale="log", xlim=ends, ylim=(lowest / 8, highest * 2.5))  # room for names below the marks
    axis.set(xlabel="MACs per byte of memory traffic", ylabel="MACs per second")
    _label(axis, f"matrix product: {giga(peak)} GMAC/s", (ends[1], peak), ha="right")
    _label(axis, f"memory: {giga(memory)} GB/s", (ends[0], memory * ends[0]), up=-14)
    _name_layers(axis, layers, lowest / 7)
    if whole:
        axis.legend(frameon=False, loc="upper left", fontsize=9, ncols=4)
    below = "".join(f"\nfar below the figure: {name}, about {giga(rate)} GMAC/s" for name, rate in slow.items())
    axis.set_title(f"Roofline: convolutions, batch size {batch}, {many(threads, 'thread')}{below}", fontsize=10)
    words = text([*whole, *(r for r in records if r["estimated"])], peak, memory, threads)
    return figures.described(figure, words)


def intensities(records) -> dict[str, float]:
    """Return {layer: MACs per byte of memory traffic}, the smallest first."""
    values = {r["layer"]: r["macs"] / r["bytes_to_move"] for r in records}
    return dict(sorted(values.items(), key=lambda item: item[1]))


def _name_layers(axis, layers, bottom):
    last_right = 0.0  # position of the last name on the right of its line
    for (name, here), after in zip(layers.items(), [*list(layers.values())[1:], np.inf], strict=True):
        left = after < here * NEAR and here > last_right * NEAR
        axis.axvline(here, color="0.85", linewidth=0.8, zorder=0)
        side = {"ha": "right" if left else "left", "rotation": 90, "fontsize": 8, "color": "0.35"}
        _label(axis, name, (here, bottom), up=0, across=-2 if left else 2, **side)
        last_right = last_right if left else here


def _label(axis, words, position, up=4, across=4, **style):
    across = -across if style.get("ha") == "right" and "rotation" not in style else across
    axis.annotate(words, position, (across, up), textcoords="offset points", **{"fontsize": 9, **style})


def text(records, peak, memory, threads) -> str:
    """Describe the figure in words and numbers."""
    rates = f"matrix products reach {giga(peak)} GMAC/s, memory {giga(memory)} GB/s"
    lines = [
        f"Roofline with {many(threads, 'thread')}: {rates}.",
        f"Below {peak / memory:.1f} MACs per byte, memory is the limit; above it, arithmetic.",
        "",
        "GMAC/s of each layer and algorithm, and the limit of the layer (MACs per byte in brackets):",
    ]
    for layer, intensity in intensities(records).items():
        roof = min(peak, memory * intensity)
        lines.append(f"  {layer} [{intensity:.1f}], limit {giga(roof)}")
        for r in records:
            if r["layer"] == layer:
                about = "about " if r["estimated"] else ""
                fraction = r["mac_per_second"] / roof
                lines.append(f"    {r['algorithm']:9} {about}{giga(r['mac_per_second'])} ({fraction:.2%} of the limit)")
    return "\n".join(lines)
