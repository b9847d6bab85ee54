"""The gain of each optimisation: plans, and training steps, with one optimisation switched off, timed in turn."""

import contextlib

from minigooglenet import freed_memory
from minigooglenet.bench import clock, settings, training
from minigooglenet.bench.results import busy_notes, many, milliseconds, times
from minigooglenet.console import Table
from minigooglenet.kernels import compiled
from minigooglenet.layers import Conv2d
from minigooglenet.parallel import spinning
from minigooglenet.planning import live, plan

BATCHES, QUICK = (1, 8), (1,)
ALL, RETURNED = "all ideas", "no keeping of freed memory"
GRAPH, ASLEEP = "no plan: graph(x)", "no spinning of threads"
NODES = "node by node"  # what a graph does without a live plan


def measure(options, progress) -> dict:
    """Return the times of plans that each lack one optimisation."""
    graph = options.graph()
    main = graph.main
    products_only = {} if compiled.why_not_fast() else {"no Winograd": plan(_with_algorithm(graph, "numba"), main)}
    plans = {
        ALL: plan(graph, main),
        **products_only,
        "no fusing": plan(graph, main, fuse=False),
        "no writing into the concat": plan(graph, main, join=False),
        "channels first in memory": plan(graph, main, channels_last=False),
        "layer by layer with all threads": plan(graph, main, split_batch=False),
        "products by NumPy (im2col)": plan(_with_algorithm(graph, "im2col"), main),
        GRAPH: lambda x: graph.infer(_named(graph, x), main)[main],
    }
    plans |= dict.fromkeys((f"{GRAPH}, {NODES}", f"{GRAPH}, {ASLEEP}"), plans[GRAPH])
    records, steps = [], []
    with settings.threads(options.threads):
        for batch in options.batch_sizes(BATCHES, QUICK):
            progress(f"optimisations, batch {batch}")
            x = settings.images(graph, batch)
            calls = {name: lambda run=run, x=x: run(x) for name, run in plans.items()}
            with _restored():
                timings = clock.alternate(
                    calls, rounds=options.rounds, seconds=options.seconds, pause=0, before=_switch
                )
            records += _records(batch, timings)
            progress(f"optimisations of training, batch {batch}")
            steps += _records(batch, _training(options, graph, batch))
    return {"threads": options.threads, "records": records, "steps": steps}


def _records(batch, timings):
    return [{"batch": batch, "without": name, **timing.as_dict()} for name, timing in timings.items()]


def _training(options, graph, batch):
    """Return {idea that is switched off: Timing of a training step}."""
    step = training.our_step(graph, *training.batch_of(graph, batch))
    functions = {ALL: step, ASLEEP: step}
    if freed_memory.keep(True):
        functions[RETURNED] = step

    def before(name):
        _switch(name)
        freed_memory.keep(name != RETURNED)
        step()  # the first step after the switch finds memory as the step before left it

    with _restored():
        return clock.alternate(
            functions, rounds=options.rounds, seconds=options.seconds, pause=0, tolerance=None, before=before
        )


def _switch(name):
    spinning.set_spinning(ASLEEP not in name)
    live.enable(NODES not in name)


@contextlib.contextmanager
def _restored():
    """Restore the settings that are switched in a `with` block."""
    spins, lives = spinning.get_spinning(), live.enable()
    try:
        yield
    finally:
        spinning.set_spinning(spins)
        live.enable(lives)
        freed_memory.keep(freed_memory.wanted())


def _named(graph, x):
    return {next(iter(graph.inputs)): x}


def _with_algorithm(graph, algorithm):
    other = graph.astype("float32")  # a copy
    for layer, _ in other.nodes.values():
        if isinstance(layer, Conv2d):
            layer.algorithm = algorithm
    return other


def tables(result) -> list[Table]:
    """Return the tables of a result."""
    threads = many(result["threads"], "thread")
    return [
        _table(f"Gain of each optimisation, {threads}", "plan(x) with", result["records"]),
        _table(f"Gain of each optimisation of training, {threads}", "a step with", result["steps"]),
    ]


def _table(title, heading, records):
    whole = {record["batch"]: record["median_seconds"] for record in records if record["without"] == ALL}
    rows = [
        (
            record["batch"],
            record["without"],
            milliseconds(record["median_seconds"]),
            milliseconds(record["minimum_seconds"]),
            times(record["median_seconds"] / whole[record["batch"]]),
        )
        for record in records
    ]
    columns = (">batch", heading, ">median ms", ">minimum ms", ">relative to all ideas")
    return Table(title, columns, rows, busy_notes(records))
