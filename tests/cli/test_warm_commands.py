"""After `warmup`, no command compiles anything, in its own process or in processes that it starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numeric import needs_numba

from minigooglenet import cli, data, models, weights
from minigooglenet.kernels import compiled
from minigooglenet.warmup import folder

ROOT = Path(cli.__file__).parents[1]
ANSWER = "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))\n"
NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}
        for source in (
            "import numpy as np\nfrom minigooglenet.exercises import check",
            ANSWER,
            "check('03.1', conv_db)",
        )
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
DIGITS = "--data digits --epochs 1 --size 16 --batch 256"
COMMANDS = [  # every command, with options that run other kernels
    "warmup",
    "count mini",
    "gradcheck all",
    "gradcheck mini",
    f"train {DIGITS} --out batch --width 0.25",
    f"train {DIGITS} --out lrn --width 0.25 --norm lrn --average 0.5 --caffe-biases",
    f"train {DIGITS} --out none --width 0.25 --norm none --heads",
    f"train {DIGITS} --out tuned --weights batch/weights.safetensors --freeze inception*",
    f"train {DIGITS} --out shared --width 0.25 --workers 2 --optimizer adamw",
    f"sweep {DIGITS} --out swept --width 0.25 --try norm=lrn --jobs 2",
    "evaluate --data digits --weights batch/weights.safetensors --limit 30 --crops 0 10 --out tested",
    "weights inspect batch/weights.safetensors",
    "weights convert batch/weights.safetensors weights.npz",
    "experiment gradients --steps 1 --out gradients",
    "experiment distbelief --quick --out distbelief",
    "bench --quick --peers none --model mini_googlenet --profile --out measured ladder network training operations",
    "bench --quick --peers none --model mini_googlenet --out measured threads scaling ideas memory",
    "tour --quick --out tour",
    "classify --weights batch/weights.safetensors tour",
    "view batch/weights.safetensors --image tour/digit.png --label 3 --profile --no-open --out page.html",
    "detect train --weights colour.safetensors --size 32 --scenes 2 --epochs 1 --multibox --out detector",
    "lessons lessons --no-open --solutions sources",
    "release sources notebooks --course course.toml",  # of one lesson
    "check 03.1 mine.py",
    "hint 03.1",
    "grade class --csv grades.csv",
    "exercise new 02.9 --exercises own",
    "exercise lint own",
    "cards cards.tsv",
    "exam papers --key keys --seed 1",
    "docs --no-open --out site",  # built before
    "doctor",
]
FAILING = ("doctor", "exercise lint")  # a machine may have problems, and a new exercise is incomplete
PROGRAM = """
import json, sys, traceback
import sklearn.datasets
from numba.core import event
from minigooglenet import cli, data, models, weights
from minigooglenet.kernels.fast.jit import is_kernel

class Listener(event.Listener):
    def on_start(self, event):
        if is_kernel(event.data["dispatcher"]):
            compiled.append(f"{event.data['dispatcher'].py_func.__qualname__}: {event.data['args']}")
    def on_end(self, event):
        pass

event.register("numba:compile", Listener())
few = sklearn.datasets.load_digits()
few.images, few.target = few.images[:400], few.target[:400]  # a kernel depends on types, not on the number of images
sklearn.datasets.load_digits = lambda: few
results = {}
for command in json.load(open("commands.json")):
    compiled = []
    try:
        code = cli.main(command.split())
    except SystemExit as stop:
        code = stop.code
    results[command] = code, compiled
json.dump(results, open("results.json", "w"))
"""


# Start with the kernels that this machine has compiled before, so that the test takes less time, and afterwards remove
# those that `warmup` did not use.
WARMUP = """
import json, shutil
from pathlib import Path
from minigooglenet import cli
from minigooglenet.kernels.fast import compile_cache
from minigooglenet.parallel import spinning

for source, folder in json.load(open("before.json")):
    new = compile_cache.kept_in(Path(source))
    for path in Path(folder).glob("*.nbc"):
        shutil.copy(path, new)
used, read, write = set(), compile_cache._read, compile_cache._write

def recorded_read(folder, name, source):
    used.add(folder / name)
    return read(folder, name, source)

def recorded_write(folder, name, parts, source):
    used.add(folder / name)
    write(folder, name, parts, source)

compile_cache._read, compile_cache._write = recorded_read, recorded_write
spinning._is_busy = lambda: True  # the kernels of waiting threads are compiled on a busy machine too
cli.main(["warmup"])
for source, _ in json.load(open("before.json")):
    for path in set(compile_cache.kept_in(Path(source)).glob("*.nbc")) - used:
        path.unlink()
"""


def compiled_before():
    """Return [[folder of sources, folder of their cached kernels]]."""
    cache = compiled.fast().compile_cache
    sources = {path.parent for path in ROOT.rglob("*.py") if "@compiled" in path.read_text(encoding="utf-8")}
    return [[str(source), str(folder)] for source in sorted(sources) if (folder := cache.kept_in(source))]


def cached(cache):
    return sorted(path.relative_to(cache) for path in cache.rglob("*.nbc"))


@needs_numba
def test_no_command_compiles_after_warmup(tmp_path):
    if folder() is None:
        pytest.skip("no folder can be written here")
    assert {command.split()[0] for command in COMMANDS} == set(cli.COMMANDS)
    cache, work = tmp_path / "cache", tmp_path / "work"
    (work / "class").mkdir(parents=True)
    (work / "site").mkdir()
    (work / "site" / "index.html").touch()
    colour = models.mini_googlenet(10, width=0.25, depth=2, rng=0)
    weights.save(colour, work / "colour.safetensors", pixels=data.UNIT, classes=data.shapes(1).classes)
    (work / "mine.py").write_text(ANSWER, encoding="utf-8")
    (work / "course.toml").write_text("[lessons.03]\n", encoding="utf-8")
    (work / "class" / "03_ada.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    (work / "before.json").write_text(json.dumps(compiled_before()), encoding="utf-8")
    (work / "commands.json").write_text(json.dumps(COMMANDS), encoding="utf-8")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "MPLBACKEND": "agg"}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1800,
            check=True,
        )

    run("-c", WARMUP)
    warm = cached(cache)
    assert len(warm) > 100
    commands = run("-c", PROGRAM)
    results = json.loads((work / "results.json").read_text(encoding="utf-8"))
    assert {command: kernels for command, (_, kernels) in results.items() if kernels} == {}
    assert compiled.fast().jit.MESSAGE not in commands.stdout + commands.stderr
    assert cached(cache) == warm  # child processes compiled nothing either
    failed = {command: code for command, (code, _) in results.items() if code and not command.startswith(FAILING)}
    assert failed == {}, commands.stderr
