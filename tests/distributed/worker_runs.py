"""A small run for the tests of workers: a folder with a broken image, heads, dropout, momentum and averaging."""

import csv
import hashlib
import signal

import numpy as np
from PIL import Image

import minigooglenet as mg
from minigooglenet import distributed
from minigooglenet.distributed import worker
from minigooglenet.training import interrupt
from minigooglenet.training.display import Display

SETTINGS = mg.training.Settings(
    epochs=4, batch_size=16, shards=8, average_from=0.5, label_smoothing=0.1, clip_norm=2.0, save_every=0.0
)


def folder(path, count=18, size=16):
    """Write a folder of grey images of two classes, one of them unreadable, and return it."""
    rng = np.random.default_rng(0)
    for part, images in (("train", count), ("test", 4)):
        for label in ("across", "down"):
            (path / part / label).mkdir(parents=True)
            for number in range(images):
                image = rng.integers(0, 60, (size, size), np.uint8)
                image[slice(None) if label == "down" else 5, 5 if label == "down" else slice(None)] += 150
                Image.fromarray(image).convert("RGB").save(path / part / label / f"{number}.png")
    (path / "train" / "across" / "broken.png").write_bytes(b"not an image")
    return path


def recipe(data, settings=SETTINGS):
    """Return the Recipe of the run on the image folder `data`."""
    arguments = {"depth": 2, "width": 0.25, "aux": True}
    return mg.training.Recipe(str(data), size=16, augment=True, arguments=arguments, settings=settings)


def alone(run, out, resume=False):
    """Train in this process; return the digest of the result."""
    assert worker.train(run, out, distributed.Alone(), resume=resume, display=quiet())
    return digest(out)


def quiet():
    """Return a display whose output pytest captures."""
    return Display()


def digest(out):
    """Return a hash of the weights, and of the records without their times."""
    result = hashlib.sha256()
    for name in ("weights.safetensors", "best.safetensors"):
        result.update((out / name).read_bytes())
    for path in sorted(out.glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            rows = [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]
        result.update(repr((path.name, rows)).encode())
    return result.hexdigest()


def answer_with_signals(rank, layout, block, pipe):
    """Send the numbers of the signals that were delayed while this worker started."""
    arrived = []
    signal.signal(signal.SIGTERM, lambda number, frame: arrived.append(number))
    interrupt.unblock()
    pipe.send_bytes(bytes(arrived))
