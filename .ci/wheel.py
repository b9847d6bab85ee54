"""Test the wheel in a folder in new environments, away from the checkout: the engine alone, then the course.

python .ci/wheel.py dist
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

LARGEST = 5 * 2**20  # bytes
ENGINE = """
import sys, numpy as np, minigooglenet as mg
assert "site-packages" in mg.__file__, mg.__file__
g = mg.models.googlenet(aux=False, rng=0)
assert mg.count(g).params == 6_998_552
assert g(np.zeros((1, 3, 224, 224), np.float32)).shape == (1, 1000)
assert mg.gradcheck.check_layer(mg.layers.Conv2d(2, 3, 3), (2, 5, 5)).verdict == "PASS"
assert "function startGraph" in mg.view(g).html
assert not {"safetensors", "distributed", "sklearn"} & set(sys.modules)
"""
COURSE = ["lessons", "my-lessons", "--no-open"], ["tour", "--quick"]


def main(folder):
    """Run everything; the first failure ends it."""
    (wheel,) = Path(folder).resolve().glob("*.whl")
    assert wheel.stat().st_size < LARGEST, f"{wheel.name} has {wheel.stat().st_size:,} bytes"
    for extra, tests in (("", _engine), ("[course]", _course)):
        with tempfile.TemporaryDirectory() as home:
            venv.create(Path(home, "venv"), with_pip=True)
            python = Path(home, "venv", "Scripts" if sys.platform == "win32" else "bin", "python")
            subprocess.run([python, "-m", "pip", "install", "--quiet", f"{wheel}{extra}"], check=True)
            tests(python, home)


def _engine(python, home):
    subprocess.run([python, "-c", ENGINE], check=True, cwd=home)


def _course(python, home):
    for command in COURSE:
        subprocess.run([python, "-m", "minigooglenet", *command], check=True, cwd=home)


if __name__ == "__main__":
    main(sys.argv[1])
