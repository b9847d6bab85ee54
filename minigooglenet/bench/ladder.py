"""The ladder: every algorithm of the convolution, on chosen layers and in the whole network.

What would take too long is measured on a piece of the layer, and its time for the whole is marked "about".
"""

import copy
import functools
import tracemalloc

from minigooglenet.bench import cases, clock, machine, settings
from minigooglenet.bench.results import giga, mega, milliseconds, per_cent
from minigooglenet.console import Table
from minigooglenet.counting import count
from minigooglenet.kernels import compiled, conv2d

BATCHES, QUICK = (1,), (1,)
TOO_SLOW = 0.2  # seconds that a layer may take for an image, by its rate on a piece, to be measured whole
TOO_SLOW_NETWORK = 2.0  # and the whole network, by its rate on the layers
PIECES = (cases.FEW_MACS, 20 * cases.FEW_MACS, 400 * cases.FEW_MACS)
LONG_ENOUGH = 0.005  # seconds beside which the microseconds of a call's checks do not count


def measure(asked, tell, layers=None) -> dict:
    """Return the machine's rates, and records of layers and of the whole network, by algorithm and threads."""
    graph = asked.graph()
    counts = asked.thread_counts()
    tell("the machine's rates")
    result = {"rates": [machine.rates(count) for count in counts], "layers": [], "network": []}
    for batch in asked.batch_sizes(BATCHES, QUICK):
        records = []
        for name in cases.chosen(graph, layers, few=asked.quick):
            case, slow = cases.of_node(graph, name, batch), set()
            for threads in counts:
                tell(f"{name}, batch {batch}, {threads} threads")
                with settings.threads(threads):
                    records += _layer(asked, case, batch, threads, slow)
                slow |= {record["algorithm"] for record in records if record["estimated"]}
        result["layers"] += records
        rates = _rates(records)
        for threads in counts:
            tell(f"the whole network by algorithm, batch {batch}, {threads} threads")
            with settings.threads(threads):
                result["network"] += _network(asked, graph, batch, threads, rates)
    return result


def _layer(asked, case, batch, threads, slow):
    # What is only estimated is so once, on one thread: it would be a line of guesses more for each number of threads.
    refusals = {algorithm: case.refusal(algorithm) for algorithm in conv2d.ALGORITHMS if algorithm not in slow}
    rates = {name: _rate_on_a_piece(case, name) for name, refusal in refusals.items() if refusal is None}
    fast = {
        name: functools.partial(case.run, name) for name, rate in rates.items() if case.macs / rate <= TOO_SLOW * batch
    }
    timings = clock.alternate(fast, rounds=asked.rounds, seconds=asked.seconds / 8, pause=0) if fast else {}
    peaks = {name: _peak_bytes(call) for name, call in fast.items()}
    what = {"layer": case.name, "batch": batch, "threads": threads, "macs": case.macs, "bytes_to_move": case.bytes}
    records = []
    for name, refusal in refusals.items():
        record = {**what, "algorithm": name, "refused": refusal, "estimated": refusal is None and name not in timings}
        if name in timings:
            record |= timings[name].as_dict() | {"peak_bytes": peaks[name]}
        elif refusal is None:
            seconds = case.macs / rates[name]
            record |= {"median_seconds": seconds, "minimum_seconds": seconds, "rounds": 0, "peak_bytes": None}
        else:
            record |= {"median_seconds": None, "minimum_seconds": None, "rounds": 0, "peak_bytes": None}
        records.append(_with_shares(record))
    return records


def _rate_on_a_piece(case, algorithm):
    """Return MAC/s on a piece of the layer that is large enough for the call itself not to count."""
    for macs in PIECES:
        small = case.small(macs)
        call = {algorithm: functools.partial(small.run, algorithm)}
        seconds = clock.alternate(call, rounds=2, seconds=0, pause=0, least=1)[algorithm].minimum
        if seconds > LONG_ENOUGH:
            break
    return small.macs / seconds


def _with_shares(record):
    """Add rates, and their shares of the machine's best with the same number of threads."""
    seconds, best = record["median_seconds"], machine.rates(record["threads"])
    macs = seconds and record["macs"] / seconds
    moved = seconds and record.get("bytes_to_move") and record["bytes_to_move"] / seconds
    return record | {
        "mac_per_second": macs,
        "share_of_product_rate": macs and macs / best["product_mac_per_second"],
        "share_of_memory_rate": moved and moved / best["copy_bytes_per_second"],
    }


def _rates(records):
    """Return {algorithm: MAC/s over all layers that it takes, on one thread}."""
    sums = {}
    for record in records:
        if record["threads"] == 1 and record["median_seconds"]:
            macs, seconds = sums.get(record["algorithm"], (0, 0.0))
            sums[record["algorithm"]] = macs + record["macs"], seconds + record["median_seconds"]
    return {name: macs / seconds for name, (macs, seconds) in sums.items()}


def _network(asked, graph, batch, threads, rates):
    x = settings.images(graph, batch)
    macs = batch * count(graph, outputs=[graph.main]).macs
    slow = {name: rate for name, rate in rates.items() if macs / rate > TOO_SLOW_NETWORK * batch}
    calls, everywhere = {}, {}
    for algorithm in ("auto", *(name for name in rates if name not in slow)):
        net, everywhere[algorithm] = with_algorithm(graph, algorithm)
        calls[algorithm] = functools.partial(net, x)
    timings = clock.alternate(calls, rounds=asked.rounds, seconds=asked.seconds)
    records = [
        {"algorithm": name, "convolutions": everywhere[name], "estimated": False, **timing.as_dict()}
        | {"peak_bytes": _peak_bytes(calls[name])}
        for name, timing in timings.items()
    ]
    total = len(cases.convolutions(graph, [graph.main]))
    for name, rate in slow.items() if threads == 1 else ():
        estimate = {"median_seconds": macs / rate, "minimum_seconds": macs / rate, "rounds": 0, "peak_bytes": None}
        records.append({"algorithm": name, "convolutions": total, "estimated": True, **estimate})
    what = {"batch": batch, "threads": threads, "macs": macs}
    return [_with_shares({**what, **record}) for record in records]


def with_algorithm(graph, algorithm):
    """Return (a copy whose convolutions use that algorithm where it takes them, "auto" elsewhere; how many it took)."""
    net, taken = copy.deepcopy(graph), 0
    for name in cases.convolutions(net, [net.main]):
        fits = algorithm == "auto" or cases.of_node(net, name, 1).refusal(algorithm) is None
        net.nodes[name].layer.algorithm = algorithm if fits else "auto"
        taken += fits
    return net, taken


def _peak_bytes(call) -> int:
    """Return the most memory that a call holds at once, its output too, as Python and NumPy allocate it."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def tables(result) -> list[Table]:
    """Return the tables of a result: the machine's best, the layers, the whole network."""
    best = [
        (r["threads"], giga(r["product_mac_per_second"]), giga(r["copy_bytes_per_second"])) for r in result["rates"]
    ]
    notes = ["Product: float32 np.matmul of 1024 x 1024, one per thread. Copy: bytes read and written."]
    layers = [
        (
            r["layer"],
            r["batch"],
            r["threads"],
            r["algorithm"],
            *_numbers(r),
            per_cent(r["share_of_memory_rate"]),
            f"{r['macs'] / r['bytes_to_move']:.1f}",
            mega(r["peak_bytes"]),
        )
        for r in result["layers"]
    ]
    network = [
        (r["batch"], r["threads"], r["algorithm"], r["convolutions"], *_numbers(r), mega(r["peak_bytes"]))
        for r in result["network"]
    ]
    times = (">median ms", ">minimum ms", ">GMAC/s", ">of product rate")
    reason = compiled.why_not_fast()
    return [
        Table("This machine at its best", (">threads", ">product GMAC/s", ">copy GB/s"), best, notes),
        Table(
            "The ladder on single layers, forward",
            ("layer", ">batch", ">threads", "algorithm", *times, ">of memory rate", ">MAC per byte", ">peak MB"),
            layers,
            [
                "GMAC/s counts the multiply-adds of the definition. Winograd does with fewer, so it may pass 100%.",
                "Of memory rate: input, weights, output moved once. Peak: most memory held at once, with the output.",
                "about: from the rate on a piece of the layer. -: the algorithm does not take this layer.",
                *([f"numba and winograd need compiled code, but {reason}."] if reason else []),
            ],
        ),
        Table(
            "The ladder in the whole network, inference of the main output",
            (">batch", ">threads", "algorithm", ">convolutions", *times, ">peak MB"),
            network,
            ["Convolutions: how many an algorithm takes; the others are 'auto'. about: from its rate on the layers."],
        ),
    ]


def _numbers(record):
    about = "about " if record["estimated"] else ""
    times = [milliseconds(record["median_seconds"]), milliseconds(record["minimum_seconds"])]
    if about:
        times = [about + times[0], "-"]
    return *times, giga(record["mac_per_second"]), per_cent(record["share_of_product_rate"])
