"""A run of the bench: the requested parts, one after another, in one result."""

from pathlib import Path

from minigooglenet import figures
from minigooglenet.bench import (
    cores,
    groups,
    ideas,
    ladder,
    machine,
    memory,
    network,
    operations,
    page,
    profile,
    roofline,
    scaling,
    start,
    timeline,
    training,
)

PARTS = {
    "ladder": ladder,
    "network": network,
    "training": training,
    "operations": operations,
    "groups": groups,
    "threads": cores,
    "scaling": scaling,
    "ideas": ideas,
    "memory": memory,
    "start": start,
    "page": page,
    "profile": profile,
    "timeline": timeline,
}
PROFILE = ("profile", "timeline")  # the parts that --profile measures
BUSY = 0.5  # load average above which the machine counts as busy before the run
USUAL = ("ladder", "network", "training", "operations", "threads")  # the default parts


def describe(options, missing) -> dict:
    """Return the head of a result: the machine, the settings and the missing engines."""
    return {
        "machine": machine.describe(options.peers.values()),
        "settings": {
            "model": options.model,
            "threads": options.threads,
            "rounds": options.rounds,
            "budget_seconds": options.seconds,
            "batches": list(options.batches) if options.batches else None,
            "peers": list(options.peers),
            "quick": options.quick,
        },
        "missing_peers": missing,
        "load_average": machine.load_average(),
    }


def head(result) -> list[str]:
    """Return the lines to print before any measurement: the machine, whether it is busy, and the missing engines."""
    lines = [machine.line(result["machine"])]
    load = result["load_average"]
    if load is not None and load > BUSY:
        lines.append(
            f"The load average of the last minute is {load:.1f}. If the machine is still busy, times will be too long, "
            "especially those of engines whose threads spin while they wait for each other (OpenMP)."
        )
    return [*lines, *(f"not measured: {reason}" for reason in result["missing_peers"].values())]


def measure(part, options, progress, layers=None) -> dict:
    """Return the result of one part."""
    if part == "ladder":
        return ladder.measure(options, progress, layers)
    return PARTS[part].measure(options, progress)


def save_figures(part, result, out) -> list[Path]:
    """Draw the figure of the result of a part; return the paths of the figure and its text, or [] if it has none."""
    if part == "ladder":
        threads = max(rates["threads"] for rates in result["rates"])  # all of them
        return figures.save(*roofline.roofline(result, threads), Path(out) / "roofline")
    if part == "scaling":
        return figures.save(*scaling.figure(result), Path(out) / "scaling")
    if part == "timeline":
        return figures.save(*timeline.figure(result), Path(out) / "timeline")
    return []
