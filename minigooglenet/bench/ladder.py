"""The ladder: every convolution algorithm, on selected layers and in the whole network.

An algorithm that would take too long is measured on a part of the layer; its estimated time is marked "about".
"""

import copy
import functools
import tracemalloc

from minigooglenet.bench import cases, clock, machine, settings
from minigooglenet.bench.results import giga, many, mega, milliseconds, percent
from minigooglenet.console import Table
from minigooglenet.counting import count
from minigooglenet.kernels import compiled, conv2d

BATCHES, QUICK = (1,), (1,)
TOO_SLOW = 0.2  # seconds per image, estimated from a part; slower layers are not measured in full
TOO_SLOW_NETWORK = 2.0  # the same for the whole network, estimated from the layers
PARTS = (cases.FEW_MACS, 20 * cases.FEW_MACS, 400 * cases.FEW_MACS)
LONG_ENOUGH = 0.005  # seconds; compared with them, the microseconds of argument checks do not matter


def measure(options, progress, layers=None) -> dict:
    """Return the peak rates of the machine, and records of layers and the whole network by algorithm and threads."""
    graph = options.graph()
    counts = options.thread_counts()
    progress("peak rates of this machine")
    result = {"rates": [machine.rates(count) for count in counts], "layers": [], "network": []}
    for batch in options.batch_sizes(BATCHES, QUICK):
        records = []
        for name in cases.chosen(graph, layers, few=options.quick):
            case, slow = cases.of_node(graph, name, batch), set()
            for threads in counts:
                progress(f"{name}, batch {batch}, {many(threads, 'thread')}")
                with settings.threads(threads):
                    records += _layer(options, case, batch, threads, slow)
                slow |= {record["algorithm"] for record in records if record["estimated"]}
        result["layers"] += records
        rates = _rates(records)
        for threads in counts:
            progress(f"whole network by algorithm, batch {batch}, {many(threads, 'thread')}")
            with settings.threads(threads):
                result["network"] += _network(options, graph, batch, threads, rates)
    return result


def _layer(options, case, batch, threads, slow):
    # Estimates are made only once, with one thread; estimates for each number of threads would add no information.
    refusals = {algorithm: case.refusal(algorithm) for algorithm in conv2d.ALGORITHMS if algorithm not in slow}
    rates = {name: _rate_on_a_part(case, name) for name, refusal in refusals.items() if refusal is None}
    fast = {
        name: functools.partial(case.run, name) for name, rate in rates.items() if case.macs / rate <= TOO_SLOW * batch
    }
    timings = clock.alternate(fast, rounds=options.rounds, seconds=options.seconds / 8, pause=0) if fast else {}
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
        records.append(_with_rates(record))
    return records


def _rate_on_a_part(case, algorithm):
    """Return MAC/s on a part of the layer that is large enough for the call overhead not to matter."""
    for macs in PARTS:
        small = case.small(macs)
        call = {algorithm: functools.partial(small.run, algorithm)}
        seconds = clock.alternate(call, rounds=2, seconds=0, pause=0, least=1)[algorithm].minimum
        if seconds > LONG_ENOUGH:
            break
    return small.macs / seconds


def _with_rates(record):
    """Add the rates, and their fractions of the peak rates with the same number of threads."""
    seconds, best = record["median_seconds"], machine.rates(record["threads"])
    macs = seconds and record["macs"] / seconds
    moved = seconds and record.get("bytes_to_move") and record["bytes_to_move"] / seconds
    return record | {
        "mac_per_second": macs,
        "share_of_product_rate": macs and macs / best["product_mac_per_second"],
        "share_of_memory_rate": moved and moved / best["copy_bytes_per_second"],
    }


def _rates(records):
    """Return {algorithm: MAC/s over all layers that it supports, with one thread}."""
    sums = {}
    for record in records:
        if record["threads"] == 1 and record["median_seconds"]:
            macs, seconds = sums.get(record["algorithm"], (0, 0.0))
            sums[record["algorithm"]] = macs + record["macs"], seconds + record["median_seconds"]
    return {name: macs / seconds for name, (macs, seconds) in sums.items()}


def _network(options, graph, batch, threads, rates):
    x = settings.images(graph, batch)
    macs = batch * count(graph, outputs=[graph.main]).macs
    slow = {name: rate for name, rate in rates.items() if macs / rate > TOO_SLOW_NETWORK * batch}
    calls, everywhere = {}, {}
    for algorithm in ("auto", *(name for name in rates if name not in slow)):
        net, everywhere[algorithm] = with_algorithm(graph, algorithm)
        calls[algorithm] = functools.partial(net, x)
    timings = clock.alternate(calls, rounds=options.rounds, seconds=options.seconds)
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
    return [_with_rates({**what, **record}) for record in records]


def with_algorithm(graph, algorithm):
    """Return (a copy whose convolutions use the algorithm if it supports them, else "auto"; how many it supports)."""
    net, supported = copy.deepcopy(graph), 0
    for name in cases.convolutions(net, [net.main]):
        fits = algorithm == "auto" or cases.of_node(net, name, 1).refusal(algorithm) is None
        net.nodes[name].layer.algorithm = algorithm if fits else "auto"
        supported += fits
    return net, supported


def _peak_bytes(call) -> int:
    """Return the peak memory of a call, including its output, as allocated by Python and NumPy."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def tables(result) -> list[Table]:
    """Return the tables of a result: peak rates, layers, whole network."""
    best = [
        (r["threads"], giga(r["product_mac_per_second"]), giga(r["copy_bytes_per_second"])) for r in result["rates"]
    ]
    notes = ["Product: float32 np.matmul of 1024 x 1024, one per thread. Copy: bytes read plus bytes written."]
    layers = [
        (
            r["layer"],
            r["batch"],
            r["threads"],
            r["algorithm"],
            *_numbers(r),
            percent(r["share_of_memory_rate"]),
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
        Table("Peak rates of this machine", (">threads", ">product GMAC/s", ">copy GB/s"), best, notes),
        Table(
            "The ladder on single layers, forward pass",
            ("layer", ">batch", ">threads", "algorithm", *times, ">of memory rate", ">MACs per byte", ">peak MB"),
            layers,
            [
                "GMAC/s counts the MACs of the definition. Winograd needs fewer, so it may exceed 100%.",
                "Of memory rate: input, weights and output are moved once. Peak: peak memory, including the output.",
                "about: estimated from a part of the layer. -: the algorithm does not support this layer.",
                *([f"numba and winograd need compiled code, but {reason}."] if reason else []),
            ],
        ),
        Table(
            "The ladder in the whole network, inference of the main output",
            (">batch", ">threads", "algorithm", ">convolutions", *times, ">peak MB"),
            network,
            ["Convolutions: how many the algorithm supports; the others use 'auto'. about: estimated from the layers."],
        ),
    ]


def _numbers(record):
    about = "about " if record["estimated"] else ""
    times = [milliseconds(record["median_seconds"]), milliseconds(record["minimum_seconds"])]
    if about:
        times = [about + times[0], "-"]
    return *times, giga(record["mac_per_second"]), percent(record["share_of_product_rate"])
