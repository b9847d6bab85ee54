"""The roofline: how fast each layer could be at best on this machine, and how fast each algorithm computes it.

Williams, Waterman, Patterson, "Roofline: an insightful visual performance model", CACM 2009. A layer that does few
multiply-adds for each byte that it must move is held up by memory, on the slope; the others by arithmetic, on the flat.
"""

import numpy as np

from minigooglenet import figures
from minigooglenet.bench.results import giga

MARKS = "o^sDvPX*"
NEAR = 1.12  # names of layers closer than this factor stand on both sides of their lines


def roofline(result, threads):
    """Return (figure, text) of the ladder's `result` with that number of threads, its first batch size."""
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
        own = [r for r in whole if r["algorithm"] == algorithm]
        xs, ys = [layers[r["layer"]] for r in own], [r["mac_per_second"] for r in own]
        axis.plot(xs, ys, linestyle="none", marker=MARKS[i % 8], color=figures.PALETTE[i % 8], label=algorithm)
    rates = [r["mac_per_second"] for r in whole] or [peak]
    lowest, highest = min(*rates, memory * ends[0]), max(*rates, peak)
    axis.set(xscale="log", yscale="log", xlim=ends, ylim=(lowest / 8, highest * 2.5))  # room for names below the marks
    axis.set(xlabel="MAC per byte that has to move", ylabel="MAC per second")
    _label(axis, f"matrix product: {giga(peak)} GMAC/s", (ends[1], peak), ha="right")
    _label(axis, f"memory: {giga(memory)} GB/s", (ends[0], memory * ends[0]), up=-14)
    _name_layers(axis, layers, lowest / 7)
    if whole:
        axis.legend(frameon=False, loc="upper left", fontsize=9, ncols=4)
    below = "".join(f"\nfar below the image: {name}, about {giga(rate)} GMAC/s" for name, rate in slow.items())
    axis.set_title(f"Roofline: convolutions of a batch of {batch} on {threads} threads{below}", fontsize=10)
    words = text([*whole, *(r for r in records if r["estimated"])], peak, memory, threads)
    return figures.described(figure, words)


def intensities(records) -> dict[str, float]:
    """Return {layer: multiply-adds for each byte that it must move}, the smallest first."""
    found = {r["layer"]: r["macs"] / r["bytes_to_move"] for r in records}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _name_layers(axis, layers, bottom):
    right_before = 0.0  # where the last name that stands on the right of its line is
    for (name, here), after in zip(layers.items(), [*list(layers.values())[1:], np.inf], strict=True):
        left = after < here * NEAR and here > right_before * NEAR
        axis.axvline(here, color="0.85", linewidth=0.8, zorder=0)
        side = {"ha": "right" if left else "left", "rotation": 90, "fontsize": 8, "color": "0.35"}
        _label(axis, name, (here, bottom), up=0, across=-2 if left else 2, **side)
        right_before = right_before if left else here


def _label(axis, words, place, up=4, across=4, **look):
    across = -across if look.get("ha") == "right" and "rotation" not in look else across
    axis.annotate(words, place, (across, up), textcoords="offset points", **{"fontsize": 9, **look})


def text(records, peak, memory, threads) -> str:
    """Return the image in words and numbers."""
    lines = [
        f"Roofline on {threads} threads: a matrix product does {giga(peak)} GMAC/s, memory moves {giga(memory)} GB/s.",
        f"Below {peak / memory:.1f} MAC per byte memory is the limit, above it arithmetic.",
        "",
        "GMAC/s of each layer and algorithm under the roof over it (MAC per byte in brackets):",
    ]
    for layer, intensity in intensities(records).items():
        roof = min(peak, memory * intensity)
        lines.append(f"  {layer} [{intensity:.1f}], roof {giga(roof)}")
        for r in records:
            if r["layer"] == layer:
                about = "about " if r["estimated"] else ""
                share = r["mac_per_second"] / roof
                lines.append(f"    {r['algorithm']:9} {about}{giga(r['mac_per_second'])} ({share:.2%} of the roof)")
    return "\n".join(lines)
