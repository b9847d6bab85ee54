"""How long it takes from calling Python to the first result of a network, with compiled kernels at hand and without.

Each time is of a fresh process. Cold means an empty folder for the compiled kernels, warm the same folder afterwards.
"""

import json
import statistics
import subprocess
import tempfile
import time

from minigooglenet import children
from minigooglenet.bench.results import milliseconds
from minigooglenet.console import Table

LIMIT = 600  # seconds after which a process is given up
WARM_RUNS, QUICK_WARM_RUNS = 5, 2
# What a first-time user types; the time of each stage is told from inside, the whole from outside.
PROGRAM = """
import json, sys, time
started = time.perf_counter()
import numpy as np
import minigooglenet as mg
from minigooglenet import orphans
imported = time.perf_counter()
g = mg.models.build(sys.argv[1], init="he", rng=0)
built = time.perf_counter()
orphans.watch()
x = np.zeros((1, *g.shapes["image"]), np.float32)
g(x)
done = time.perf_counter()
stages = {"import_seconds": imported - started, "build_seconds": built - imported, "first_result_seconds": done - built}
print(json.dumps(stages), flush=True)
"""


def measure(asked, tell) -> dict:
    """Return the times from a fresh process to the first result, cold once and warm several times."""
    records = []
    with tempfile.TemporaryDirectory(prefix="minigooglenet-cache-", ignore_cleanup_errors=True) as folder:
        tell("start, kernels compiled anew")
        records.append({"cache": "cold", "model": asked.model, "runs": 1, **first_result(asked, folder)})
        runs = []
        for number in range(QUICK_WARM_RUNS if asked.quick else WARM_RUNS):
            tell(f"start, kernels at hand, run {number + 1}")
            runs.append(first_result(asked, folder))
    medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    records.append({"cache": "warm", "model": asked.model, "runs": len(runs), **medians})
    return {"records": records}


def first_result(asked, folder) -> dict:
    """Return the seconds of each stage of one fresh process that keeps its compiled kernels in `folder`."""
    variables = children.environment(NUMBA_CACHE_DIR=str(folder), MINIGOOGLENET_NUM_THREADS=str(asked.threads))
    # The errors go to a file: nobody reads a second pipe while this one is waited for.
    with children.own_folder() as place, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = children.start(
            *("start", asked.model),
            folder=place,
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
            said = errors.read().decode(errors="replace").strip().splitlines()
            raise ValueError(
                f"a fresh process did not reach its first result: {said[-1] if said else 'it said nothing'}"
            )
    return {"whole_seconds": whole, **json.loads(line)}


def tables(result) -> list[Table]:
    """Return the table of a result."""
    stages = ("whole_seconds", "import_seconds", "build_seconds", "first_result_seconds")
    rows = [(r["cache"], r["runs"], *(milliseconds(r[stage]) for stage in stages)) for r in result["records"]]
    columns = ("kernels", ">runs", ">whole ms", ">import ms", ">build the network ms", ">first result ms")
    notes = [
        "Whole: from starting Python in a fresh process to the first output of one image; medians over the runs.",
        "cold: every kernel is compiled; warm: compiled kernels are loaded from their folder.",
    ]
    return [Table(f"From Python to the first result of {result['records'][0]['model']}", columns, rows, notes)]
