"""The gain of each optimisation: plans with one optimisation switched off, timed in turn with the full plan."""

from minigooglenet.bench import clock, settings
from minigooglenet.bench.results import busy_notes, many, milliseconds, times
from minigooglenet.console import Table
from minigooglenet.kernels import compiled
from minigooglenet.layers import Conv2d
from minigooglenet.planning import plan

BATCHES, QUICK = (1, 8), (1,)
ALL = "all ideas"


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
        "layer by layer with all threads": plan(graph, main, split_batch=False),
        "products by NumPy (im2col)": plan(_with_algorithm(graph, "im2col"), main),
        "no plan: graph(x)": lambda x: graph.infer(_named(graph, x), main)[main],
    }
    records = []
    with settings.threads(options.threads):
        for batch in options.batch_sizes(BATCHES, QUICK):
            progress(f"optimisations, batch {batch}")
            x = settings.images(graph, batch)
            calls = {name: lambda run=run, x=x: run(x) for name, run in plans.items()}
            timings = clock.alternate(calls, rounds=options.rounds, seconds=options.seconds, pause=0)
            records += [{"batch": batch, "without": name, **timing.as_dict()} for name, timing in timings.items()]
    return {"threads": options.threads, "records": records}


def _named(graph, x):
    return {next(iter(graph.inputs)): x}


def _with_algorithm(graph, algorithm):
    other = graph.astype("float32")  # a copy
    for layer, _ in other.nodes.values():
        if isinstance(layer, Conv2d):
            layer.algorithm = algorithm
    return other


def tables(result) -> list[Table]:
    """Return the table of a result."""
    whole = {r["batch"]: r["median_seconds"] for r in result["records"] if r["without"] == ALL}
    rows = [
        (
            record["batch"],
            record["without"],
            milliseconds(record["median_seconds"]),
            milliseconds(record["minimum_seconds"]),
            times(record["median_seconds"] / whole[record["batch"]]),
        )
        for record in result["records"]
    ]
    columns = (">batch", "plan(x) with", ">median ms", ">minimum ms", ">relative to all ideas")
    return [
        Table(
            f"Gain of each optimisation, {many(result['threads'], 'thread')}",
            columns,
            rows,
            busy_notes(result["records"]),
        )
    ]
