"""Without Numba everything runs in NumPy, one line reports that, and functions that need Numba explain why."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigooglenet.kernels import compiled

REASON = "Numba cannot be imported (ModuleNotFoundError: No module named 'numba')"
NOTICE = compiled.WITHOUT_NUMBA.format(reason=REASON) + "\n"


def child(program, folder=None, blocked=True):
    block = str(Path(__file__).parent / "without_numba") if blocked else ""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": block, "NUMBA_DISABLE_JIT": "0"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


IMPORTS = """
import importlib, pkgutil, sys
import minigooglenet

others = ("kernels.fast", "planning.fused", "planning.barrier", "bench.peers.")  # compiled code, and other engines
others = tuple(f"minigooglenet.{name}" for name in others)
names = [
    module.name
    for module in pkgutil.walk_packages(minigooglenet.__path__, "minigooglenet.", onerror=lambda name: None)
    if not module.name.startswith(others) and not module.name.rpartition(".")[2][0].isdigit()
]
for name in names:
    if not name.endswith(".__main__"):
        importlib.import_module(name)
fast = ("numba", "llvmlite", "minigooglenet.kernels.fast")
print(len(names), [name for name in sys.modules if name.startswith(fast)])
"""


def test_every_module_outside_compiled_code_imports_without_numba():
    process = child(IMPORTS)
    assert process.returncode == 0, process.stderr
    count, loaded = process.stdout.split(maxsplit=1)
    assert int(count) > 200
    assert loaded == "[]\n"
    assert process.stderr in ("", NOTICE)


GOOGLENET = """
import sys

import numpy as np

import minigooglenet as mg

g = mg.models.googlenet(size=64, width=0.25, rng=0)
x = np.random.default_rng(0).standard_normal((2, 3, 64, 64)).astype(np.float32)
outputs, tape = g.forward({"image": x}, train=True)
loss, _, grads = mg.losses.weighted_sum(outputs, np.array([1, 2]), mg.losses.head_weights(g))
_, grad_params = g.backward(grads, tape, inputs=False)
before = g(x)
mg.optim.sgd_step(g.params, grad_params, {}, lr=0.01)
mg.adaptive.adamw_step(g.params, grad_params, {}, lr=0.001)
print(float(loss), float(np.abs(g(x) - before).max()) > 0, float(np.abs(mg.plan(g)(x) - g(x)).max()) < 1e-4)
print(mg.gradcheck.check_layer(mg.layers.MaxPool2d(3, 2, ceil_mode=True), rng=0).verdict)
print(mg.count(g).params)
loaded = [name for name in sys.modules if name.startswith("minigooglenet.kernels.fast")]
print("kernels/fast" in str(mg.use()), loaded)
for algorithm in ("numba", "winograd"):
    try:
        mg.layers.Conv2d(3, 4, 3, algorithm=algorithm)
    except ValueError as error:
        print(error)
"""


def test_googlenet_trains_without_numba():
    process = child(GOOGLENET)
    assert process.returncode == 0, process.stderr
    first, verdict, params, files, *errors = process.stdout.splitlines()
    assert first.split()[1:] == ["True", "True"]
    assert (verdict, files) == ("PASS", "False []")
    assert int(params) > 0
    assert process.stderr == NOTICE
    assert errors == [
        f"algorithm='{name}' needs compiled code, but {REASON}. Try algorithm='auto'." for name in ("numba", "winograd")
    ]
    usual = child(GOOGLENET, blocked=False)
    losses = [float(done.stdout.split()[0]) for done in (process, usual)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_page_on_forms_quotes_the_notice():
    page = (Path(__file__).parents[1] / "docs" / "forms.md").read_text(encoding="utf-8")
    assert " ".join(NOTICE.split()) in " ".join(page.split())


COMMANDS = {
    "warmup": "import sys; from minigooglenet.cli import main; sys.exit(main(['warmup']))",
    "doctor": "from minigooglenet.course import doctor; print(doctor.compiler()); print(doctor.cache())",
    "listing": "from minigooglenet.exercises import check; print(check())",
    "compiled loops": "from minigooglenet.exercises import check; print(check('13.3', lambda x, w, b, y: None))",
    "rung": "from minigooglenet.lessons.lesson_13_fast import rungs; rungs.along_rows(1, 2, 3, 4)",
    "ideas": "import sys; from minigooglenet.cli import main\n"
    "sys.exit(main('bench --quick --rounds 1 --peers none --model mini_googlenet --out . ideas'.split()))",
}


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        ("warmup", 1, f"minigooglenet warmup: nothing was compiled, because {REASON}. {compiled.INSTEAD}\n"),
        ("doctor", 0, f"WRONG  {REASON}. {compiled.INSTEAD}\n       what to do: "),
        ("listing", 0, "13.3   compiled loops on all cores"),
        ("compiled loops", 0, f"this exercise compiles your function, but {REASON}\n"),
        ("rung", 1, f"RuntimeError: along_rows needs compiled code, but {REASON}."),
        ("ideas", 0, "no writing into the concat"),
    ],
)
def test_compiled_algorithm_without_numba_explains_why(tmp_path, command, code, text):
    done = child(COMMANDS[command], tmp_path)
    assert done.returncode == code, done.stderr
    assert text in done.stdout + done.stderr
    assert done.stderr.count(NOTICE) <= 1
