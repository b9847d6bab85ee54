"""Functions that kernels call: compiled only as parts of the kernels, without machine code of their own.

If one compiled function calls another, Numba optimises the callee, translates it to machine code and adds a wrapper for
calls from Python. Then it does the same to every caller, whose machine code contains the callee. It also compiles the
callee once more for every literal argument, such as 0 instead of an integer. Here a callee stays optimised intermediate
code, one version for all literals. A call from Python still compiles it as a kernel.

If callees were optimised only in their callers, they would compile faster still, but Winograd's weight gradient would
take 1.2 times as long.

Gain: GoogLeNet's first image, without cached kernels, takes half the time.
"""

from types import SimpleNamespace

import numba
from numba.core import codegen, compiler, types


def attach(dispatcher, **options) -> None:
    """Make compiled callers use a compiled function as a part of them; `options` are those of its compilation."""
    part = numba.njit(**options, no_cpython_wrapper=True, pipeline_class=_Compiler)(dispatcher.py_func)

    def get_call_template(arguments, keywords):
        return part.get_call_template(tuple(map(types.unliteral, arguments)), keywords)

    dispatcher.get_call_template, dispatcher.get_overload = get_call_template, part.get_overload


class _Part(codegen.JITCodeLibrary):
    """Intermediate code that is only linked into the code of callers."""

    # Numba also registers every function for calls from Python, which never happen here.
    codegen = SimpleNamespace(set_env=lambda name, environment: None)

    def get_pointer_to_function(self, name):
        return 0

    def _finalize_final_module(self):
        self._finalized = True


class _Compiler(compiler.Compiler):
    """Numba's usual passes, which write to a `_Part`."""

    def define_pipelines(self):
        self.state.library = _Part(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        return super().define_pipelines()
