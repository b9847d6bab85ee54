"""The kernels of a first image, compiled by several processes at the same time.

Numba compiles one kernel after another in a process. So a process that must compile implicit GEMM, as nearly every
network does, starts another one that compiles the next large kernels, max pooling and Winograd's algorithm, or two with
three processors. They continue with the kernels of a live plan, which computes the second call. A plan starts them with
these. When a process needs one of those kernels it waits until it is in the cache. If anything goes wrong there, it
compiles the kernel itself.

Gain: the first image of GoogLeNet, without cached kernels, takes two thirds of the time on two processors.
Switch it off with MINIGOOGLENET_COMPILE_AHEAD=0.
"""

import atexit
import contextlib
import json
import os
import subprocess
import time

from minigooglenet import children
from minigooglenet.parallel import affinity, switches

VARIABLE = "MINIGOOGLENET_COMPILE_AHEAD"
# The kernels that each part of `first_kernels` compiles, in the order in which GoogLeNet needs them: two for its first
# call, and two for its second, which a live plan computes.
PARTS = ("max_pool2d.in_vectors",), ("winograd._convolve_block",), ("winograd._convolve_tiles",), ("max_pool2d._pool",)
# The kernels whose compilation starts the other processes, and the first part that these compile: a graph and a plan.
FIRST = {"implicit_gemm._convolve_parts": 0, "conv2d._convolve_rows": 2}
MOST_HELPERS = 2
SECONDS = 0.02  # between two looks for a kernel
PROGRAM = """
import json, sys
from minigooglenet import orphans
from minigooglenet.parallel import affinity
parts, parent, processors = json.loads(sys.argv[1])
orphans.end_with_parent(parent)
affinity.move_to(set(processors))
from minigooglenet.kernels.fast import first_kernels
for part in parts:
    first_kernels.PARTS[part]()
"""
_started: list = []  # of this process, once it has compiled the first kernel


class Helper:
    """A process that compiles some of PARTS."""

    def __init__(self, parts, processors):
        self.names = [name for part in parts for name in PARTS[part]]
        self.owner, self.folder = os.getpid(), children.own_folder()
        nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        variables = children.environment(**{VARIABLE: "0"})
        arguments = json.dumps([parts, self.owner, list(processors)])
        try:
            self.process = children.start(
                "compile-ahead", arguments, folder=self.folder.name, program=PROGRAM, variables=variables, **nothing
            )
        except BaseException:
            self.folder.cleanup()
            raise
        atexit.register(self.close)

    def will_compile(self, name):
        """Return whether this process may still compile a kernel."""
        return name in self.names and self.owner == os.getpid() and self.process.poll() is None

    def close(self):
        """End the process, if it still runs, and delete its folder."""
        if self.owner == os.getpid():
            with contextlib.suppress(OSError):
                self.process.kill()
                self.process.wait()
            self.folder.cleanup()


def wait_for(kernel, load):
    """Return `load()` once another process has compiled a kernel, or None if this process must compile it.

    kernel : the Python function;  load : returns the compiled kernel if it is in the cache, else None
    """
    name = _name(kernel)
    if name in FIRST and not _started:
        _start(range(FIRST[name], len(PARTS)))
    for helper in _started:
        while helper.will_compile(name):
            if (found := load()) is not None:
                return found
            time.sleep(SECONDS)
    return load() if any(name in helper.names for helper in _started) else None


def _start(parts):
    if not switches.from_environment(VARIABLE):
        return
    processors = affinity.everywhere()
    helpers = min(MOST_HELPERS, len(processors) - 1)
    for helper in range(helpers):
        with contextlib.suppress(OSError):  # no more processes are allowed
            _started.append(Helper(list(parts[helper::helpers]), processors))


def _name(kernel):
    return f"{kernel.__module__.rpartition('.')[2]}.{kernel.__qualname__}"
