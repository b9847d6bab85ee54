"""Python processes that this package starts run no code in the current folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numeric import needs_numba

from minigooglenet import children, starting

FOREIGN = "from pathlib import Path\nPath({marker!r}).open('a').write(__name__)\nraise SystemExit('foreign code ran')\n"
MODULES = ("json", "os", "runpy", "contextlib", "socket", "sitecustomize", "usercustomize", "encodings/__init__")
PACKAGES = (
    "numpy/__init__",
    "numba/__init__",
    "yaml/__init__",
    "matplotlib/__init__",
    "scipy/__init__",
    "IPython/__init__",
)


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """Make the current folder one with modules that create a marker file if they run; return its path."""
    marker = tmp_path / "marker"
    (tmp_path / "class").mkdir()
    for name in (*MODULES, *PACKAGES):
        path = tmp_path / "class" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(FOREIGN.format(marker=str(marker)), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "class")
    return marker


def test_child_runs_nothing_from_the_current_folder(hostile, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("", ".", os.environ.get("PYTHONPATH", ""))))
    monkeypatch.setenv("PYTHONSTARTUP", "json.py")
    program = "import json, minigooglenet.shapes, sys; print(minigooglenet.__file__, sys.argv[1])"
    with children.start("x", "given", folder=".", program=program, stdout=subprocess.PIPE, text=True) as process:
        out = process.communicate()[0]
    assert process.returncode == 0
    assert out.split() == [str(children.PACKAGE / "__init__.py"), "given"]
    assert not hostile.exists()


def test_search_path_leaves_out_what_depends_on_the_folder(tmp_path, monkeypatch):
    kept = str(tmp_path / "library")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", ".", "relative", str(tmp_path), f"{tmp_path}{os.sep}", kept])
    assert children.search_path() == [kept]


def test_search_path_leaves_out_the_folder_of_the_script(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "grade_all.py"), raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "library")])
    assert children.search_path() == [str(tmp_path / "library")]


def test_environment_keeps_only_what_is_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PATH", os.pathsep.join(("", ".", "bin", str(tmp_path))))
    monkeypatch.setenv("LD_LIBRARY_PATH", os.pathsep)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "kernels")
    variables = children.environment(MORE="1")
    assert not {"PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "SSH_AUTH_SOCK"} & variables.keys()
    assert "AWS_SECRET_ACCESS_KEY" not in variables
    assert variables["PATH"] == str(tmp_path)
    assert variables["NUMBA_CACHE_DIR"] == str(tmp_path / "kernels")
    assert variables["MORE"] == "1"


def test_other_libraries_children_leave_the_folder_out(hostile, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep)
    with children.safe_path():
        subprocess.run([sys.executable, "-c", "import json"], check=True)
        assert os.environ["PYTHONPATH"] == ""
    assert not hostile.exists()
    assert os.environ["PYTHONPATH"] == os.pathsep
    assert "PYTHONSAFEPATH" not in os.environ


def test_module_runs_under_its_name(tmp_path):
    words = children.command("minigooglenet", "--version")
    assert subprocess.run(words, cwd=tmp_path, capture_output=True, check=True).stdout.startswith(b"minigooglenet ")


def test_started_modules_run_nothing_from_a_hostile_folder(hostile):
    Path(".numba_config.yaml").write_text("cache_dir: kernels\n", encoding="utf-8")
    Path("matplotlibrc").write_text("backend: module://json\n", encoding="utf-8")
    Path("contextlib.py").unlink()  # `python -m` may load it before this package; `minigooglenet` does not
    words = [sys.executable, "-m", "minigooglenet", "count", "mini"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not hostile.exists()
    assert not Path("kernels").exists()


@needs_numba
def test_ensemble_workers_ignore_settings_in_the_folder(tmp_path):
    (tmp_path / ".numba_config.yaml").write_text("disable_jit: 1\n", encoding="utf-8")
    program = "import minigooglenet, numba; print(numba.config.DISABLE_JIT)"
    variables = {**os.environ, starting.MARK: "1"}
    words = [sys.executable, "-P", "-c", program]
    done = subprocess.run(words, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


@pytest.mark.parametrize("forgotten", [True, False])
def test_only_the_command_line_marks_its_workers(monkeypatch, forgotten):
    monkeypatch.setattr(starting, "FORGOTTEN", forgotten)
    with children.safe_path():
        assert (starting.MARK in os.environ) == forgotten
    assert starting.MARK not in os.environ


@needs_numba
def test_numba_settings_in_the_folder_are_ignored(tmp_path):
    (tmp_path / ".numba_config.yaml").write_text("disable_jit: 1\n", encoding="ascii")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "minigooglenet", "gradcheck", "ReLU"],
        cwd=tmp_path,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kernels")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
