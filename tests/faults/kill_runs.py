"""Small training runs in forks of one process, killed at random moments, and digests of their files."""

import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "training"))

FILES = ("weights.safetensors", "best.safetensors", "gradients.csv")


def trainer(out, seed):
    """Return a Trainer of a tiny network that saves after every step."""
    from small import graph, split

    from minigooglenet.training import Settings, Trainer

    more = {"optimizer": "adamw", "lr": 0.01} if seed % 2 else {}
    settings = Settings(
        epochs=40, batch_size=10, save_every=0.0, average_from=0.5, gradients_every=3, seed=seed, **more
    )
    return Trainer(graph(), split(), settings, out)


def to_the_end(out, seed):
    """Resume a run and finish it."""
    run = trainer(out, seed)
    run.resume()
    assert run.run()


def digests(out) -> dict:
    """Return the SHA-256 of each file that a run leaves, without the times in its logs."""
    digest = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in FILES}
    for name in ("steps.csv", "epochs.csv"):
        rows = [line.rpartition(",")[0] for line in (out / name).read_text(encoding="utf-8").splitlines()]
        digest[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    odd = [path.name for path in out.iterdir() if ".corrupt-" in path.name or path.name.endswith(".part")]
    return digest | {"odd": sorted(odd)}


def kill_repeatedly(out, seed, kills) -> dict:
    """Kill a run `kills` times at random moments, finish it, and return its digests."""
    draw, done = random.Random(seed), 0
    while done < kills:
        child = os.fork()
        if child == 0:
            try:
                to_the_end(out, seed)
            finally:
                os._exit(3)  # it finished or failed
        time.sleep(draw.choice((0.001, 0.01, 0.05, 0.15)) * 2 * draw.random())
        os.kill(child, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert ended == -signal.SIGKILL, f"it ended before kill {done + 1}"
        done += 1
    to_the_end(out, seed)
    return digests(out)


def main(folder, first, last, kills):
    """Kill the runs first .. last - 1; print the digests of each, and those of an uninterrupted run."""
    for seed in range(first, last):
        killed = kill_repeatedly(folder / f"killed_{seed}", seed, kills)
        to_the_end(folder / f"whole_{seed}", seed)
        print(json.dumps([killed, digests(folder / f"whole_{seed}")]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
