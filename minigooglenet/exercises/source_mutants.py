"""Faults in the source of a right answer: a missing or repeated term, an off-by-one bound, a changed comparison.

A fault changes one node in the syntax tree of the function, or of a function of its module that it calls. Code for rows
and code for columns look the same, and a student often makes the same mistake in both. So each change is also applied
to all nodes of the same form at once.
"""

import ast
import builtins
import functools
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

MOST_STEPS = 20_000  # of all loops of one call; the test cases need a few thousand
COUNTER = "_counted_loop"
OFF = "a bound or an index is off by one{about}"
OFF_BY_ONE = "an index or a bound is off by one"
SWAPPED = {
    "max": ("min", "sum", "mean"), "min": ("max",), "maximum": ("minimum",), "minimum": ("maximum",),
    "argmax": ("argmin",), "argmin": ("argmax",), "sum": ("mean", "max", "prod"), "mean": ("sum", "max", "min"),
    "prod": ("sum",), "floor": ("ceil",), "ceil": ("floor",), "any": ("all",), "all": ("any",), "std": ("var",),
    "var": ("std",), "cumsum": ("cumprod",),
}  # fmt: skip
OPERATORS = {
    ast.Add: (ast.Sub, "- instead of +{about}"),
    ast.Sub: (ast.Add, "+ instead of -{about}"),
    ast.Mult: (ast.Div, "/ instead of *{about}"),
    ast.Div: (ast.Mult, "* instead of /{about}"),
    ast.FloorDiv: (ast.Div, "/ instead of //{about}"),
    ast.Mod: (ast.FloorDiv, "// instead of %{about}"),
    ast.Pow: (ast.Mult, "* instead of **{about}"),
}
COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
OPPOSITE = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt}


class Change(NamedTuple):
    """A change of a syntax tree: the old node, its name and words, and the new node (None: the node is removed)."""

    old: ast.AST
    what: str
    words: str
    node: ast.AST | None
    form: str
    rank: int


def source_mutants(functions, arguments=None) -> Iterator[tuple[str, str, Callable]]:
    """Yield (name, words, faulty function) for every fault in the source of functions; nothing without source.

    The most plausible faults come first, in any of the functions. A function that several of them call is changed once.

    functions : right answers
    arguments : {name: kind} of the names that a student knows and that the words may use
    """
    arguments = arguments or {}
    done, made = set(), []
    for function in functions:
        source = _source(function)
        for part in source.parts if source else ():
            if part in done:
                continue
            done.add(part)
            nodes = [node for node in ast.walk(source.tree[part]) if not hasattr(node, "counting")]
            changes = [change for node in nodes for change in _changes(node, arguments)]
            for group in (*([change] for change in changes), *_twins(changes)):
                line = getattr(group[0].old, "lineno", 0) - source.tree[part].lineno
                all_of_them = " everywhere" if len(group) > 1 else ""
                made.append((group, source, part, f"{part}, line {line}: {group[0].what}{all_of_them}"))
    for group, source, part, name in sorted(made, key=lambda one: one[0][0].rank):
        faulty = source.with_changes(part, group)
        if faulty is not None:
            yield name, group[0].words, faulty


class _Source:
    """A function, and the functions of its module that it calls."""

    def __init__(self, module, tree, name):
        self.module, self.tree, self.name = module, tree, name
        self.parts = _used(tree, name)
        self.codes = {}

    def with_changes(self, part, changes):
        """Return the function with changes in one of its parts, or None if the result is not valid Python."""
        try:
            codes = [self._code(other) if other != part else self._changed(part, changes) for other in self.parts]
        except (SyntaxError, ValueError, TypeError):
            return None

        def faulty(*given, **named):
            left = iter(range(MOST_STEPS))

            def counted(items):
                for item in items:
                    if next(left, None) is None:
                        raise RuntimeError("too many steps")
                    yield item

            space = {**vars(self.module), COUNTER: counted}
            for code in codes:
                exec(code, space)  # our own source
            return space[self.name](*given, **named)

        return faulty

    def _code(self, part):
        if part not in self.codes:
            self.codes[part] = _compiled(self.tree[part])
        return self.codes[part]

    def _changed(self, part, changes):
        """Return the code of a part with changes, which are undone in its tree."""
        parents = _parents(self.tree[part])
        try:
            for change in changes:
                _put(parents[id(change.old)], change.node)
            return _compiled(self.tree[part])
        finally:
            for change in reversed(changes):
                _put(parents[id(change.old)], change.old)


def _source(function):
    module = sys.modules.get(getattr(function, "__module__", None))
    tree, name = _tree(module), getattr(function, "__name__", "")
    return _Source(module, tree, name) if tree and name in tree else None


def _compiled(node):
    return compile(ast.Module([node], []), "<a faulty answer>", "exec")


@functools.lru_cache(maxsize=64)
def _parents(tree):
    """Return {id of a node: (parent, field, index in a list or None)} of a function."""
    parents = {}
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.AST):
                parents[id(value)] = parent, field, None
            elif isinstance(value, list):
                parents |= {id(item): (parent, field, index) for index, item in enumerate(value)}
    return parents


@functools.lru_cache(maxsize=32)
def _tree(module):
    """Return {name: syntax tree} of the functions that a module defines, without their decorators."""
    try:
        parsed = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return None
    functions = {node.name: node for node in parsed.body if isinstance(node, ast.FunctionDef)}
    for node in functions.values():
        node.decorator_list = []
        ast.fix_missing_locations(_Counting().visit(node))
    return functions


def _used(tree, name):
    """Return the names of a function and of all functions that it calls in its module."""
    used = [name]
    for part in used:  # the list grows in the loop
        read = {node.id for node in ast.walk(tree[part]) if isinstance(node, ast.Name)}
        used += sorted((read & tree.keys()) - set(used))
    return sorted(used, key=lambda part: tree[part].lineno)  # a function may be the default of a later one


def _twins(changes):
    """Return the groups of two or more changes of the same form."""
    forms = {}
    for change in changes:
        forms.setdefault((change.what, change.form), []).append(change)
    return [group for group in forms.values() if len({id(change.old) for change in group}) == len(group) > 1]


def _put(parent_and_field, node):
    """Set a field of a parent to a node; None removes a statement."""
    parent, field, index = parent_and_field
    node = ast.fix_missing_locations(ast.Pass() if node is None else node)
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


class _Counting(ast.NodeTransformer):
    """Counts the iterations of every loop, so that none is endless; the added nodes have a flag and get no changes."""

    def visit_For(self, node):
        self.generic_visit(node)
        node.iter = _flagged(ast.Call(_flagged(ast.Name(COUNTER, ast.Load())), [node.iter], []))
        return node

    def visit_While(self, node):
        self.generic_visit(node)
        made = ast.parse(f"for _ in {COUNTER}(iter(int, 1)):\n    if not 0:\n        break").body[0]  # int() is 0
        for part in ast.walk(made):
            _flagged(part)
        made.body[0].test.operand = node.test
        made.body += node.body
        return made


def _flagged(node):
    node.counting = True
    return node


# Kinds of changes


def _changes(node, arguments):
    """Yield the changes of one node."""
    form, about = _form(node), _about([node], arguments)
    for rank, (kinds, change) in enumerate(KINDS):
        if isinstance(node, kinds):
            for what, words, new in change(node, arguments):
                yield Change(node, what, words.replace("{about}", about), new, form, rank)


def _about(nodes, arguments):
    """Return in words which of the arguments a part of the source reads."""
    known = _known(nodes, arguments)
    return f" (in code that uses {_listed(known)})" if known else ""


def _known(nodes, arguments):
    """Return the arguments that a part of the source reads."""
    read = {node.id for part in nodes for node in ast.walk(part) if isinstance(node, ast.Name)}
    return [name for name in arguments if name in read]


def _listed(names):
    """Return names as "a", "a and b" or "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _form(node):
    """Return the form of a part of the source without names and numbers: code for rows and columns has the same."""
    return re.sub(r"(id|value)=('[^']*'|-?[\d.e+-]+)", r"\1=_", ast.dump(node))


def _terms(node, arguments):
    """Yield a sum or product without one of its parts, with one of them twice, and with a different operator."""
    kind = "factor" if isinstance(node.op, (ast.Mult, ast.Div, ast.Pow, ast.FloorDiv)) else "term"
    for kept, dropped in ((node.left, node.right), (node.right, node.left)):
        text = ast.unparse(dropped)[:60]
        if isinstance(node.op, ast.Sub) and dropped is node.left:
            kept = ast.UnaryOp(ast.USub(), kept)
        yield f"without {text}", f"a {kind} is missing{_which(dropped, arguments)}", kept
    if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
        twice = ast.BinOp(node, node.op, node.right)
        yield f"{ast.unparse(node.right)[:60]} twice", f"a {kind} counts twice{_which(node.right, arguments)}", twice
    if type(node.op) in OPERATORS:
        other, words = OPERATORS[type(node.op)]
        yield f"{other.__name__} for {type(node.op).__name__}", words, ast.BinOp(node.left, other(), node.right)
    if isinstance(node.op, ast.FloorDiv):
        up = ast.UnaryOp(ast.USub(), ast.BinOp(ast.UnaryOp(ast.USub(), node.left), ast.FloorDiv(), node.right))
        yield "rounded up", "rounded up instead of down{about}", up


def _which(node, arguments):
    """Return in words which constant or arguments a part of the source reads."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return ": 1 (off by one)" if node.value == 1 else f": {node.value:g}"
    known = _known([node], arguments)
    return f": the one with {_listed(known)}" if known else ""


def _added(node, arguments):
    """Yield a += that overwrites, one that counts twice, and one with the wrong sign."""
    if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
        target, words = node.target, "= instead of +=: only the last of several parts is kept"
        yield "= instead of +=", words, ast.Assign([target], node.value)
        twice = ast.BinOp(node.value, ast.Mult(), ast.Constant(2))
        yield "added twice", "a part counts twice{about}", ast.AugAssign(target, node.op, twice)
    if isinstance(node.op, (ast.Add, ast.Sub)):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "the other sign", "a part has the wrong sign{about}", ast.AugAssign(node.target, other, node.value)


def _statement(node, arguments):
    """Yield the removal of a statement, unless it is a docstring."""
    if not isinstance(getattr(node, "value", None), ast.Constant) or not isinstance(node.value.value, str):
        yield f"without `{ast.unparse(node)[:60]}`", "a step is missing{about}", None


def _compared(node, arguments):
    """Yield a comparison that treats the equal case differently, its opposite, and one without one of its bounds."""
    for index, operator in enumerate(node.ops):
        if type(operator) in COMPARED:
            ops = [COMPARED[type(operator)]() if i == index else other for i, other in enumerate(node.ops)]
            words = "a comparison treats the equal case differently{about}: < or <=?"
            yield f"{type(operator).__name__} {index} changed", words, ast.Compare(node.left, ops, node.comparators)
    if len(node.ops) > 1:
        words = "one of two bounds is not checked{about}"
        yield "without its lower bound", words, ast.Compare(node.comparators[0], node.ops[1:], node.comparators[1:])
        yield "without its upper bound", words, ast.Compare(node.left, node.ops[:-1], node.comparators[:-1])
    elif type(node.ops[0]) in OPPOSITE:
        other = [OPPOSITE[type(node.ops[0])]()]
        yield "the opposite", "the opposite comparison{about}", ast.Compare(node.left, other, node.comparators)


def _number(node, arguments):
    value = node.value
    if isinstance(value, bool):
        yield f"{not value} for {value}", "a flag such as reverse=True has the opposite value", ast.Constant(not value)
    elif isinstance(value, int):
        for other in (value + 1, value - 1):
            yield (
                f"{other - value:+d} at {value}",
                f"{other} instead of {value}: {OFF_BY_ONE}",
                (ast.Constant(other)),
            )
    elif isinstance(value, float):
        yield f"twice {value}", f"{2 * value:g} instead of {value:g}", ast.Constant(2 * value)
        yield f"half of {value}", f"{value / 2:g} instead of {value:g}", ast.Constant(value / 2)


def _size(node, arguments):
    """Yield a size with a different axis: `x.shape[2]` instead of `x.shape[3]`."""
    if isinstance(node.slice, ast.Constant) and getattr(node.value, "attr", "") == "shape":
        for other in (node.slice.value - 1, node.slice.value + 1):
            new = ast.Subscript(node.value, ast.Constant(other), ast.Load())
            words = f"{ast.unparse(new)} instead of {ast.unparse(node)}"
            yield f"axis {other} for {node.slice.value}", words, new


def _bounds(node, arguments):
    """Yield a slice with one of its bounds shifted by one or removed."""
    for field in ("lower", "upper", "step"):
        bound = getattr(node, field)
        if bound is None:
            continue
        parts = {name: getattr(node, name) for name in ("lower", "upper", "step")}
        words = f"a slice without its {'step' if field == 'step' else f'{field} bound'}{{about}}"
        yield f"without {field} bound", words, ast.Slice(**{**parts, field: None})
        if field != "step":
            for sign, operator in (("+", ast.Add()), ("-", ast.Sub())):
                moved = ast.BinOp(bound, operator, ast.Constant(1))
                yield f"{field} {sign} 1", OFF, ast.Slice(**{**parts, field: moved})


def _called(node, arguments):
    """Yield a call with a shifted bound of its range, without one of its options, or of a different function."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in ("range", "arange") and not node.keywords:
        for index, bound in enumerate(node.args):
            for sign, operator in (("+", ast.Add()), ("-", ast.Sub())):
                moved = [*node.args[:index], ast.BinOp(bound, operator, ast.Constant(1)), *node.args[index + 1 :]]
                yield f"bound {index} {sign} 1", OFF, ast.Call(node.func, moved, [])
    for index, keyword in enumerate(node.keywords):
        if keyword.arg in ("axis", "keepdims", "axes"):
            kept = [*node.keywords[:index], *node.keywords[index + 1 :]]
            yield f"without {keyword.arg}=", f"{name} without {keyword.arg}=", ast.Call(node.func, node.args, kept)
    for other in SWAPPED.get(name, ()):
        swapped = ast.Call(_renamed(node.func, other), node.args, node.keywords)
        yield f"{other} for {name}", f"{other} instead of {name}{{about}}", swapped


def _renamed(function, name):
    if isinstance(function, ast.Attribute):
        return ast.Attribute(function.value, name, ast.Load())
    return ast.Name(name if hasattr(builtins, name) else function.id, ast.Load())


def _signed(node, arguments):
    if isinstance(node.op, (ast.USub, ast.Not)):
        yield f"without {type(node.op).__name__}", "a sign or a `not` is missing{about}", node.operand


def _joined(node, arguments):
    """Yield a condition without one of its parts, and with `or` instead of `and`."""
    for index, part in enumerate(node.values):
        kept = [*node.values[:index], *node.values[index + 1 :]]
        rest = kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)
        yield f"without {ast.unparse(part)[:60]}", f"a condition is not checked{_about([part], arguments)}", rest
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "and, or", "`or` instead of `and`, or the reverse{about}", ast.BoolOp(other, node.values)


def _chosen(node, arguments):
    yield "always the first", "two cases are not distinguished{about}", node.body
    yield "always the second", "two cases are not distinguished{about}", node.orelse


def _name(node, arguments):
    """Yield a different argument of the same kind: an array instead of a shape may fill the memory."""
    if isinstance(node.ctx, ast.Load) and node.id in arguments:
        for other in arguments:
            if other != node.id and arguments[other] == arguments[node.id]:
                yield f"{other} for {node.id}", f"{other} instead of {node.id}", ast.Name(other, ast.Load())


def _axes(node, arguments):
    """Yield a tuple of axes without one of them, and with two adjacent values exchanged."""
    numbers = [part.value for part in node.elts if isinstance(part, ast.Constant)]
    if not isinstance(node.ctx, ast.Load) or len(node.elts) < 2:
        return
    if len(numbers) == len(node.elts) and all(type(number) is int for number in numbers):
        for index, number in enumerate(numbers):
            kept = [*node.elts[:index], *node.elts[index + 1 :]]
            yield f"without axis {number}", f"axis {number} is missing", ast.Tuple(kept, ast.Load())
    for index, (one, other) in enumerate(itertools.pairwise(node.elts)):
        if ast.dump(one) == ast.dump(other):
            continue
        swapped = [*node.elts[:index], other, one, *node.elts[index + 2 :]]
        words = f"two adjacent values are in the wrong order{_about([one, other], arguments)}"
        yield f"{index} and {index + 1} exchanged", words, ast.Tuple(swapped, ast.Load())


# The most plausible first.
KINDS = (
    (ast.AugAssign, _added),
    (ast.BinOp, _terms),
    (ast.Compare, _compared),
    (ast.Subscript, _size),
    (ast.Name, _name),
    (ast.Slice, _bounds),
    (ast.Call, _called),
    (ast.UnaryOp, _signed),
    (ast.BoolOp, _joined),
    (ast.IfExp, _chosen),
    (ast.Tuple, _axes),
    ((ast.AugAssign, ast.Assign, ast.Expr, ast.If), _statement),
    (ast.Constant, _number),
)
