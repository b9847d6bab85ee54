"""Inference of the whole network by batch size, ours and other engines in turn."""

import minigooglenet.bench.peers as known_peers
from minigooglenet.bench import clock, settings
from minigooglenet.bench.results import engines_table, many, skipped_notes, with_ratios
from minigooglenet.planning import plan

PLAN, GRAPH = "plan(x)", "graph(x)"
BATCHES, QUICK = (1, 8, 32), (1,)


def measure(options, progress) -> dict:
    """Return the times of the main output per batch size, without auxiliary heads.

    All engines have the same weights, compute in float32 with the same number of threads, and give equal outputs.
    """
    graph = options.graph()
    records, left_out = [], {}
    with settings.threads(options.threads, options.peers.values()):
        for batch in options.batch_sizes(BATCHES, QUICK):
            progress(f"inference, batch {batch}")
            x = settings.images(graph, batch)
            factories = ours(graph, x)
            for peer in options.peers.values():
                factories |= peer.inference(graph, x, options.threads)
            functions, failed = known_peers.build(factories)
            left_out |= failed
            timings = clock.alternate(functions, rounds=options.rounds, seconds=options.seconds)
            records += with_ratios(timings, PLAN, batch=batch, threads=options.threads)
    return {"records": records, "left_out": left_out}


def ours(graph, x) -> dict:
    """Return {name: build} for the two kinds of inference of this engine."""

    def planned():
        prepared = plan(graph)
        return lambda: prepared(x)

    return {PLAN: planned, GRAPH: lambda: lambda: graph(x)}


def tables(result) -> list:
    """Return the table of a result."""
    threads = result["records"][0]["threads"]
    notes = [
        "In turn: same weights, float32, outputs equal to 1e-4 of the largest value. First calls are not timed.",
        *skipped_notes(result["left_out"]),
    ]
    return [engines_table(f"Inference of the main output, {many(threads, 'thread')}", result["records"], PLAN, notes)]
