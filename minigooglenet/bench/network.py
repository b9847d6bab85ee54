"""Inference of the whole network, batch by batch, ours and the peers' in turn."""

import minigooglenet.bench.peers as known_peers
from minigooglenet.bench import clock, settings
from minigooglenet.bench.results import beside, contenders_table, left_out_notes
from minigooglenet.planning import plan

PLAN, GRAPH = "plan(x)", "graph(x)"
BATCHES, QUICK = (1, 8, 32), (1,)


def measure(asked, tell) -> dict:
    """Return the times of the main output, without auxiliary heads, for each batch size.

    All contenders hold the same weights, compute in float32 with the same number of threads, and agree.
    """
    graph = asked.graph()
    records, left_out = [], {}
    with settings.threads(asked.threads, asked.peers.values()):
        for batch in asked.batch_sizes(BATCHES, QUICK):
            tell(f"inference, batch {batch}")
            x = settings.images(graph, batch)
            factories = ours(graph, x)
            for peer in asked.peers.values():
                factories |= peer.inference(graph, x, asked.threads)
            contenders, failed = known_peers.build(factories)
            left_out |= failed
            timings = clock.alternate(contenders, rounds=asked.rounds, seconds=asked.seconds)
            records += beside(timings, PLAN, batch=batch, threads=asked.threads)
    return {"records": records, "left_out": left_out}


def ours(graph, x) -> dict:
    """Return {contender: build} of the two ways in which this engine infers."""

    def planned():
        prepared = plan(graph)
        return lambda: prepared(x)

    return {PLAN: planned, GRAPH: lambda: lambda: graph(x)}


def tables(result) -> list:
    """Return the table of a result."""
    threads = result["records"][0]["threads"]
    notes = [
        "In turn, with the same weights, float32, outputs equal to 1e-4 of the largest value; no first call is timed.",
        *left_out_notes(result["left_out"]),
    ]
    return [contenders_table(f"Inference of the main output, {threads} threads", result["records"], PLAN, notes)]
