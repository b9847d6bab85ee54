"""Start-up time: from starting Python to the first result of a network, with and without cached kernels.

Each time is that of a fresh process. Cold means an empty kernel cache, warm the same cache afterwards.
"""

import json
import statistics
import subprocess
import tempfile
import time

from minigooglenet import children
from minigooglenet.bench.results import milliseconds
from minigooglenet.console import Table

LIMIT = 600  # seconds, the time limit of a process
WARM_RUNS, QUICK_WARM_RUNS = 5, 2
# A typical first program. It prints the time of each stage; the total time is measured from outside.
PROGRAM = """
import json, sys, time
started = time.perf_counter()
import numpy as np
import minigooglenet as mg
from minigooglenet import orphans
from minigooglenet.weights import by_name
imported = time.perf_counter()
g = by_name.network(sys.argv[1], init="he", rng=0)
built = time.perf_counter()
orphans.watch()
x = np.zeros((1, *next(iter(g.inputs.values()))), np.float32)
g(x)
done = time.perf_counter()
stages = {"import_seconds": imported - started, "build_seconds": built - imported, "first_result_seconds": done - built}
print(json.dumps(stages), flush=True)
"""


def measure(options, progress) -> dict:
    """Return the times from a fresh process to the first result: one cold run and several warm runs."""
    records = []
    with tempfile.TemporaryDirectory(prefix="minigooglenet-cache-", ignore_cleanup_errors=True) as folder:
        progress("start, compiling all kernels")
        records.append({"cache": "cold", "model": options.model, "runs": 1, **first_result(options, folder)})
        runs = []
        for number in range(QUICK_WARM_RUNS if options.quick else WARM_RUNS):
            progress(f"start, cached kernels, run {number + 1}")
            runs.append(first_result(options, folder))
    medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    records.append({"cache": "warm", "model": options.model, "runs": len(runs), **medians})
    return {"records": records}


def first_result(options, folder) -> dict:
    """Return the seconds of each stage of one fresh process with its kernel cache in `folder`."""
    variables = children.environment(NUMBA_CACHE_DIR=str(folder), MINIGOOGLENET_NUM_THREADS=str(options.threads))
    # The errors go to a file, because a second pipe that is not read could block the process.
    with children.own_folder() as process_folder, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = children.start(
            *("start", options.model),
            folder=process_folder,
            program=PROGRAM,
            variables=variables,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            line = process.stdout.readline()
            whole = time.perf_counter() - started
            process.communicate(timeout=LIMIT)
        finally:
            process.kill()
            process.wait()
        if not line:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else "no error message"
            raise ValueError(f"a fresh process did not reach its first result: {reason}")
    return {"whole_seconds": whole, **json.loads(line)}


def tables(result) -> list[Table]:
    """Return the table of a result."""
    stages = ("whole_seconds", "import_seconds", "build_seconds", "first_result_seconds")
    rows = [(r["cache"], r["runs"], *(milliseconds(r[stage]) for stage in stages)) for r in result["records"]]
    columns = ("kernels", ">runs", ">total ms", ">import ms", ">build the network ms", ">first result ms")
    notes = [
        "Total: from starting Python in a fresh process to the first output for one image; medians over the runs.",
        "cold: every kernel is compiled; warm: compiled kernels are loaded from the cache.",
    ]
    return [Table(f"From Python to the first result of {result['records'][0]['model']}", columns, rows, notes)]
