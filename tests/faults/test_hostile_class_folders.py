"""Sixty class folders with files that a careless grader would run: none of them runs, as root or as an ordinary user.

Each folder has a selection of files with the names of modules, packages and settings, at its top, next to a notebook,
or both. One command runs per folder, started in the folder, in a student's folder or in the folder above.
"""

import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "course" / "grading"))
import ordinary

FOLDERS = 60
GRADES = 8  # folders that are graded, which takes longest
MODULES = sorted(sys.stdlib_module_names - {"builtins", "sys", "antigravity", "this"})
PACKAGES = (
    *("numpy", "numba", "llvmlite", "matplotlib", "PIL", "rich", "threadpoolctl", "safetensors", "filelock", "yaml"),
    *("IPython", "scipy", "onnx", "torch", "encodings", "importlib", "collections", "jupyter_client", "psutil"),
)
FOREIGN = """
try:
    open({marker!r}, "a").write(__file__ + "\\n")
except OSError:
    pass
import _socket
try:
    _socket.socket().connect(("127.0.0.1", {port}))
except OSError:
    pass
raise SystemExit("foreign code ran: " + __file__)
"""
OTHERS = {
    "sitecustomize.py": FOREIGN,
    "usercustomize.py": FOREIGN,
    "conftest.py": FOREIGN,
    "ipython_config.py": FOREIGN,
    "jupyter_server_config.py": FOREIGN,
    "evil.pth": "import json; exec(open('json.py').read())\n",
    ".numba_config.yaml": "cache_dir: kernels\ndisable_jit: 1\n",
    "matplotlibrc": "backend: module://evil\n",
    "pyvenv.cfg": "home = .\n",
    "pytest.ini": "[pytest]\naddopts = -p evil\n",
    "evil.py": FOREIGN,
}
CELLS = (
    "import json, numpy as np\nfrom minigooglenet.exercises import check",
    "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))",
    "check('03.1', conv_db)",
)
# `python -m` itself imports these from the current folder, before any code of the package runs; `-P -m` does not.
RUNPY = subprocess.run(
    [sys.executable, "-I", "-S", "-c", "import runpy, sys; print(*{name.partition('.')[0] for name in sys.modules})"],
    capture_output=True,
    text=True,
    check=True,
).stdout.split()
TRAIN = ["train", "--data", "digits", "--epochs", "1", "--ensemble", "2", "--jobs", "2", "--out", "OUT"]
PARTS = (range(GRADES), range(GRADES, 34), range(34, FOLDERS))


def build(folder, number, marker, port):
    """Fill a class folder with foreign files that its number selects."""
    draw = random.Random(number)
    student = folder / "ada"
    student.mkdir(parents=True)
    made = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in CELLS]
    (student / "03_gradients.ipynb").write_text(json.dumps({"cells": made}), encoding="utf-8")
    text = FOREIGN.format(marker=str(marker), port=port)
    own = () if number % 2 else RUNPY
    modules, packages = (6, 3) if number < GRADES else (60, 12)  # `grade` treats each file as a submission
    for target in ((folder,), (student,), (folder, student))[number % 3]:
        for name in [*draw.sample(MODULES, modules), "json", "socket", "subprocess", "tempfile", "contextlib"]:
            if name not in own:
                (target / f"{name}.py").write_text(text, encoding="utf-8")
        for name in draw.sample(PACKAGES, packages):
            if name in own:
                continue
            (target / name).mkdir(exist_ok=True)
            (target / name / "__init__.py").write_text(text, encoding="utf-8")
        for name in draw.sample(sorted(OTHERS), 8):
            (target / name).write_text(OTHERS[name].replace("{marker!r}", repr(str(marker))).format(port=port))
        if number % 2:  # `python -m` would import this package, so -P -m is used here
            (target / "minigooglenet").mkdir()
            (target / "minigooglenet" / "__init__.py").write_text(text, encoding="utf-8")


def commands(number):
    """Return the command for a folder number, its working folder, and the expected exit codes."""
    where = (".", "ada", "..")[number // 3 % 3]
    notebook = {".": "ada/03_gradients.ipynb", "ada": "03_gradients.ipynb", "..": "class/ada/03_gradients.ipynb"}[where]
    handed = {".": ".", "ada": "..", "..": "class"}[where]
    if number < GRADES:
        return ["grade", handed, "--csv", os.devnull if number % 2 else "-", "--lesson", "3"], where, (0,)
    if number in (GRADES, GRADES + 1):
        return TRAIN, where, (0,)
    if number % 15 == 0:
        return ["doctor"], where, (0, 1)
    check, lessons = ["check", "03.1", notebook], ["lessons", "OUT", "--no-open"]
    return (check, ["count", "mini"], check, lessons, check, ["hint", "03.1"])[number % 6], where, (0,)


@pytest.mark.faults
@pytest.mark.skipif(sys.platform == "win32", reason="not tried: the test makes users and links")
@pytest.mark.parametrize("who", ["root", "ordinary"])
@pytest.mark.parametrize("part", PARTS)
def test_sixty_class_folders_run_no_foreign_files(who, part):
    if who == "root" and os.geteuid():
        pytest.skip("not tried: the tests do not run as root")
    with ordinary.temporary_folder() as base, socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        marker, kernels = Path(base, "marker"), Path(base, "kernels")
        for number in part:
            folder = Path(base, str(number), "class")
            build(folder, number, marker, server.getsockname()[1])
            words, where, right = commands(number)
            words = [str(Path(base, f"out-{number}")) if word == "OUT" else word for word in words]
            options = ["-P", "-m", "minigooglenet"] if number % 2 else ["-m", "minigooglenet"]
            variables = {"HOME": str(Path.home())} if who == "root" else {"NUMBA_CACHE_DIR": str(kernels)}
            done = ordinary.python([*options, *words], base, who == "root", cwd=folder / where, **variables)
            assert done.returncode in right, (number, words, done.stdout[-500:], done.stderr[-2000:])
            assert not marker.exists(), (number, words, marker.read_text(encoding="utf-8"))
            if words[0] == "grade" and words[3] == "-":
                assert "ada,03_gradients.ipynb,03.1" in done.stdout.replace('"', ""), done.stdout[:500]
                assert ",passed," in done.stdout
            with pytest.raises(TimeoutError):
                server.accept()
