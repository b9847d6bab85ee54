"""Speed-up of the plan with the number of threads."""

import functools
import time

from minigooglenet import parallel
from minigooglenet.bench import clock, network, settings
from minigooglenet.bench.results import busy_notes, milliseconds, percent, times
from minigooglenet.console import Table

BATCHES, QUICK = (1, 8), (1,)


def measure(options, progress) -> dict:
    """Return the times of `plan(x)` with 1, 2, 4, ... and all threads, measured in turn."""
    graph = options.graph()
    records = []
    for batch in options.batch_sizes(BATCHES, QUICK):
        progress(f"threads, batch {batch}")
        x = settings.images(graph, batch)
        call = network.ours(graph, x)[network.PLAN]()
        with settings.threads(options.threads):  # restores the number of threads
            calls = dict.fromkeys(options.thread_counts(), call)
            timings = clock.alternate(calls, rounds=options.rounds, seconds=options.seconds, before=_use)
        one = timings[1].median
        records += [
            {"batch": batch, "threads": count, **timing.as_dict(), "speed_up": one / timing.median}
            for count, timing in timings.items()
        ]
    return {"records": records}


def _use(count):
    """Switch to `count` threads and wait until they have started, so that their start is not timed."""
    parallel.set_num_threads(count)
    parallel.run([functools.partial(time.sleep, 0.001)] * count)


def tables(result) -> list:
    """Return the table of a result."""
    rows = [
        (
            record["batch"],
            record["threads"],
            milliseconds(record["median_seconds"]),
            milliseconds(record["minimum_seconds"]),
            milliseconds(record["median_seconds"] / record["batch"]),
            times(record["speed_up"]),
            percent(record["speed_up"] / record["threads"]),
        )
        for record in result["records"]
    ]
    columns = (">batch", ">threads", ">median ms", ">minimum ms", ">median ms per image", ">speed-up", ">of ideal")
    notes = [
        "Speed-up: the median with one thread divided by this median. The ideal speed-up is the number of threads."
    ]
    notes += busy_notes(result["records"])
    return [Table("Threads: plan(x) from one to all", columns, rows, notes)]
