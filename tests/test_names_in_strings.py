"""Every dotted name of the package that a string, a page or a workflow spells exists: no import test sees those."""

import ast
import importlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"(?<![\w./-])minigooglenet(?:\.[A-Za-z_]\w*)+")
# The names of 0.1 are spelt there on purpose.
OLD = {"minigooglenet/_moved.py", "tests/test_moved.py", "tests/test_names_in_strings.py"}
NEEDED = {"minigooglenet.exercises.lessons"}  # of 0.1, which a student's notebook may still spell


def _strings(path):
    """Yield the strings of a Python file; of an f-string the parts before its values, without the last name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\.?\w*$", "", node.value) if node in parts else node.value


def _texts():
    """Yield (path, text) of everything that may spell a name."""
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
    found = importlib.import_module(module)
    for part in rest:
        module = f"{module}.{part}"
        try:
            if not hasattr(found, part):
                importlib.import_module(module)
            found = getattr(found, part)
        except ModuleNotFoundError as error:  # a peer of the bench needs a package that is not installed
            return not (error.name or "").startswith("minigooglenet")
        except (AttributeError, DeprecationWarning):
            return False
    return True


def test_every_name_in_a_string_exists():
    spelt = {}
    for path, text in _texts():
        where = path.relative_to(ROOT).as_posix()
        if where not in OLD:
            for name in NAME.findall(text):
                spelt.setdefault(name, where)
    assert len(spelt) > 20
    assert {name: where for name, where in spelt.items() if name not in NEEDED and not _exists(name)} == {}
