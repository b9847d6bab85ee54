"""Names of 0.1: they work in 0.2 with a DeprecationWarning, and no file runs twice for them."""

import ast
import importlib
import subprocess
import sys
import warnings
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from numeric import needs_numba

from minigooglenet import _moved
from minigooglenet.course import handout

OLD = Path(__file__).with_name("old_notebook_imports.txt").read_text(encoding="utf-8")
SECTIONS = {section.split("\n")[0].removeprefix("# "): section for section in OLD.strip().split("\n\n")}


def _new_names():
    for new in _moved.MODULES.values():
        yield from (new,) if isinstance(new, str) else new


def _importable(names):
    """Return names as parameters of a test; names of compiled code get the mark that they need."""
    compiled = "minigooglenet.kernels.fast", "minigooglenet.planning.fused", "minigooglenet.planning.barrier"
    return [pytest.param(name, marks=needs_numba if name.startswith(compiled) else ()) for name in sorted(set(names))]


@pytest.mark.parametrize("new", _importable(_new_names()))
def test_new_module_exists(new):
    assert importlib.import_module(new).__name__ == new


@pytest.mark.parametrize("new", _importable(_moved.NAMES.values()))
def test_new_name_exists(new):
    module, _, name = new.rpartition(".")
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("old", sorted(_moved.MODULES))
def test_old_module_has_no_file(old):
    parent, _, _ = old.rpartition(".")
    path = importlib.import_module(parent).__path__ if parent not in _moved.MODULES else []
    spec = PathFinder.find_spec(old, path)
    assert spec is None or spec.loader is None  # a folder of stale bytecode may be left of it


def test_no_old_module_hides_a_new_one():
    for old, new in _moved.MODULES.items():
        parent, _, name = old.rpartition(".")
        package = _moved.MODULES.get(parent)
        if isinstance(package, str) and new != f"{package}.{name}":
            path = importlib.import_module(package).__path__
            assert PathFinder.find_spec(f"{package}.{name}", path) is None, f"{old} needs a tuple for {parent}"


def test_notebooks_import_no_old_names():
    old = {*_moved.MODULES, *_moved.NAMES} - {"minigooglenet.exercises.quiz"}  # still the name of a function
    for source in handout.sources():
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                module = getattr(node, "module", None)
                names = {f"{module}.{alias.name}" if module else alias.name for alias in node.names} | {module}
                assert not names & old, source.name


NOTEBOOKS = """
import re, sys, warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "minigooglenet.* is now minigooglenet.*; the old name", DeprecationWarning)
for section in sys.stdin.read().strip().split("\\n\\n"):
    names = {}
    for line in section.splitlines():
        exec(line, names)
"""


@needs_numba
def test_old_notebooks_imports_work():
    assert len(SECTIONS) == 14
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOKS], input=OLD, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr


OLD_NAMES = """
import importlib, warnings
from minigooglenet import _moved
def resolve(name):
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)
for old, new in _moved.NAMES.items():
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        assert resolve(old) is resolve(new), old
    assert f"{old} is now {new}; the old name will be removed in 0.3" in [str(one.message) for one in given], old
"""


@needs_numba  # one of the names is of compiled code
def test_old_names_give_the_new_objects_with_a_warning():
    done = subprocess.run([sys.executable, "-c", OLD_NAMES], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


FILES = {
    "__init__": "from old_house.kitchen import cook\nfrom old_house import cellar",
    "kitchen": "def cook():\n    return 'soup'",
    "cellar/__init__": "from old_house.cellar.shelf import wine",
    "cellar/shelf": "LOADED = []\ndef wine():\n    return 'red'",
    "cellar/box": "class Box:\n    pass",
    "attic/__init__": "def trunk():\n    return 'hats'",
    "attic/trunks": "hats = 3",
}
MODULES = {
    "old_house.cook": "old_house.kitchen",  # a function of the package has the module's old name
    "old_house.basement": "old_house.cellar",
    "old_house.basement.wine": "old_house.cellar.shelf",
    "old_house.everything": ("old_house.kitchen", "old_house.cellar.box"),
    "old_house.attic.trunk": "old_house.attic.trunks",  # the same in a package that is loaded later
}
NAMES = {"old_house.soup": "old_house.kitchen.cook", "old_house.attic.Box": "old_house.cellar.box.Box"}


@pytest.fixture
def house(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / "old_house" / f"{name}.py"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text + "\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[:])
    package = importlib.import_module("old_house")
    _moved.OldNames("old_house", MODULES, NAMES).install()
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "old_house"]:
        del sys.modules[name]


def _warned(run):
    """Call a function; return its result and the texts of its warnings, which must come from this file."""
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always")
        value = run()
    assert {record.category for record in records} <= {DeprecationWarning}
    assert {record.filename for record in records} <= {__file__}
    return value, [str(record.message) for record in records]


def test_old_module_is_the_new_one(house):
    def old():
        import old_house.basement.box

        return old_house.basement

    module, messages = _warned(old)
    assert module is house.cellar
    assert module.__spec__.name == "old_house.cellar"
    assert sys.modules["old_house.basement.box"] is sys.modules["old_house.cellar.box"]
    assert messages[0] == "old_house.basement is now old_house.cellar; the old name will be removed in 0.3"


def test_old_module_is_an_attribute_too(house):
    module, messages = _warned(lambda: house.basement)
    assert module is house.cellar
    assert len(messages) == 1


def test_importing_a_module_does_not_replace_a_function(house):
    def old():
        importlib.import_module("old_house.cook")
        from old_house.cook import cook

        return cook

    cook, messages = _warned(old)
    assert house.cook is cook is house.kitchen.cook
    assert messages[0] == "old_house.cook.cook is now old_house.kitchen.cook; the old name will be removed in 0.3"


def test_function_in_a_moved_package_stays(house):
    def old():
        importlib.import_module("old_house.basement.wine")
        from old_house.basement.wine import LOADED

        return LOADED

    loaded, _ = _warned(old)
    assert house.cellar.wine() == "red"
    assert loaded is sys.modules["old_house.cellar.shelf"].LOADED


def test_package_that_is_loaded_later_knows_its_old_names(house):
    def old():
        importlib.import_module("old_house.attic.trunk")
        from old_house.attic import Box
        from old_house.attic.trunk import hats

        return Box, hats

    (box, hats), messages = _warned(old)
    assert box is importlib.import_module("old_house.cellar.box").Box
    assert (hats, house.attic.trunk()) == (3, "hats")
    assert "old_house.attic.Box is now old_house.cellar.box.Box; the old name will be removed in 0.3" in messages


def test_names_of_one_module_are_found_in_several(house):
    def old():
        from old_house.everything import Box, cook

        return Box, cook

    (box, cook), _ = _warned(old)
    assert box.__module__ == "old_house.cellar.box"
    assert cook() == "soup"
    with pytest.raises(AttributeError, match="has no attribute 'spoon'"):
        _ = importlib.import_module("old_house.everything").spoon


def test_moved_function_keeps_its_old_name(house):
    soup, messages = _warned(lambda: house.soup)
    assert soup is house.kitchen.cook
    assert messages == ["old_house.soup is now old_house.kitchen.cook; the old name will be removed in 0.3"]


def test_unknown_names_stay_unknown(house):
    with pytest.raises(AttributeError, match="has no attribute 'roof'"):
        _ = house.roof
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("old_house.roof")
