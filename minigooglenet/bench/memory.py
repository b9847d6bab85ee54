"""Memory of training: the peak during a few steps, compared with the process after the network was built.

Each engine runs in a fresh process, because a peak never falls again, and an engine could reuse memory that another one
freed.
"""

import contextlib
import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import minigooglenet.bench.peers as known_peers
from minigooglenet import children, freed_memory, models, orphans
from minigooglenet.bench import settings, training
from minigooglenet.bench.results import mega, times
from minigooglenet.console import Table

BATCHES, QUICK = (8, 16), (2,)
STEPS = 3
LIMIT = 600  # seconds, the time limit of a process


def measure(options, progress) -> dict:
    """Return the peak memory of three training steps of each engine, each in its own process."""
    if resident() is None:
        return {
            "records": [],
            "left_out": {"everything": "this system provides the memory of a process only through psutil"},
        }
    graph = options.graph()
    records, left_out = [], {}
    progress("memory of training, compiling kernels")
    training.our_step(graph, *training.batch_of(graph, 1))()  # the memory of the compiler does not belong to training
    for batch in options.batch_sizes(BATCHES, QUICK):
        for engine, peer in _engines(graph, batch, options.peers).items():
            progress(f"memory of training, batch {batch}, {engine}")
            request = {"model": options.model, "batch": batch, "threads": options.threads, "contender": engine}
            request["peers"] = peer  # import only what this engine needs
            try:
                records.append({**request, **in_fresh_process(request)})
            except RuntimeError as error:
                left_out[engine] = str(error)
    return {"records": records, "left_out": left_out}


def _engines(graph, batch, peers):
    engines = {training.OURS: []}
    for name, peer in peers.items():
        engines |= {engine: [name] for engine in training.steps(graph, batch, {name: peer}) if engine not in engines}
    return engines


def in_fresh_process(request) -> dict:
    """Return the answer of `child` to a request."""
    command = children.command("memory", program="from minigooglenet.bench import memory; memory.child()")
    with children.own_folder() as folder:
        run = subprocess.run(
            command,
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
            cwd=folder,
            env=children.environment(),
        )
    if run.returncode:
        lines = run.stderr.strip().splitlines()
        raise RuntimeError(
            f"its process ended with exit code {run.returncode}: {lines[-1] if lines else 'no error message'}"
        )
    return json.loads(run.stdout.splitlines()[-1])


def child() -> None:
    """Read a request from standard input, build the engine, run the steps, and print the memory as JSON."""
    orphans.watch()
    request = json.load(sys.stdin)
    peers, missing = known_peers.find(request["peers"])
    if missing:
        raise SystemExit("; ".join(missing.values()))
    options = settings.Settings(model=request["model"], threads=request["threads"], peers=peers)
    with settings.threads(options.threads, peers.values()):
        graph = options.graph()
        # A step of a small network first: the code that an engine loads on first use does not belong to training.
        training.steps(models.googlenet(size=64, width=0.25, rng=0), 2, peers)[request["contender"]]()()
        step = training.steps(graph, request["batch"], peers)[request["contender"]]()
        gc.collect()
        freed_memory.release()
        forget_peak()
        built, _ = resident()
        for _ in range(STEPS):
            step()
        now, peak = resident()
    print(json.dumps({"steps": STEPS, "built_bytes": built, "peak_bytes": peak - built, "kept_bytes": now - built}))


def forget_peak() -> None:
    """Reset the peak if the system supports it; otherwise it is the peak of the process so far."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def resident() -> tuple[int, int] | None:
    """Return (resident memory of this process in bytes, its peak), or None if the system does not provide them."""
    # On Linux the maximum of getrusage is inherited from the parent process, so /proc is read first.
    status = Path("/proc/self/status")
    if status.exists():
        pairs = (line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines() if ":" in line)
        sizes = {key: value.split()[0] for key, value in pairs if key in ("VmRSS", "VmHWM")}
        if len(sizes) == 2:
            return 1024 * int(sizes["VmRSS"]), 1024 * int(sizes["VmHWM"])
    try:
        import psutil

        info = psutil.Process().memory_info()
        if hasattr(info, "peak_wset"):  # Windows
            return info.rss, info.peak_wset
        now = info.rss
    except ModuleNotFoundError:
        if sys.platform == "win32":
            return None
        command = ["/bin/ps", "-o", "rss=", "-p", str(os.getpid())]
        now = 1024 * int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return now, unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def tables(result) -> list[Table]:
    """Return the table of a result."""
    ours = {
        record["batch"]: record["peak_bytes"] for record in result["records"] if record["contender"] == training.OURS
    }
    rows = [
        (
            record["batch"],
            record["contender"],
            mega(record["built_bytes"]),
            mega(record["peak_bytes"]),
            mega(record["kept_bytes"]),
            times(record["peak_bytes"] / ours[record["batch"]] if ours.get(record["batch"]) else None),
        )
        for record in result["records"]
    ]
    columns = (">batch", "engine", ">built MB", ">added peak MB", ">added at the end MB", ">peak relative to ours")
    notes = [
        f"Resident memory of a fresh process: engine and network, and what {STEPS} training steps add.",
        *(f"{name} was skipped: {reason}" for name, reason in result["left_out"].items()),
    ]
    return [Table("Memory of training", columns, rows, notes)]
