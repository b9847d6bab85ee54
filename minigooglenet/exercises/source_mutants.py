"""Faults in the source of a right answer: a term left out or repeated, a limit one off, another comparison.

Each is one change of the syntax tree of the function, or of a function of its module that it calls. Rows and columns
are written alike, and who slips at one slips at the other: a change is also made at all places of the same form.
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
OFF = "a limit or an index that is off by one{about}"
OFF_BY_ONE = "an index or a limit off by one"
SWAPPED = {
    "max": ("min", "sum", "mean"), "min": ("max",), "maximum": ("minimum",), "minimum": ("maximum",),
    "argmax": ("argmin",), "argmin": ("argmax",), "sum": ("mean", "max", "prod"), "mean": ("sum", "max", "min"),
    "prod": ("sum",), "floor": ("ceil",), "ceil": ("floor",), "any": ("all",), "all": ("any",), "std": ("var",),
    "var": ("std",), "cumsum": ("cumprod",),
}  # fmt: skip
OPERATORS = {
    ast.Add: (ast.Sub, "minus in place of plus{about}"),
    ast.Sub: (ast.Add, "plus in place of minus{about}"),
    ast.Mult: (ast.Div, "divided in place of multiplied{about}"),
    ast.Div: (ast.Mult, "multiplied in place of divided{about}"),
    ast.FloorDiv: (ast.Div, "/ in place of //{about}"),
    ast.Mod: (ast.FloorDiv, "// in place of %{about}"),
    ast.Pow: (ast.Mult, "a product in place of a power{about}"),
}
COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
OPPOSITE = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt}


class Change(NamedTuple):
    """A change of one place of a syntax tree: the old node, what, in words, and the new node (None: left out)."""

    old: ast.AST
    what: str
    words: str
    node: ast.AST | None
    form: str
    rank: int


def source_mutants(functions, arguments=None) -> Iterator[tuple[str, str, Callable]]:
    """Yield (name, words, faulty function) for every fault in the source of functions; nothing without source.

    The most plausible come first, whichever function they are in. A function of the module that several of the
    functions call is changed once.

    functions : right answers
    arguments : {name: kind} of the names that a student knows, which the words may use
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
            for places in (*([change] for change in changes), *_twins(changes)):
                at = getattr(places[0].old, "lineno", 0) - source.tree[part].lineno
                both = " at all places" if len(places) > 1 else ""
                made.append((places, source, part, f"{part}, line {at}: {places[0].what}{both}"))
    for places, source, part, name in sorted(made, key=lambda one: one[0][0].rank):
        faulty = source.with_changes(part, places)
        if faulty is not None:
            yield name, places[0].words, faulty


class _Source:
    """A function, and the functions of its module that it calls."""

    def __init__(self, module, tree, name):
        self.module, self.tree, self.name = module, tree, name
        self.parts = _used(tree, name)
        self.codes = {}

    def with_changes(self, part, changes):
        """Return the function with changes in one of its parts, or None if that is no Python."""
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
        where = _places(self.tree[part])
        try:
            for change in changes:
                _put(where[id(change.old)], change.node)
            return _compiled(self.tree[part])
        finally:
            for change in reversed(changes):
                _put(where[id(change.old)], change.old)


def _source(function):
    module = sys.modules.get(getattr(function, "__module__", None))
    tree, name = _tree(module), getattr(function, "__name__", "")
    return _Source(module, tree, name) if tree and name in tree else None


def _compiled(node):
    return compile(ast.Module([node], []), "<a faulty answer>", "exec")


@functools.lru_cache(maxsize=64)
def _places(tree):
    """Return {id of a node: its parent, the field and the place in it} of a function."""
    found = {}
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.AST):
                found[id(value)] = parent, field, None
            elif isinstance(value, list):
                found |= {id(item): (parent, field, place) for place, item in enumerate(value)}
    return found


@functools.lru_cache(maxsize=32)
def _tree(module):
    """Return {name: syntax tree} of a module's own functions, without their decorators."""
    try:
        parsed = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return None
    found = {node.name: node for node in parsed.body if isinstance(node, ast.FunctionDef)}
    for node in found.values():
        node.decorator_list = []
        ast.fix_missing_locations(_Counting().visit(node))
    return found


def _used(tree, name):
    """Return the names of a function and of all that it calls in its module."""
    used = [name]
    for part in used:  # which grows
        read = {node.id for node in ast.walk(tree[part]) if isinstance(node, ast.Name)}
        used += sorted((read & tree.keys()) - set(used))
    return sorted(used, key=lambda part: tree[part].lineno)  # a default may be a function, which is changed too


def _twins(changes):
    """Return the changes of the same form, at all of their places, where there are several."""
    forms = {}
    for change in changes:
        forms.setdefault((change.what, change.form), []).append(change)
    return [made for made in forms.values() if len({id(change.old) for change in made}) == len(made) > 1]


def _put(where, node):
    """Put a node at its place; None leaves out a statement."""
    parent, field, place = where
    node = ast.fix_missing_locations(ast.Pass() if node is None else node)
    if place is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[place] = node


class _Counting(ast.NodeTransformer):
    """Makes every loop count its steps, so that none is endless. The nodes that do are marked: they are not changed."""

    def visit_For(self, node):
        self.generic_visit(node)
        node.iter = _marked(ast.Call(_marked(ast.Name(COUNTER, ast.Load())), [node.iter], []))
        return node

    def visit_While(self, node):
        self.generic_visit(node)
        made = ast.parse(f"for _ in {COUNTER}(iter(int, 1)):\n    if not 0:\n        break").body[0]  # int() is 0
        for part in ast.walk(made):
            _marked(part)
        made.body[0].test.operand = node.test
        made.body += node.body
        return made


def _marked(node):
    node.counting = True
    return node


# What may be changed


def _changes(node, arguments):
    """Yield the changes of one node."""
    form, about = _form(node), _about([node], arguments)
    for rank, (kinds, change) in enumerate(KINDS):
        if isinstance(node, kinds):
            for what, words, new in change(node, arguments):
                yield Change(node, what, words.replace("{about}", about), new, form, rank)


def _about(nodes, arguments):
    """Return which of the arguments a place of the source reads, in words."""
    read = {node.id for part in nodes for node in ast.walk(part) if isinstance(node, ast.Name)}
    known = [name for name in arguments if name in read]
    return f", where {' and '.join(known)} {'is' if len(known) == 1 else 'are'} used" if known else ""


def _form(node):
    """Return the form of a piece of source, whatever its names and numbers: rows and columns have the same."""
    return re.sub(r"(id|value)=('[^']*'|-?[\d.e+-]+)", r"\1=_", ast.dump(node))


def _terms(node, arguments):
    """Yield a sum or product without one of its parts, with one of them twice, and with another operator."""
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
        yield "rounded up", "rounded up in place of down{about}", up


def _which(node, arguments):
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return ": 1 (off by one)" if node.value == 1 else f": {node.value:g}"
    return _about([node], arguments).replace("used", "read")


def _added(node, arguments):
    """Yield an in-place sum that overwrites, and one that counts twice."""
    if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
        target = node.target
        yield "= for +=", "= where += belongs: only the last of several parts is left", ast.Assign([target], node.value)
        twice = ast.BinOp(node.value, ast.Mult(), ast.Constant(2))
        yield "added twice", "a part counts twice{about}", ast.AugAssign(target, node.op, twice)
    if isinstance(node.op, (ast.Add, ast.Sub)):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "the other sign", "a part with the wrong sign{about}", ast.AugAssign(node.target, other, node.value)


def _statement(node, arguments):
    """Yield nothing in place of a statement, unless it is a docstring."""
    if not isinstance(getattr(node, "value", None), ast.Constant) or not isinstance(node.value.value, str):
        yield f"without `{ast.unparse(node)[:60]}`", "a step is missing{about}", None


def _compared(node, arguments):
    """Yield a comparison that takes or leaves the equal case, its opposite, and one without one of its bounds."""
    for place, operator in enumerate(node.ops):
        if type(operator) in COMPARED:
            ops = [COMPARED[type(operator)]() if i == place else other for i, other in enumerate(node.ops)]
            words = "a comparison that treats the equal case differently{about}: < or <=?"
            yield f"{type(operator).__name__} {place} changed", words, ast.Compare(node.left, ops, node.comparators)
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
        yield f"{not value} for {value}", "a flag, such as reverse=True, the other way round", ast.Constant(not value)
    elif isinstance(value, int):
        for other in (value + 1, value - 1):
            yield (
                f"{other - value:+d} at {value}",
                f"{other} where {value} belongs: {OFF_BY_ONE}",
                (ast.Constant(other)),
            )
    elif isinstance(value, float):
        yield f"twice {value}", f"{2 * value:g} where {value:g} belongs", ast.Constant(2 * value)
        yield f"half of {value}", f"{value / 2:g} where {value:g} belongs", ast.Constant(value / 2)


def _size(node, arguments):
    """Yield another axis in a size: `x.shape[2]` where `x.shape[3]` belongs."""
    if isinstance(node.slice, ast.Constant) and getattr(node.value, "attr", "") == "shape":
        for other in (node.slice.value - 1, node.slice.value + 1):
            new = ast.Subscript(node.value, ast.Constant(other), ast.Load())
            yield f"axis {other} for {node.slice.value}", f"{ast.unparse(new)} where {ast.unparse(node)} belongs", new


def _limits(node, arguments):
    """Yield a slice with one of its limits shifted by one or left out."""
    for field in ("lower", "upper", "step"):
        limit = getattr(node, field)
        if limit is None:
            continue
        parts = {name: getattr(node, name) for name in ("lower", "upper", "step")}
        yield f"without {field} limit", "a slice without one of its limits{about}", ast.Slice(**{**parts, field: None})
        if field != "step":
            for sign, operator in (("+", ast.Add()), ("-", ast.Sub())):
                moved = ast.BinOp(limit, operator, ast.Constant(1))
                yield f"{field} {sign} 1", OFF, ast.Slice(**{**parts, field: moved})


def _called(node, arguments):
    """Yield a call with a limit of its range shifted, without one of its options, or of another function."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in ("range", "arange") and not node.keywords:
        for place, limit in enumerate(node.args):
            for sign, operator in (("+", ast.Add()), ("-", ast.Sub())):
                moved = [*node.args[:place], ast.BinOp(limit, operator, ast.Constant(1)), *node.args[place + 1 :]]
                yield f"limit {place} {sign} 1", OFF, ast.Call(node.func, moved, [])
    for place, keyword in enumerate(node.keywords):
        if keyword.arg in ("axis", "keepdims", "axes"):
            kept = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield f"without {keyword.arg}=", f"{name} without its {keyword.arg}", ast.Call(node.func, node.args, kept)
    for other in SWAPPED.get(name, ()):
        swapped = ast.Call(_renamed(node.func, other), node.args, node.keywords)
        yield f"{other} for {name}", f"{other} in place of {name}{{about}}", swapped


def _renamed(function, name):
    if isinstance(function, ast.Attribute):
        return ast.Attribute(function.value, name, ast.Load())
    return ast.Name(name if hasattr(builtins, name) else function.id, ast.Load())


def _signed(node, arguments):
    if isinstance(node.op, (ast.USub, ast.Not)):
        yield f"without {type(node.op).__name__}", "a sign or a `not` is missing{about}", node.operand


def _joined(node, arguments):
    """Yield a condition without one of its parts, and with `or` for `and`."""
    for place, part in enumerate(node.values):
        kept = [*node.values[:place], *node.values[place + 1 :]]
        whole = kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)
        yield f"without {ast.unparse(part)[:60]}", f"a condition is not checked{_about([part], arguments)}", whole
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "and, or", "`or` in place of `and`, or the reverse{about}", ast.BoolOp(other, node.values)


def _chosen(node, arguments):
    yield "always the first", "a case that is not told apart{about}", node.body
    yield "always the second", "a case that is not told apart{about}", node.orelse


def _name(node, arguments):
    """Yield another argument of the same kind in place of this one: an array for a shape may fill the memory."""
    if isinstance(node.ctx, ast.Load) and node.id in arguments:
        for other in arguments:
            if other != node.id and arguments[other] == arguments[node.id]:
                yield f"{other} for {node.id}", f"{other} where {node.id} belongs", ast.Name(other, ast.Load())


def _axes(node, arguments):
    """Yield a tuple of axes without one of them, and with two neighbours exchanged."""
    numbers = [part.value for part in node.elts if isinstance(part, ast.Constant)]
    if not isinstance(node.ctx, ast.Load) or len(node.elts) < 2:
        return
    if len(numbers) == len(node.elts) and all(type(number) is int for number in numbers):
        for place, number in enumerate(numbers):
            kept = [*node.elts[:place], *node.elts[place + 1 :]]
            yield f"axis {number} left out", f"axis {number} is left out", ast.Tuple(kept, ast.Load())
    for place, (one, other) in enumerate(itertools.pairwise(node.elts)):
        if ast.dump(one) == ast.dump(other):
            continue
        swapped = [*node.elts[:place], other, one, *node.elts[place + 2 :]]
        words = f"two neighbours in the wrong order{_about([one, other], arguments)}"
        yield f"{place} and {place + 1} exchanged", words, ast.Tuple(swapped, ast.Load())


# The most plausible first.
KINDS = (
    (ast.AugAssign, _added),
    (ast.BinOp, _terms),
    (ast.Compare, _compared),
    (ast.Subscript, _size),
    (ast.Name, _name),
    (ast.Slice, _limits),
    (ast.Call, _called),
    (ast.UnaryOp, _signed),
    (ast.BoolOp, _joined),
    (ast.IfExp, _chosen),
    (ast.Tuple, _axes),
    ((ast.AugAssign, ast.Assign, ast.Expr, ast.If), _statement),
    (ast.Constant, _number),
)
