"""The architecture: imports point down, and every file has one subject."""

import ast
import functools
import importlib
import re
from pathlib import Path
from types import ModuleType

from numeric import needs_numba

import minigooglenet
from minigooglenet.kernels.signatures import SIGNATURES

ROOT = Path(minigooglenet.__file__).parent
GUIDE = (ROOT.parent / "docs" / "reading.md").read_text(encoding="utf-8")
# From the bottom up: (a description of a floor, its parts). Imports point down or stay in a part.
FLOORS = (
    (
        "used everywhere: types, integers, checks of arrays, files, the console, threads, processes",
        (
            "typing",
            "shapes",
            "checks",
            "initializers",
            "files",
            "figures",
            "console",
            "methods",
            "names",
            "parallel",
            "freed_memory",
            "aligned",
            "extras",
            "renamed",
            "shortcut",
        ),
        ("orphans", "children", "starting"),
    ),
    ("independent processes, one for each job", ("jobs",)),
    (
        "operations on plain arrays; the graph, which knows no operation; the framework of exercises, without content",
        ("kernels", "graph", "exercises"),
    ),
    ("layers over kernels, and losses", ("layers", "losses", "label_smoothing")),
    (
        "networks, plans, and the other needs of training: optimisers, learning rates, images",
        ("models", "planning", "optim", "adaptive", "schedules", "data"),
    ),
    ("gradient checks, and figures of arrays", ("gradcheck", "viz")),
    ("predictions and their evaluation", ("evaluation",)),
    ("weights files of every format", ("weights",)),
    ("the cost of a network", ("counting",)),
    ("training runs that can be resumed", ("training",)),
    ("objects in images: boxes, proposals, classified regions", ("detection",)),
    ("training by many workers", ("distributed",)),
    ("pages that show a network", ("viewer",)),
    ("demonstrations: a lesson may use everything below the course", ("lessons", "bench", "tour", "warmup")),
    ("handing out lessons, checking and grading", ("course",)),
    ("the command line", ("cli",)),
    ("the package, and the names of the last version", ("__init__", "__main__", "_moved")),
)
# Exceptions on one floor: (part, a smaller part that it may import).
SAME_FLOOR = {
    ("parallel", "shapes"),
    ("children", "starting"),
    ("figures", "files"),
    ("figures", "console"),
    ("adaptive", "optim"),
    ("losses", "label_smoothing"),
}
SAME_FLOOR |= {("warmup", "lessons"), ("__init__", "_moved"), ("checks", "typing"), ("initializers", "typing")}
# Modules that are imported only inside functions, after `compiled.fast()` has returned a package.
ALLOWED_FAST = {"kernels.compiled", "planning.fused", "planning.barrier"}
FLOOR = {part: number for number, (_, *groups) in enumerate(FLOORS) for group in groups for part in group}


@functools.cache
def _modules():
    """Return {path: name} of all modules, without the sources of notebooks such as 05_layers.py."""
    return {path: _name(path) for path in sorted(ROOT.rglob("*.py")) if not path.name[0].isdigit()}


def _name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


@functools.cache
def _imports(path):
    """Return the modules of this package that a file imports, without the package's name."""
    return list(_imported(path))


def _imported(path):
    names = set(_modules().values())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name.partition(".")[2] for a in node.names if a.name.startswith("minigooglenet."))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "minigooglenet":
            base = node.module.partition(".")[2]
            for alias in node.names:
                whole = f"{base}.{alias.name}".strip(".")
                yield whole if whole in names else base


def test_every_part_has_a_floor_and_a_guide_entry():
    parts = {name.split(".")[0] for name in _modules().values()}
    assert parts == set(FLOOR)
    assert len(FLOOR) == sum(len(group) for _, *groups in FLOORS for group in groups)
    guide = GUIDE[GUIDE.index("## Where a file belongs") :]
    listed = {name.strip("/").removesuffix(".py") for name in re.findall(r"`([\w/]+(?:/|\.py))`", guide)}
    assert {part for part in parts if not part.startswith("__")} <= listed


def test_every_operation_has_a_definition_and_readable_numpy():
    kernels = ROOT / "kernels"
    storeys = {folder: {path.stem for path in (kernels / folder).glob("*.py")} for folder in ("loops", "numpy", "fast")}
    operations = set(SIGNATURES)
    assert storeys["loops"] == operations | {"__init__"}
    assert storeys["numpy"] == operations | {"__init__", "windows", "im2col"}
    assert {path.stem for path in kernels.glob("*.py")} == operations | {"__init__", "forms", "signatures", "compiled"}


def test_guide_lists_the_parts_from_the_bottom_up():
    table = GUIDE[GUIDE.index("| folder or file |") : GUIDE.index("| to change |")]
    rows = [re.findall(r"`(\w+)(?:\.py|/)`", row.split("|")[1]) for row in table.splitlines()[2:] if row]
    floors = [{FLOOR[part] for part in row} for row in rows if row]
    assert all(len(row) == 1 for row in floors), "a row has parts of one floor"
    assert [max(row) for row in floors] == sorted(max(row) for row in floors)


def test_imports_point_down_or_stay_inside_their_folder():
    wrong = []
    for path, name in _modules().items():
        part = name.split(".")[0]
        for target in _imports(path):
            other = target.split(".")[0]
            if other != part and FLOOR[other] >= FLOOR[part] and (part, other) not in SAME_FLOOR:
                wrong.append(f"{name} (floor {FLOOR[part]}) imports {target} (floor {FLOOR[other]})")
    assert not wrong


def test_no_import_goes_in_a_circle():
    edges = {name: set(_imports(path)) - {name} for path, name in _modules().items()}
    finished = set()

    def visit(name, trail):
        assert name not in trail, " -> ".join([*trail, name])
        if name not in finished:
            # A package's __init__ imports its files; those may import one another, but not the package.
            for target in edges.get(name, ()):
                visit(target, [*trail, name])
            finished.add(name)

    for name in edges:
        visit(name, [])


def test_graph_knows_no_layer_and_no_kernel():
    allowed = {"checks", "console", "freed_memory", "graph", "methods", "names", "parallel", "shapes", "shortcut"}
    allowed.add("typing")
    for path in (ROOT / "graph").glob("*.py"):
        assert {target.split(".")[0] for target in _imports(path)} <= allowed, path.name


@needs_numba  # it imports every package
def test_no_function_shadows_a_module_of_the_same_name():
    """`mg.data.loading` is the module; a function may shadow a file that everyone looks for, such as googlenet.py."""
    shadowed = []
    for name in _modules().values():
        parent, _, last = f"minigooglenet.{name}".rpartition(".")
        value = getattr(importlib.import_module(parent), last, None)  # None: the module is not imported yet
        if value is not None and (not isinstance(value, ModuleType) or value.__name__ != f"{parent}.{last}"):
            shadowed.append(name)
    assert {name for name in shadowed if not name.startswith(("models.", "detection.", "viewer.view", "__"))} == set()


def test_compiled_code_has_one_entry():
    """Numba is reached only through `compiled.fast()`, so that everything else works without it."""
    users = set()
    for path, name in _modules().items():
        if not name.startswith("kernels.fast") and any(target.startswith("kernels.fast") for target in _imports(path)):
            users.add(name)
    assert users <= ALLOWED_FAST, users - ALLOWED_FAST


def test_sources_of_notebooks_use_public_names():
    private = []
    for path in ROOT.rglob("[0-9]*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [getattr(node, "module", "") or "", *(alias.name for alias in node.names)]
                private += [f"{path.name}: {name}" for name in names if re.search(r"(^|\.)_", name)]
    assert not private


def test_lessons_are_folders_with_all_that_they_need():
    folders = sorted((ROOT / "lessons").glob("lesson_*"))
    assert [folder.name[7:9] for folder in folders] == [f"{number:02}" for number in range(17)]
    for folder in folders:
        assert [path.name[:2] for path in folder.glob("[0-9]*.py")] == [folder.name[7:9]]
        assert (folder / "quiz.tsv").is_file()
        assert (folder / "__init__.py").read_text(encoding="utf-8").startswith(f'"""Lesson {folder.name[7:9]}')


def test_every_function_has_a_name():
    nameless = []
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.strip("_"):
                nameless.append(f"{path.name}:{node.lineno}")
    assert not nameless


def test_source_is_plain_ascii():
    assert [name for path, name in _modules().items() if not path.read_text(encoding="utf-8").isascii()] == []
