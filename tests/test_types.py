"""Types for editors: every public name is annotated, documented with an example that runs, and completed."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from public_names import members, methods

import minigooglenet as mg

NAMES = members()
CALLABLE = {**{name: value for name, value in NAMES.items() if inspect.isfunction(value)}, **methods(NAMES)}
SCRIPT = Path(__file__).parent / "typing" / "user_script.py"


def test_package_is_marked_as_typed():
    assert (Path(mg.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("name", CALLABLE)
def test_public_functions_and_methods_are_annotated(name):
    signature = inspect.signature(inspect.unwrap(CALLABLE[name]))
    missing = [key for key, part in signature.parameters.items() if part.annotation is part.empty]
    assert not {*missing} - {"self", "cls"}
    assert signature.return_annotation is not signature.empty or name.endswith("__init__")


@pytest.mark.parametrize("name", NAMES)
def test_public_names_have_an_example(name):
    assert ">>>" in inspect.getdoc(NAMES[name])


def test_examples_of_public_names_print_what_they_show(tmp_path):
    # In a new process, because an example may show what the first hint is, or register a layer.
    folder = Path(__file__).parent
    command = [sys.executable, folder / "run_examples.py"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert int(finished.stdout.split()[-2]) >= len(NAMES)


def test_a_users_script_runs(tmp_path):
    command = [sys.executable, SCRIPT, tmp_path]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed.endswith(" PASS True 1.0 (1, 2)\n")
    assert len([line for line in SCRIPT.read_text(encoding="utf-8").splitlines() if line.strip()]) <= 40


def test_an_editor_completes_the_names_of_a_users_script():
    jedi = pytest.importorskip("jedi")
    text = "import minigooglenet as mg\ng = mg.Graph(image=(1, 8, 8))\nc = mg.count(g)\n"
    for line, expected in {
        "mg.layers.Con": "Conv2d",
        "g.forw": "forward",
        "c.mac": "macs",
        "mg.gradcheck.check_l": "check_layer",
    }.items():
        names = {found.name for found in jedi.Script(text + line).complete()}
        assert expected in names, line
