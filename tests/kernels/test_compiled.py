"""How kernels are compiled: what is kept, when it is stale, and the one word that is said."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import minigooglenet
from minigooglenet.kernels import compiled
from minigooglenet.warmup import folder

RELU = """
import numpy as np
from minigooglenet.kernels import relu
y, _ = relu.forward(np.array([[-1.0, 2.0]], np.float32))
print(y.tolist())
"""


def run(program, cache, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        env={**os.environ, **({"NUMBA_CACHE_DIR": str(cache)} if cache else {}), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )


def test_the_first_compilation_is_said_once_and_kept_for_the_next_process(tmp_path):
    first, second = run(RELU, tmp_path), run(RELU, tmp_path)
    assert first.stdout == second.stdout == "[[0.0, 2.0]]\n"
    assert first.stderr.count(compiled.MESSAGE) == 1
    assert second.stderr == ""


def test_several_processes_may_start_at_once(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RELU], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert outputs == [b"[[0.0, 2.0]]" + os.linesep.encode()] * 4


def test_a_kept_kernel_is_stale_when_the_source_of_another_changes(tmp_path):
    ours = Path(minigooglenet.__file__).parent
    copy = shutil.copytree(ours, tmp_path / "minigooglenet", ignore=shutil.ignore_patterns("__pycache__"))
    where = {"cwd": tmp_path, "PYTHONPATH": str(tmp_path)}
    said = [run(RELU, tmp_path / "cache", **where).stderr.count(compiled.MESSAGE) for _ in range(2)]
    with (copy / "kernels" / "vector.py").open("a", encoding="utf-8") as file:
        file.write("# A kernel holds the code of what it calls from here.\n")
    said.append(run(RELU, tmp_path / "cache", **where).stderr.count(compiled.MESSAGE))
    assert said == [1, 0, 1]


def test_where_no_folder_can_be_written_kernels_are_compiled_and_work(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    result = run(RELU, blocked / "below")
    assert result.stdout == "[[0.0, 2.0]]\n"


def test_the_folder_of_the_kernels_is_known():
    path = folder()
    if path is None:
        pytest.skip("no folder can be written here")
    assert path.is_dir()
    assert Path(minigooglenet.__file__).parent.exists()


NETWORK = """
import numba
import numpy as np
import minigooglenet as mg
from minigooglenet.lessons.lesson_13_fast.parallel_loops import judged
from minigooglenet.lessons.lesson_13_fast.compiled_loops import conv_numba

g = mg.Graph(x=(2, 6, 6))
g.add("conv", mg.layers.Conv2d(2, 3, 3, rng=0), "x")
x = np.ones((1, 2, 6, 6), np.float32)
print(g(x).sum(), mg.plan(g)(x).sum())

@numba.njit(parallel=True)
def mine(x, w, b, y):
    pass

print(hasattr(mine, "py_func"), judged(conv_numba, mine).what)
"""
COMMAND = "import sys; from minigooglenet.cli import main; sys.exit(main(['count', 'mini_googlenet']))"


def test_disabled_jit_gives_one_sentence_and_the_same_results():
    usual, disabled = run(NETWORK, None), run(NETWORK, None, NUMBA_DISABLE_JIT="1")
    assert disabled.stderr.replace(f"{compiled.MESSAGE}\n", "") == f"{compiled.JIT_DISABLED}\n"
    assert disabled.stdout.splitlines()[0] == usual.stdout.splitlines()[0]
    assert usual.stdout.splitlines()[1].startswith("True ")
    assert "False numba.njit returned your function uncompiled, because NUMBA_DISABLE_JIT is set" in disabled.stdout


def test_disabled_jit_gives_one_sentence_on_the_command_line():
    usual, disabled = run(COMMAND, None), run(COMMAND, None, NUMBA_DISABLE_JIT="1")
    assert disabled.stdout == usual.stdout
    assert disabled.stderr == f"{compiled.JIT_DISABLED}\n"
