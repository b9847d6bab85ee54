"""How much memory training takes: the peak of a few steps over what the process held when the network was built.

Each contender runs in a fresh process: a peak never falls again, and what one contender freed would serve the next.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import minigooglenet.bench.peers as known_peers
from minigooglenet import children, orphans
from minigooglenet.bench import settings, training
from minigooglenet.bench.results import mega, times
from minigooglenet.console import Table

BATCHES, QUICK = (8, 16), (2,)
STEPS = 3
LIMIT = 600  # seconds after which a process is given up


def measure(asked, tell) -> dict:
    """Return the peak memory of three training steps, ours and each peer's, each in a process of its own."""
    if resident() is None:
        return {"records": [], "left_out": {"everything": "this system tells a process's memory only through psutil"}}
    graph = asked.graph()
    records, left_out = [], {}
    tell("memory of training, kernels compiled beforehand")
    training.our_step(graph, *training.batch_of(graph, 1))()  # a compiler's memory is not the training's
    for batch in asked.batch_sizes(BATCHES, QUICK):
        for contender, peer in _contenders(graph, batch, asked.peers).items():
            tell(f"memory of training, batch {batch}, {contender}")
            request = {"model": asked.model, "batch": batch, "threads": asked.threads, "contender": contender}
            request["peers"] = peer  # nothing that it does not need is imported beside it
            try:
                records.append({**request, **in_fresh_process(request)})
            except RuntimeError as error:
                left_out[contender] = str(error)
    return {"records": records, "left_out": left_out}


def _contenders(graph, batch, peers):
    found = {training.OURS: []}
    for name, peer in peers.items():
        found |= {
            contender: [name] for contender in training.steps(graph, batch, {name: peer}) if contender not in found
        }
    return found


def in_fresh_process(request) -> dict:
    """Return what `child` says of a request."""
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
        raise RuntimeError(f"its process ended with {run.returncode}: {lines[-1] if lines else 'it said nothing'}")
    return json.loads(run.stdout.splitlines()[-1])


def child() -> None:
    """Read a request from standard input, build its contender, do the steps, print the memory as JSON."""
    orphans.watch()
    request = json.load(sys.stdin)
    peers, missing = known_peers.find(request["peers"])
    if missing:
        raise SystemExit("; ".join(missing.values()))
    asked = settings.Settings(model=request["model"], threads=request["threads"], peers=peers)
    with settings.threads(asked.threads, peers.values()):
        step = training.steps(asked.graph(), request["batch"], peers)[request["contender"]]()
        forget_peak()
        built, _ = resident()
        for _ in range(STEPS):
            step()
        now, peak = resident()
    print(json.dumps({"steps": STEPS, "built_bytes": built, "peak_bytes": peak - built, "kept_bytes": now - built}))


def forget_peak() -> None:
    """Let the peak start from here, where the system can; elsewhere it is that of the process so far."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def resident() -> tuple[int, int] | None:
    """Return (bytes of memory that this process holds now, the most that it ever held), or None where nobody tells."""
    # Linux hands getrusage's maximum on from the parent process, so what /proc says comes first.
    status = Path("/proc/self/status")
    if status.exists():
        pairs = (line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines() if ":" in line)
        sizes = {key: value.split()[0] for key, value in pairs if key in ("VmRSS", "VmHWM")}
        if len(sizes) == 2:
            return 1024 * int(sizes["VmRSS"]), 1024 * int(sizes["VmHWM"])
    try:
        import psutil

        found = psutil.Process().memory_info()
        if hasattr(found, "peak_wset"):  # Windows
            return found.rss, found.peak_wset
        now = found.rss
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
    columns = (">batch", "contender", ">built MB", ">peak over it MB", ">kept over it MB", ">peak to ours")
    notes = [
        f"Resident memory of a fresh process: when the network is built, and what {STEPS} training steps add to it.",
        *(f"{name} is left out: {reason}" for name, reason in result["left_out"].items()),
    ]
    return [Table("Memory of training", columns, rows, notes)]
