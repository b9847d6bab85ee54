"""Answers in a notebook as syntax trees, in a canonical form without spaces, comments and names of variables."""

import ast
import copy
import re
import warnings

from minigooglenet.course.ipython import python
from minigooglenet.exercises.find import everything

MOST_CHARACTERS = 1 << 20  # in one cell


def statements(sources) -> list:
    """Return the statements of all cells that are valid Python."""
    body = []
    for source in sources:
        try:
            with warnings.catch_warnings(action="ignore"):
                body += ast.parse(python(source)).body if len(source) < MOST_CHARACTERS else []
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return body


def bound(body) -> dict[str, ast.AST]:
    """Return {name: its last binding in a list of statements}: a function, a class or an expression."""
    bindings = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bindings[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            bindings |= {target.id: node.value for target in targets if isinstance(target, ast.Name)}
    return bindings


def given(body) -> dict[str, ast.AST]:
    """Return {exercise: its answer}: the argument of `check` or `answer`, or the object with the exercise's name."""
    names, answers = bound(body), {}
    for number, exercise in everything().items():
        if exercise.name in names:
            answers[number] = names[exercise.name]
    for node in (node for statement in body for node in ast.walk(statement)):
        match node:
            case ast.Call(ast.Name("check" | "answer"), [ast.Constant(str(number)), value, *_]):
                answers[number] = names.get(value.id, value) if isinstance(value, ast.Name) else value
    return answers


def canonical(node, functions=()) -> str:
    """Return a text that is equal for two answers that differ only in comments, spaces and names of variables.

    functions : names of functions in the notebook, which may differ too
    """
    node = copy.deepcopy(node)
    renamed: dict[str, str] = {}
    for child in ast.walk(node):
        if isinstance(child, ast.arg):
            child.annotation = None
            renamed.setdefault(child.arg, f"v{len(renamed)}")
        elif isinstance(child, ast.Name) and (isinstance(child.ctx, ast.Store) or child.id in functions):
            renamed.setdefault(child.id, f"v{len(renamed)}")
        elif isinstance(child, ast.FunctionDef):
            child.returns, child.decorator_list = None, []
            renamed.setdefault(child.name, f"v{len(renamed)}")
            if ast.get_docstring(child, clean=False) is not None:
                child.body = child.body[1:] or [ast.Pass()]
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            child.id = renamed.get(child.id, child.id)
        elif isinstance(child, ast.arg):
            child.arg = renamed[child.arg]
        elif isinstance(child, ast.FunctionDef):
            child.name = renamed[child.name]
    return ast.dump(node)


def functions(body) -> set[str]:
    """Return the names of the functions that statements define."""
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


def size(node) -> int:
    """Return the number of syntax nodes in an answer: a line has about 20."""
    body = node.body if isinstance(node, ast.FunctionDef) else [node]
    skip = isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None
    return sum(not isinstance(child, ast.expr_context) for part in body[skip:] for child in ast.walk(part))


def imports(body) -> dict[str, str]:
    """Return {name: the module or object of this package that it is imported from}."""
    imported = {}
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "minigooglenet":
                    imported[alias.asname or "minigooglenet"] = alias.name if alias.asname else "minigooglenet"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "minigooglenet":
            imported |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return imported


def uses(node, body, known=()) -> set[str]:
    """Return the names of this package that an answer uses, directly or through the notebook's functions.

    A name looks like "kernels.conv2d.forward".

    known : names of functions whose code is not searched
    """
    names, from_package = bound(body), imports(body)
    used, waiting, seen = set(), [node], set(known)
    while waiting:
        node = waiting.pop()
        texts = (
            child.value for child in ast.walk(node) if isinstance(child, ast.Constant) and isinstance(child.value, str)
        )
        used |= {text.partition(".")[2] for text in texts if re.fullmatch(r"minigooglenet(\.\w+)+", text)}
        for name, attributes in _chains(node):
            if name in from_package:
                used.add(".".join([from_package[name], *attributes]).partition(".")[2])
            elif name in names and name not in seen:
                seen.add(name)
                waiting.append(names[name])
    return used


def _chains(node):
    """Yield (name, attributes) of every name that is read: ("mg", ["layers", "Conv2d"])."""
    inner, local = set(), _locals(node)
    for child in ast.walk(node):
        attributes, base = [], child
        while isinstance(base, ast.Attribute):
            inner.add(id(base.value))
            attributes.insert(0, base.attr)
            base = base.value
        if (
            isinstance(base, ast.Name)
            and isinstance(base.ctx, ast.Load)
            and id(child) not in inner
            and base.id not in local
        ):
            yield base.id, attributes


def _locals(node):
    """Return the names that are local to a function or an expression."""
    nodes = list(ast.walk(node))
    stored = {child.id for child in nodes if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)}
    return stored | {child.arg for child in nodes if isinstance(child, ast.arg)}
