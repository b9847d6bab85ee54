"""The answers in a notebook as syntax trees, in a form that spaces, comments and names of variables do not change."""

import ast
import copy
import re
import warnings

from minigooglenet.course.ipython import python
from minigooglenet.exercises.find import everything

MOST_LETTERS = 1 << 20  # of a cell


def statements(sources) -> list:
    """Return the statements of all cells that Python can read."""
    found = []
    for source in sources:
        try:
            with warnings.catch_warnings(action="ignore"):
                found += ast.parse(python(source)).body if len(source) < MOST_LETTERS else []
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return found


def bound(body) -> dict[str, ast.AST]:
    """Return {name: what it is bound to last} of a list of statements: a function, a class or an expression."""
    found = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node.value for target in targets if isinstance(target, ast.Name)}
    return found


def given(body) -> dict[str, ast.AST]:
    """Return {exercise: its answer}: what is passed to check or answer, or what has the exercise's name."""
    names, found = bound(body), {}
    for number, exercise in everything().items():
        if exercise.name in names:
            found[number] = names[exercise.name]
    for node in (node for statement in body for node in ast.walk(statement)):
        match node:
            case ast.Call(ast.Name("check" | "answer"), [ast.Constant(str(number)), value, *_]):
                found[number] = names.get(value.id, value) if isinstance(value, ast.Name) else value
    return found


def canonical(node, functions=()) -> str:
    """Return a text that two answers share if they differ only in comments, spaces and names of their variables.

    functions : names of the notebook's own functions, which may differ too
    """
    node = copy.deepcopy(node)
    mine: dict[str, str] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.arg):
            each.annotation = None
            mine.setdefault(each.arg, f"v{len(mine)}")
        elif isinstance(each, ast.Name) and (isinstance(each.ctx, ast.Store) or each.id in functions):
            mine.setdefault(each.id, f"v{len(mine)}")
        elif isinstance(each, ast.FunctionDef):
            each.returns, each.decorator_list = None, []
            mine.setdefault(each.name, f"v{len(mine)}")
            if ast.get_docstring(each, clean=False) is not None:
                each.body = each.body[1:] or [ast.Pass()]
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            each.id = mine.get(each.id, each.id)
        elif isinstance(each, ast.arg):
            each.arg = mine[each.arg]
        elif isinstance(each, ast.FunctionDef):
            each.name = mine[each.name]
    return ast.dump(node)


def functions(body) -> set[str]:
    """Return the names of the functions that statements define."""
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


def size(node) -> int:
    """Return how many parts an answer has: one line has about 20."""
    body = node.body if isinstance(node, ast.FunctionDef) else [node]
    skip = isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None
    return sum(not isinstance(each, ast.expr_context) for part in body[skip:] for each in ast.walk(part))


def imports(body) -> dict[str, str]:
    """Return {name: the module or object of this package that it is imported from}."""
    found = {}
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "minigooglenet":
                    found[alias.asname or "minigooglenet"] = alias.name if alias.asname else "minigooglenet"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "minigooglenet":
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def uses(node, body, known=()) -> set[str]:
    """Return what an answer uses of this package, also through functions of the notebook: "kernels.conv2d.forward".

    known : names whose own code is not followed
    """
    names, from_package = bound(body), imports(body)
    found, waiting, seen = set(), [node], set(known)
    while waiting:
        node = waiting.pop()
        texts = (
            each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )
        found |= {text.partition(".")[2] for text in texts if re.fullmatch(r"minigooglenet(\.\w+)+", text)}
        for name, attributes in _chains(node):
            if name in from_package:
                found.add(".".join([from_package[name], *attributes]).partition(".")[2])
            elif name in names and name not in seen:
                seen.add(name)
                waiting.append(names[name])
    return found


def _chains(node):
    """Yield (name, attributes) of every name that is read: ("mg", ["layers", "Conv2d"])."""
    inner, mine = set(), _locals(node)
    for each in ast.walk(node):
        attributes, base = [], each
        while isinstance(base, ast.Attribute):
            inner.add(id(base.value))
            attributes.insert(0, base.attr)
            base = base.value
        if (
            isinstance(base, ast.Name)
            and isinstance(base.ctx, ast.Load)
            and id(each) not in inner
            and base.id not in mine
        ):
            yield base.id, attributes


def _locals(node):
    """Return the names that a function or an expression binds itself."""
    nodes = list(ast.walk(node))
    stored = {each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    return stored | {each.arg for each in nodes if isinstance(each, ast.arg)}
