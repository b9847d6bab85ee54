"""Every dotted name of the package in a string, a page or a workflow exists; import tests do not cover those."""

import ast
import importlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"(?<![\w./-])minigooglenet(?:\.[A-Za-z_]\w*)+")
# These files contain names of 0.1 on purpose.
OLD = {"minigooglenet/_moved.py", "tests/test_moved.py", "tests/test_names_in_strings.py"}
NEEDED = {"minigooglenet.exercises.lessons"}  # a name of 0.1 that students' notebooks may still use


def _strings(path):
    """Yield the strings of a Python file, and the parts of f-strings before a value, without their last name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\.?\w*$", "", node.value) if node in parts else node.value


def _texts():
    """Yield (path, text) of everything that may contain a name."""
    for folder in ("minigooglenet", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text in _strings(path):
                yield path, text
    pages = [*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "lessons" / "README.md", ROOT / "pyproject.toml"]
    for path in [*pages, *ROOT.glob(".github/workflows/*.yml"), *ROOT.glob(".ci/*")]:
        yield path, path.read_text(encoding="utf-8")


def _exists(name):
    """Return whether a name exists; a name of an earlier version, which warns, does not count."""
    module, *rest = name.split(".")
    value = importlib.import_module(module)
    for part in rest:
        module = f"{module}.{part}"
        try:
            if not hasattr(value, part):
                importlib.import_module(module)
            value = getattr(value, part)
        except ModuleNotFoundError as error:  # another engine of the bench is not installed
            return not (error.name or "").startswith("minigooglenet")
        except (AttributeError, DeprecationWarning):
            return False
    return True


def test_every_name_in_a_string_exists():
    names = {}
    for path, text in _texts():
        where = path.relative_to(ROOT).as_posix()
        if where not in OLD:
            for name in NAME.findall(text):
                names.setdefault(name, where)
    assert len(names) > 20
    assert {name: where for name, where in names.items() if name not in NEEDED and not _exists(name)} == {}
