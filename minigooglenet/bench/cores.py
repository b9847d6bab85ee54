"""How much faster the plan gets with every core more."""

import functools
import time

from minigooglenet import parallel
from minigooglenet.bench import clock, network, settings
from minigooglenet.bench.results import busy_notes, milliseconds, per_cent, times
from minigooglenet.console import Table

BATCHES, QUICK = (1, 8), (1,)


def measure(asked, tell) -> dict:
    """Return the times of `plan(x)` with 1, 2, 4, ... and all threads, in turn."""
    graph = asked.graph()
    records = []
    for batch in asked.batch_sizes(BATCHES, QUICK):
        tell(f"threads, batch {batch}")
        x = settings.images(graph, batch)
        call = network.ours(graph, x)[network.PLAN]()
        with settings.threads(asked.threads):  # and back to as many as before
            calls = dict.fromkeys(asked.thread_counts(), call)
            timings = clock.alternate(calls, rounds=asked.rounds, seconds=asked.seconds, before=_use)
        one = timings[1].median
        records += [
            {"batch": batch, "threads": count, **timing.as_dict(), "speed_up": one / timing.median}
            for count, timing in timings.items()
        ]
    return {"records": records}


def _use(count):
    """Switch to `count` threads and wait until they are there, so that starting them is in no timing."""
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
            per_cent(record["speed_up"] / record["threads"]),
        )
        for record in result["records"]
    ]
    columns = (">batch", ">threads", ">median ms", ">minimum ms", ">median ms an image", ">speed-up", ">of ideal")
    notes = ["Speed-up: the median with one thread over this one. Ideal is as many times as there are threads."]
    notes += busy_notes(result["records"])
    return [Table("Threads: plan(x) from one to all", columns, rows, notes)]
