"""A copy of a student's function in which names have different values, so that instruments can observe it."""

import builtins
import functools
import types

from minigooglenet.exercises.own_code import foreign


def rebound(function, replaced, names=()):
    """Return a copy of a function in which its names have different values; the original does not change.

    replaced : replaced(value) returns the value to use in globals, enclosing variables, defaults and imports
    names : {name: value} of globals that are replaced in any case

    The student's functions that it calls and the functions around it are copied too, compiled ones as Python functions.
    """
    return _Rebinding(replaced, dict(names)).value(function, first=True)


def uncompiled(function):
    """Return the Python function of a compiled function; with NUMBA_DISABLE_JIT, Numba compiles nothing."""
    return getattr(function, "py_func", function)


class _Rebinding:
    def __init__(self, replaced, fixed):
        self.replaced, self.fixed = replaced, fixed
        self.made, self.spaces = {}, {}
        self.builtins = {name: replaced(value) for name, value in vars(builtins).items()}
        self.builtins["__import__"] = lambda *given, **named: replaced(__import__(*given, **named))

    def value(self, value, first=False):
        """Return the replacement of a value."""
        other = self.replaced(value)
        if other is not value:
            return other
        if type(value) is functools.partial:
            named = {name: self.value(item) for name, item in value.keywords.items()}
            return functools.partial(self.value(value.func, first), *map(self.value, value.args), **named)
        if isinstance(value, types.MethodType):
            return types.MethodType(self.value(value.__func__, first), value.__self__)
        python = uncompiled(value)
        copied = isinstance(python, types.FunctionType) and self._students(python, first)
        return self._function(python) if copied else value

    def _students(self, function, first):
        return first or id(function.__globals__) in self.spaces or not foreign(function.__code__.co_filename)

    def _function(self, function):
        space = self._space(function.__globals__)
        if function not in self.made:
            cells = tuple(types.CellType() for _ in function.__closure__ or ())
            defaults = tuple(map(self.value, function.__defaults__ or ())) or None
            made = types.FunctionType(function.__code__, space, function.__name__, defaults, cells)
            self.made[function] = made
            made.__kwdefaults__ = {name: self.value(item) for name, item in (function.__kwdefaults__ or {}).items()}
            for cell, before in zip(cells, function.__closure__ or (), strict=True):
                if before != types.CellType():  # an empty cell is a variable without a value yet
                    cell.cell_contents = self.value(before.cell_contents, first=True)
        return self.made[function]

    def _space(self, names):
        if id(names) not in self.spaces:
            space = self.spaces[id(names)] = {"__builtins__": self.builtins}  # a new function keeps these builtins
            others = {name: self.value(value) for name, value in list(names.items())}
            space |= others | self.fixed | {"__builtins__": self.builtins}
        return self.spaces[id(names)]
