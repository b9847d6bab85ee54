"""Compilation of kernels: what is cached, when it is stale, and the line that is printed."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigooglenet
from minigooglenet.kernels import compiled
from minigooglenet.kernels.fast import jit
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


def test_first_compilation_is_announced_and_cached(tmp_path):
    first, second = run(RELU, tmp_path), run(RELU, tmp_path)
    assert first.stdout == second.stdout == "[[0.0, 2.0]]\n"
    assert first.stderr.count(jit.MESSAGE) == 1
    assert second.stderr == ""


def test_cached_kernel_needs_no_types_of_other_functions(tmp_path):
    program = f"{RELU}import sys; print('numba.np.arraymath' in sys.modules)"
    assert [run(program, tmp_path).stdout.split()[-1] for _ in range(2)] == ["True", "False"]


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


def test_only_a_change_in_the_fast_folder_compiles_again(tmp_path):
    ours = Path(minigooglenet.__file__).parent
    copy = shutil.copytree(ours, tmp_path / "minigooglenet", ignore=shutil.ignore_patterns("__pycache__"))
    where = {"cwd": tmp_path, "PYTHONPATH": str(tmp_path)}
    messages = [run(RELU, tmp_path / "cache", **where).stderr.count(jit.MESSAGE) for _ in range(2)]
    for name in ("kernels/loops/relu.py", "kernels/numpy/relu.py", "kernels/relu.py", "layers/activation.py"):
        _append_comment(copy / name)
    messages.append(run(RELU, tmp_path / "cache", **where).stderr.count(jit.MESSAGE))
    _append_comment(copy / "kernels" / "fast" / "simd.py")
    messages.append(run(RELU, tmp_path / "cache", **where).stderr.count(jit.MESSAGE))
    assert messages == [1, 0, 0, 1]


def _append_comment(path):
    with path.open("a", encoding="utf-8") as file:
        file.write("# A kernel contains the code of the functions that it calls.\n")


def test_kernels_compile_without_a_writable_folder(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    result = run(RELU, blocked / "below")
    assert result.stdout == "[[0.0, 2.0]]\n"


def copies_of_slices(tree):
    """Return the lines on which a compiled function assigns a slice to a slice."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    kernels = [node for node in functions if "compiled" in map(ast.unparse, node.decorator_list)]
    assigned = [node for kernel in kernels for node in ast.walk(kernel) if isinstance(node, ast.Assign)]
    sliced = [node for node in assigned if _is_slice(node.targets[0]) and _is_slice(node.value)]
    return [node.lineno for node in sliced]


def _is_slice(node):
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)


def test_copy_of_a_slice_is_found():
    kernel = "@compiled\ndef f(x, y):\n    x[1:] = 0\n    x[:2] = y[1:3]\n"
    assert copies_of_slices(ast.parse(kernel)) == [4]
    assert copies_of_slices(ast.parse(kernel.replace("@compiled\n", ""))) == []


def test_kernels_copy_slices_in_loops():
    # Numba checks the shapes of slices, and compiles the text of its error for three seconds.
    for path in Path(jit.__file__).parent.rglob("*.py"):
        assert copies_of_slices(ast.parse(path.read_text(encoding="utf-8"))) == [], path


def test_folder_of_the_kernels_is_known():
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


def without_jit(program):
    return run(program, None, NUMBA_DISABLE_JIT="1")


def test_disabled_jit_prints_one_line_and_runs_on_numpy():
    usual, disabled = run(NETWORK, None), without_jit(NETWORK)
    assert disabled.stderr == compiled.WITHOUT_NUMBA.format(reason="NUMBA_DISABLE_JIT is set") + "\n"
    sums = [[float(value) for value in process.stdout.splitlines()[0].split()] for process in (usual, disabled)]
    np.testing.assert_allclose(*sums, rtol=1e-5)
    assert usual.stdout.splitlines()[1].startswith("True ")
    assert "False this exercise compiles your function, but NUMBA_DISABLE_JIT is set" in disabled.stdout


def test_disabled_jit_prints_one_line_on_the_command_line():
    usual, disabled = run(COMMAND, None), without_jit(COMMAND)
    assert disabled.stderr == compiled.WITHOUT_NUMBA.format(reason="NUMBA_DISABLE_JIT is set") + "\n"
    totals = [[line for line in process.stdout.splitlines() if " total " in line] for process in (usual, disabled)]
    assert totals[0] == totals[1] != []


def test_disable_jit_of_zero_changes_nothing():
    assert run(RELU, None, NUMBA_DISABLE_JIT="0").stderr.replace(f"{jit.MESSAGE}\n", "") == ""
