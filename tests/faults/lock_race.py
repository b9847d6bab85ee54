"""Processes that repeatedly take the lock of one folder, and detect if two of them hold it."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path


def race(folder, processes, tries) -> dict:
    """Return how often the lock was held, rejected and held twice, in `tries` attempts per process."""
    command = [sys.executable, __file__, str(folder), str(tries)]
    running = [subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True) for seed in range(processes)]
    counts = [list(map(int, process.communicate()[0].split())) for process in running]
    assert all(process.returncode == 0 for process in running)
    return dict(zip(("held", "rejected", "double"), map(sum, zip(*counts, strict=True)), strict=True))


def _attempts(folder, tries, seed):
    from minigooglenet.training.lock import Hold

    draw, inside = random.Random(seed), Path(folder, "inside")
    held = rejected = double = 0
    for _ in range(tries):
        with Hold(folder) as hold:
            try:
                hold.take()
            except BlockingIOError:
                rejected += 1
                continue
            held += 1
            try:
                os.close(os.open(inside, os.O_CREAT | os.O_EXCL))  # fails if another process is inside
            except FileExistsError:
                double += 1
                continue
            if draw.random() < 0.5:
                time.sleep(draw.random() / 2000)
            inside.unlink()
    print(held, rejected, double)


if __name__ == "__main__":
    _attempts(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
