"""A run of the bench: the parts that were asked for, one after the other, into one result."""

from pathlib import Path

from minigooglenet import figures
from minigooglenet.bench import (
    cores,
    ideas,
    ladder,
    machine,
    memory,
    network,
    operations,
    profile,
    roofline,
    start,
    training,
)

PARTS = {
    "ladder": ladder,
    "network": network,
    "training": training,
    "operations": operations,
    "threads": cores,
    "ideas": ideas,
    "memory": memory,
    "start": start,
    "profile": profile,
}
BUSY = 0.5  # processes that want a core before the run begins
USUAL = ("ladder", "network", "training", "operations", "threads")  # what a run without names measures


def describe(asked, missing) -> dict:
    """Return the head of a result: the machine, the settings and the peers that are not there."""
    return {
        "machine": machine.describe(asked.peers.values()),
        "settings": {
            "model": asked.model,
            "threads": asked.threads,
            "rounds": asked.rounds,
            "budget_seconds": asked.seconds,
            "batches": list(asked.batches) if asked.batches else None,
            "peers": list(asked.peers),
            "quick": asked.quick,
        },
        "missing_peers": missing,
        "load_average": machine.load_average(),
    }


def head(result) -> list[str]:
    """Return what is said before any measurement: the machine, whether it is busy, and the peers that are not there."""
    lines = [machine.line(result["machine"])]
    load = result["load_average"]
    if load is not None and load > BUSY:
        lines.append(
            f"{load:.1f} processes wanted a core in the last minute. If they still do, times will be too long, most of "
            "all those of peers whose threads wait for one another by spinning (OpenMP)."
        )
    return [*lines, *(f"not measured: {reason}" for reason in result["missing_peers"].values())]


def measure(part, asked, tell, layers=None) -> dict:
    """Return the result of one part."""
    if part == "ladder":
        return ladder.measure(asked, tell, layers)
    return PARTS[part].measure(asked, tell)


def save_figures(result, out) -> list[Path]:
    """Draw the roofline of a ladder's result with all threads; return the files, the image and its text."""
    threads = max(rates["threads"] for rates in result["rates"])
    return figures.save(*roofline.roofline(result, threads), Path(out) / "roofline")
