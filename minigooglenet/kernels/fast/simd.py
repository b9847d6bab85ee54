"""SIMD vectors in compiled code: as many neighbouring values as one register holds, processed by one instruction.

LLVM vectorises many plain loops by itself. It does not vectorise a transform with six input and six output rows,
because it cannot prove that they do not alias. For such loops there are explicit vectors:

    x = load(values, at);  store(values, at, x + 2 * y)

`at` is an index into a contiguous array and is not checked.

Gain: Winograd's transforms took 40 to 70 cycles per tile and channel as plain loops, and take 6 to 10 with vectors.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.microkernel import VECTOR_BYTES


class Vector(types.Type):
    """The type of a vector of `real` (float32 or float64) values; with parts=2, of half a register."""

    def __init__(self, real, parts=1):
        self.real = real
        self.lanes = VECTOR_BYTES // (real.bitwidth // 8) // parts
        super().__init__(f"vector of {self.lanes} {real}")

    @property
    def llvm(self):
        return _llvm(self.real, self.lanes)


def _llvm(real, lanes):
    element = {types.float32: ir.FloatType(), types.float64: ir.DoubleType(), types.uint8: ir.IntType(8)}[real]
    return ir.VectorType(element, lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, _llvm(vector.real, vector.lanes))


def _address(context, builder, array_type, array, at, vector):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())


@intrinsic
def lanes(_, values):
    """Return how many values of an array a vector holds: a constant, so that loops over vectors divide nothing."""
    count = Vector(values.dtype).lanes

    def code(context, builder, signature, arguments):
        return context.get_constant(types.intp, count)

    return types.intp(values), code


@intrinsic
def load(_, values, at):
    """Return the vector at values[at], values[at + 1], ..."""
    result = Vector(values.dtype)

    def code(context, builder, signature, arguments):
        vector = _llvm(result.real, result.lanes)
        address = _address(context, builder, signature.args[0], *arguments, vector)
        return builder.load(address, align=result.real.bitwidth // 8)

    return result(values, types.intp), code


@intrinsic
def store(_, values, at, vector):
    """Write a vector to values[at], values[at + 1], ..."""

    def code(context, builder, signature, arguments):
        array, at, value = arguments
        address = _address(context, builder, signature.args[0], array, at, value.type)
        builder.store(value, address, align=vector.real.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(values, types.intp, vector), code


@intrinsic
def broadcast(_, value):
    """Return the vector with `value` in every lane."""
    result = Vector(value)

    def code(context, builder, signature, arguments):
        return splat(builder, arguments[0], result.lanes)

    return result(value), code


def splat(builder, value, lanes):
    """Emit instructions for a vector with an LLVM value in every lane."""
    vector = ir.VectorType(value.type, lanes)
    first = builder.insert_element(vector(ir.Undefined), value, cgutils.int32_t(0))
    return builder.shuffle_vector(first, vector(ir.Undefined), ir.VectorType(cgutils.int32_t, lanes)(None))


def _binary(instruction):
    @intrinsic
    def combine(_, a, b):
        vector = a if isinstance(a, Vector) else b

        def code(context, builder, signature, arguments):
            sides = []
            for kind, value in zip(signature.args, arguments, strict=True):
                if not isinstance(kind, Vector):
                    value = splat(builder, context.cast(builder, value, kind, vector.real), vector.lanes)
                sides.append(value)
            return getattr(builder, instruction)(*sides, flags=("contract",))

        return vector(a, b), code

    def choose(a, b):
        kinds = (a, b)
        if any(isinstance(kind, Vector) for kind in kinds) and all(
            isinstance(kind, (Vector, types.Number)) for kind in kinds
        ):
            return lambda a, b: combine(a, b)
        return None

    return choose


for _operator, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    overload(_operator)(_binary(_instruction))


def _copier(count):
    @intrinsic
    def copy_values(_, source, at, target, to):
        def code(context, builder, signature, arguments):
            source, at, target, to = arguments
            vector, size = _llvm(signature.args[0].dtype, count), signature.args[0].dtype.bitwidth // 8
            values = builder.load(_address(context, builder, signature.args[0], source, at, vector), align=size)
            builder.store(values, _address(context, builder, signature.args[2], target, to, vector), align=size)
            return context.get_dummy_value()

        return types.void(source, types.intp, target, types.intp), code

    return copy_values


_copy_16, _copy_8, _copy_4, _copy_2, _copy_1 = (_copier(count) for count in (16, 8, 4, 2, 1))


@compiled
def copy(source, at, target, to, count):
    """Copy source[at : at + count] to target[to : to + count] with few instructions; both are contiguous."""
    done = 0
    while count - done >= 16:
        _copy_16(source, at + done, target, to + done)
        done += 16
    if count - done >= 8:
        _copy_8(source, at + done, target, to + done)
        done += 8
    if count - done >= 4:
        _copy_4(source, at + done, target, to + done)
        done += 4
    if count - done >= 2:
        _copy_2(source, at + done, target, to + done)
        done += 2
    if count - done >= 1:
        _copy_1(source, at + done, target, to + done)


@compiled
def fill(target, to, count, value):
    """Set target[to : to + count], contiguous, to `value`."""
    values, lanes, done = broadcast(value), VECTOR_BYTES // target.itemsize, 0
    while count - done >= lanes:
        store(target, to + done, values)
        done += lanes
    for i in range(done, count):
        target[to + i] = value


@intrinsic
def at_least(_, lowest, vector):
    """Return the larger value in each lane of two vectors, or NaN if the second is NaN."""

    def code(context, builder, signature, arguments):
        low, value = arguments
        return builder.select(builder.fcmp_ordered("<", value, low), low, value)

    return vector(lowest, vector), code


@intrinsic
def at_most(_, highest, vector):
    """Return the smaller value in each lane of two vectors, or NaN if the second is NaN."""

    def code(context, builder, signature, arguments):
        high, value = arguments
        return builder.select(builder.fcmp_ordered(">", value, high), high, value)

    return vector(highest, vector), code


@intrinsic
def transpose(_, source, at, step, target, to, hop):
    """Transpose a square block with as many rows as a vector has lanes.

    target[to + j * hop + i] = source[at + i * step + j], in registers: each round swaps larger parts of pairs of rows.
    """
    square = Vector(source.dtype)

    def code(context, builder, signature, arguments):
        source, at, step, target, to, hop = arguments
        vector = _llvm(square.real, square.lanes)
        size = square.real.bitwidth // 8

        def address(kind, array, at, step, i):
            at = builder.add(at, builder.mul(step, step.type(i)))
            return _address(context, builder, kind, array, at, vector)

        rows = [builder.load(address(signature.args[0], source, at, step, i), align=size) for i in range(square.lanes)]
        half = 1
        while half < square.lanes:
            low = [j if not j & half else square.lanes + j - half for j in range(square.lanes)]
            high = [j + half if not j & half else square.lanes + j for j in range(square.lanes)]
            masks = [ir.VectorType(cgutils.int32_t, square.lanes)(mask) for mask in (low, high)]
            for i in range(square.lanes):
                if not i & half:
                    a, b = rows[i], rows[i + half]
                    rows[i], rows[i + half] = (builder.shuffle_vector(a, b, mask) for mask in masks)
            half *= 2
        for i, row in enumerate(rows):
            builder.store(row, address(signature.args[3], target, to, hop, i), align=size)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp, types.intp), code


def _shuffled(lanes_of):
    """Return the function (a, b) with some lanes of two vectors: `lanes_of(count)` counts them through a and then b."""

    @intrinsic
    def shuffle(_, a, b):
        def code(context, builder, signature, arguments):
            mask = ir.VectorType(cgutils.int32_t, a.lanes)(list(lanes_of(a.lanes)))
            return builder.shuffle_vector(*arguments, mask)

        return a(a, b), code

    return shuffle


even, odd = _shuffled(lambda count: range(0, 2 * count, 2)), _shuffled(lambda count: range(1, 2 * count, 2))
# The values one and two lanes further on.
next_1, next_2 = _shuffled(lambda count: range(1, count + 1)), _shuffled(lambda count: range(2, count + 2))


@intrinsic
def smaller(_, value, limit):
    """Return the smaller value in each lane of two vectors, or `limit` if one is NaN: one instruction on x86-64."""

    def code(context, builder, signature, arguments):
        value, limit = arguments
        return builder.select(builder.fcmp_ordered("<", value, limit), value, limit)

    return value(value, limit), code


@intrinsic
def larger(_, value, best):
    """Return the larger value in each lane of two vectors, or `best` if one is NaN: one instruction on x86-64."""

    def code(context, builder, signature, arguments):
        value, best = arguments
        return builder.select(builder.fcmp_ordered(">", value, best), value, best)

    return value(value, best), code


@intrinsic
def larger_or_nan(_, value, best):
    """Return the larger value in each lane of two vectors, or NaN if one is NaN; of equal values the second."""

    def code(context, builder, signature, arguments):
        value, best = arguments
        largest = builder.select(builder.fcmp_ordered(">", value, best), value, best)
        return builder.select(builder.fcmp_unordered("uno", value, value), value, largest)

    return value(value, best), code


@intrinsic
def larger_with_code(_, value, value_code, best, best_code):
    """Return (the larger of two vectors, its code); of equal values the second counts."""

    def code(context, builder, signature, arguments):
        value, value_code, best, best_code = arguments
        wins = builder.fcmp_ordered(">", value, best)
        pair = builder.select(wins, value, best), builder.select(wins, value_code, best_code)
        return context.make_tuple(builder, signature.return_type, pair)

    return types.UniTuple(value, 2)(value, value_code, best, best_code), code


@intrinsic
def store_bytes(_, target, to, codes):
    """Write a vector of integer values below 256 as bytes."""

    def code(context, builder, signature, arguments):
        array, to, value = arguments
        as_bytes = builder.fptoui(value, ir.VectorType(ir.IntType(8), value.type.count))
        builder.store(as_bytes, _address(context, builder, signature.args[0], array, to, as_bytes.type), align=1)
        return context.get_dummy_value()

    return types.void(target, types.intp, codes), code
