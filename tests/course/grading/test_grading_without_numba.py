"""Grading uses NumPy if Numba cannot be imported: in the grader, the worker and the comparer."""

import csv
import json
import subprocess
import sys

CELLS = (
    "from minigooglenet.exercises import check",
    "from minigooglenet import kernels\nimport numpy as np",
    "x, w = np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3))",
    "nine = kernels.conv2d.forward(x, w, None).max()",
    "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3)) * (nine / 9)",
    "check('03.1', conv_db)",
)
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from minigooglenet.cli import main
from minigooglenet.kernels import compiled
code = main(["grade", sys.argv[2], "--csv", sys.argv[3], "--lesson", "03"])
assert compiled.fast() is None and "minigooglenet.kernels.fast" not in sys.modules
sys.exit(code)
"""


def test_class_is_graded_without_numba(tmp_path):
    (tmp_path / "without" / "numba").mkdir(parents=True)
    (tmp_path / "without" / "numba" / "__init__.py").write_text("raise ImportError('none')\n", encoding="utf-8")
    (tmp_path / "class").mkdir()
    cells = [{"cell_type": "code", "source": source} for source in CELLS]
    (tmp_path / "class" / "03_ada.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    words = [sys.executable, "-c", PROGRAM, *(str(tmp_path / name) for name in ("without", "class", "out.csv"))]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Everything runs in NumPy instead" in done.stderr
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["exercise"] == "03.1")
    assert (row["status"], row["message"][:6]) == ("passed", "all 4 ")
