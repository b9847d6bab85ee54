"""`check` imports a student's modules, but no file next to a notebook replaces a library."""

import json
from pathlib import Path

import pytest

from minigooglenet.cli import main

CELLS = (
    "import json, numpy as np\nimport helper\nfrom minigooglenet.exercises import check",
    "def conv_db(dout):\n    assert json.loads('3') == 3\n    return helper.sums(dout)",
    "check('03.1', conv_db)",
)
HELPER = "import second\ndef sums(dout):\n    return dout.sum(axis=second.AXIS)\n"
FOREIGN = "import os\nopen({marker!r}, 'a').close()\nraise SystemExit('foreign code ran')\n"


@pytest.fixture
def class_folder(tmp_path):
    """A folder with a notebook, its two modules, and files named after libraries."""
    folder = tmp_path / "class"
    folder.mkdir()
    for name in ("json", "socket", "numpy", "scipy", "onnx", "sitecustomize", "minigooglenet", "IPython", "struct"):
        (folder / f"{name}.py").write_text(FOREIGN.format(marker=str(tmp_path / "marker")), encoding="utf-8")
    (folder / "helper.py").write_text(HELPER, encoding="utf-8")
    (folder / "second.py").write_text("AXIS = (0, 2, 3)\n", encoding="utf-8")
    made = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in CELLS]
    (folder / "mine.ipynb").write_text(json.dumps({"cells": made}), encoding="utf-8")
    (folder / "mine.py").write_text("\n\n".join(CELLS[:2]), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["mine.ipynb", "mine.py"])
@pytest.mark.parametrize("inside", [True, False])
def test_check_imports_own_modules_but_never_a_foreign_json(class_folder, monkeypatch, capfd, name, inside):
    monkeypatch.chdir(class_folder if inside else class_folder.parent)
    assert main(["check", "03.1", name if inside else str(Path("class", name))]) == 0, capfd.readouterr().out
    assert not (class_folder.parent / "marker").exists()


def test_libraries_never_import_a_students_module(class_folder):
    from minigooglenet.course import own_modules

    with own_modules.importable(class_folder), pytest.raises(ModuleNotFoundError):
        import second  # noqa: F401
    namespace = {"__name__": "student"}
    with own_modules.importable(class_folder):
        exec(compile("import second\nfound = second.AXIS", "cell 1", "exec"), namespace)
    assert namespace["found"] == (0, 2, 3)


def test_answers_read_files_from_the_current_folder(class_folder, monkeypatch, capfd):
    (class_folder / "axes.txt").write_text("0 2 3", encoding="utf-8")
    text = "def conv_db(dout):\n    return dout.sum(axis=tuple(map(int, open('axes.txt').read().split())))\n"
    (class_folder / "reads.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(class_folder)
    assert main(["check", "03.1", "reads.py"]) == 0, capfd.readouterr().out
