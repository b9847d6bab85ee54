"""How the process of a notebook starts: isolated, and inside the box that bubblewrap builds where it is installed."""

import json
import subprocess

from minigooglenet import children, warmup
from minigooglenet.course.grading import sandbox


def start(work, results, single) -> subprocess.Popen:
    """Start `student` with the description of its work; what it sends goes to the file `results`.

    single : variables that hold libraries to one thread
    """
    import matplotlib  # only here, because the command line waits for what is imported at its start

    words = children.command("minigooglenet.course.grading.worker", json.dumps(work), options=("-B", "-W", "ignore"))
    read = [str(children.PACKAGE), work["path"], *work["readable"]]
    write = [str(_kernels() or children.PACKAGE), matplotlib.get_cachedir()]  # sealed before the first cell runs
    words = sandbox.command(work["mechanism"], words, work["folder"], read, write)
    variables = children.environment(**dict.fromkeys(single, "1"), TMPDIR=work["folder"], TEMP=work["folder"])
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=results,
        stderr=subprocess.DEVNULL,
        cwd=work["folder"],
        env={**variables, "MPLBACKEND": "agg"},
        start_new_session=True,
    )


def readable() -> list[str]:
    """Return the folders beside Python's own that its packages and compiled kernels are read from."""
    kernels = _kernels()
    return sandbox.packages() + ([] if kernels is None else [str(kernels)])


def _kernels():
    """Return the folder of compiled kernels, None if they are kept in the package."""
    cache = warmup.folder()
    return None if cache is None or cache.is_relative_to(children.PACKAGE) else cache.parent
