"""Subnormal numbers are flushed to zero while the engine computes, because some processors are very slow with them.

A subnormal (denormal) number is smaller than the smallest normal number: 1.2e-38 in float32 and 2.2e-308 in float64.
Each thread has a register that controls whether they are flushed. `parallel.computing` sets and restores it.
"""

import platform

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from minigooglenet import parallel
from minigooglenet.kernels.fast.jit import compiled

_INT, _WORD = ir.IntType(64), ir.IntType(32)


def family(machine):
    """Return "x86", "arm" or None: the processor family, which determines the register."""
    machine = machine.lower()
    if machine in ("x86_64", "amd64", "i386", "i686"):
        return "x86"
    return "arm" if machine in ("arm64", "aarch64") else None


FAMILY = family(platform.machine())
# MXCSR: flush results to zero (bit 15), treat inputs as zero (bit 6). FPCR: flush both (bit 24).
BITS = {"x86": 1 << 15 | 1 << 6, "arm": 1 << 24, None: 0}[FAMILY]


def emit_read(builder, family):
    """Emit the instructions that read the register, as a 64-bit integer."""
    if family == "x86":
        address = builder.alloca(_WORD)
        _call(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), _address(builder, address))
        return builder.zext(builder.load(address), _INT)
    return _call(builder, "llvm.aarch64.get.fpcr", _INT)


def emit_write(builder, family, value):
    """Emit the instructions that write a 64-bit integer to the register."""
    if family == "x86":
        address = builder.alloca(_WORD)
        builder.store(builder.trunc(value, _WORD), address)
        _call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), _address(builder, address))
    else:
        _call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), value)


def _address(builder, address):
    return builder.bitcast(address, ir.IntType(8).as_pointer())


def _call(builder, name, result, *arguments):
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    known = builder.module.globals.get(name)
    return builder.call(known or ir.Function(builder.module, kind, name), arguments)


@intrinsic
def _read_register(_):
    def code(context, builder, signature, arguments):
        return emit_read(builder, FAMILY)

    return types.int64(), code


@intrinsic
def _write_register(_, value):
    def code(context, builder, signature, arguments):
        emit_write(builder, FAMILY, arguments[0])
        return context.get_dummy_value()

    return types.void(types.int64), code


@compiled
def read():
    """Return the register of the calling thread as an integer."""
    return _read_register()


@compiled
def write(value):
    """Set the register of the calling thread to a value that `read` returned."""
    _write_register(value)


for real in (np.float16, np.float32, np.float64, np.longdouble):
    np.finfo(real)  # now, because NumPy measures each type once and warns if its smallest number is zero

if FAMILY is not None and not config.DISABLE_JIT:
    parallel.flush_with(read, write, BITS)
