"""Waiting for another thread without the GIL: a loop that reads a number until it changes."""

from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.parallel import spinning


@intrinsic
def add_atomically(_, values, index, amount):
    """Add to values[index], and return the value before."""

    def code(context, builder, signature, arguments):
        values, index, amount = arguments
        address = builder.gep(context.make_array(signature.args[0])(context, builder, values).data, [index])
        return builder.atomic_rmw("add", address, amount, "seq_cst")

    return types.int64(values, types.intp, types.int64), code


@intrinsic
def read_atomically(_, values, index):
    """Return values[index], which another thread may change."""

    def code(context, builder, signature, arguments):
        values, index = arguments
        address = builder.gep(context.make_array(signature.args[0])(context, builder, values).data, [index])
        return builder.load_atomic(address, "seq_cst", 8, typ=ir.IntType(64))

    return types.int64(values, types.intp), code


@compiled
def wait(own, other, seen, spins, delay):
    """Add 1 to own[0], then wait until other[0] is not `seen`; return whether it changed within `spins` iterations.

    delay : iterations between the change and the return
    """
    add_atomically(own, 0, 1)
    for _ in range(spins):
        if read_atomically(other, 0) != seen:
            for _ in range(delay):
                read_atomically(other, 0)
            return True
    return False


if not config.DISABLE_JIT:
    spinning.spin_with(wait)
