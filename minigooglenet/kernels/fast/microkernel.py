"""GEMM micro-kernel: an MR x NR block of C = A B whose sums stay in registers.

Each loaded value is used for a whole row or column of the block: 8 rows of 3 vectors need 8 + 3 loads for 24 vector
multiply-adds, and a processor can do as many loads as multiply-adds per cycle. A loop with a single sum needs two loads
per multiply-add, and must wait for each addition before the next.

Numba has no vector type and may not keep a two-dimensional array in registers, so this file emits the instructions with
LLVM's builder, in Python loops that unroll over rows and vectors. LLVM supports any vector length on any machine; the
sizes below fit the registers of this machine.
"""

import math
import platform

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

NR = 3  # columns of a panel, in vectors


def registers(machine, features):
    """Return (bytes of a vector register, number of vector registers)."""
    if machine.lower() in ("arm64", "aarch64"):
        return 16, 32
    if features.get("avx512f"):
        return 64, 32
    return (32, 16) if features.get("avx") else (16, 16)


VECTOR_BYTES, REGISTERS = registers(platform.machine(), llvmlite.binding.get_host_cpu_features())
# Rows of a block of 0, 1, 2, 3 or 4 vectors: the sums, a vector of B for each column and one value of A fit into the
# registers, and there are enough sums to start a multiply-add while others are not finished. A block of one vector has
# nine loads for eight multiply-adds, so four vectors are one block if there are enough registers.
BLOCK_ROWS = (0, 8, 8, 8, 6) if REGISTERS == 32 else (0, 8, 6, 4)
MOST_VECTORS = len(BLOCK_ROWS) - 1
MR = BLOCK_ROWS[NR]
FROM_ZERO, FROM_ROWS, FROM_COLUMNS, FROM_C = range(4)  # what the sums of a block start from

_INT = ir.IntType(64)


def micro_kernel(rows, vectors):
    """Return the function that computes a block of `rows` x `vectors` vectors.

    block(zero, a, a_rows, a_columns, b, b_rows, c, c_row, inner, bias, start, limits, last) in Numba code:

        c[i, j] = limited(start + sum over k of a[i, k] * b[k, j])

    zero : 0 of the arrays' dtype, float32 or float64
    a, b, c, bias : addresses of the first values; b and c are contiguous along j
    a_rows, a_columns, b_rows : addresses of tables with the offset in bytes of each row or column from the address
    c_row : bytes between rows of c
    inner : the inner dimension, the number of values of k
    start : what sums start from: FROM_ZERO, FROM_ROWS (bias[i]), FROM_COLUMNS (bias[j], a whole vector can be read) or
        FROM_C
    limits : (lowest, highest) value, (0, infinity) for a ReLU; NaN stays NaN
    last : how many values of the last vector of each row belong to c
    """

    @intrinsic
    def block(_, zero, a, a_rows, a_columns, b, b_rows, c, c_row, inner, bias, start, limits, last):
        signature = types.void(zero, *[types.intp] * 10, types.UniTuple(zero, 2), types.intp)

        def code(context, builder, signature, arguments):
            _Block(builder, arguments[1:], *_real(zero), rows, vectors).emit()
            return context.get_dummy_value()

        return signature, code

    return block


def copier(vectors):
    """Return the function (zero, source, target) that copies some vectors between two addresses."""

    @intrinsic
    def copy(_, zero, source, target):
        def code(context, builder, signature, arguments):
            real, size = _real(zero)
            pointer = ir.VectorType(real, vectors * VECTOR_BYTES // size).as_pointer()
            values = builder.load(builder.inttoptr(arguments[1], pointer), align=size)
            builder.store(values, builder.inttoptr(arguments[2], pointer), align=size)
            return context.get_dummy_value()

        return types.void(zero, types.intp, types.intp), code

    return copy


@intrinsic
def copy_value(_, zero, source, target):
    """Copy one value between two addresses."""

    def code(context, builder, signature, arguments):
        pointer = _real(zero)[0].as_pointer()
        builder.store(builder.load(builder.inttoptr(arguments[1], pointer)), builder.inttoptr(arguments[2], pointer))
        return context.get_dummy_value()

    return types.void(zero, types.intp, types.intp), code


@intrinsic
def copy_part(_, zero, source, target, count):
    """Copy `count` values, at most a vector, and fill up the vector at the target with zeros."""

    def code(context, builder, signature, arguments):
        real, size = _real(zero)
        vector = ir.VectorType(real, VECTOR_BYTES // size)
        values = _load_part(builder, arguments[1], _mask(builder, vector.count, arguments[3]), vector, size)
        builder.store(values, builder.inttoptr(arguments[2], vector.as_pointer()), align=size)
        return context.get_dummy_value()

    return types.void(zero, types.intp, types.intp, types.intp), code


def _mask(builder, lanes, count):
    """Return a vector of booleans, true for the first `count` lanes."""
    lane = ir.VectorType(_INT, lanes)
    first = builder.insert_element(lane(ir.Undefined), count, ir.IntType(32)(0))
    counts = builder.shuffle_vector(first, lane(ir.Undefined), ir.VectorType(ir.IntType(32), lanes)([0] * lanes))
    return builder.icmp_signed("<", lane(list(range(lanes))), counts)


def _load_part(builder, address, mask, vector, size):
    """Return a vector from memory, with 0 in the lanes that the mask excludes; these are not read."""
    arguments = [vector.as_pointer(), ir.IntType(32), mask.type, vector]
    load = _intrinsic(builder.module, "load", vector, ir.FunctionType(vector, arguments))
    return builder.call(
        load, [builder.inttoptr(address, vector.as_pointer()), ir.IntType(32)(size), mask, vector(None)]
    )


def _store_part(builder, value, address, mask, size):
    """Write the lanes of a vector that the mask includes."""
    vector = value.type
    arguments = [vector, vector.as_pointer(), ir.IntType(32), mask.type]
    store = _intrinsic(builder.module, "store", vector, ir.FunctionType(ir.VoidType(), arguments))
    builder.call(store, [value, builder.inttoptr(address, vector.as_pointer()), ir.IntType(32)(size), mask])


def _intrinsic(module, operation, vector, kind):
    name = f"llvm.masked.{operation}.v{vector.count}f{32 if vector.element == ir.FloatType() else 64}.p0"
    return module.globals.get(name) or ir.Function(module, kind, name)


def _real(zero):
    return (ir.FloatType(), 4) if zero == types.float32 else (ir.DoubleType(), 8)


def _not_unrolled(module):
    """Return the metadata of a loop that LLVM must not unroll: two rounds need more registers than there are.

    LLVM would save sums to memory in each round, and a block would take twice as long.
    """
    disable = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = module.add_metadata([disable, ir.MetaDataString(module, f"loop {len(module.metadata)}")])
    loop.operands = loop, disable  # a loop's metadata begins with a reference to itself
    return loop


class _Block:
    """The instructions of one block."""

    def __init__(self, builder, arguments, real, size, rows, vectors):
        self.builder, self.real, self.size, self.lanes = builder, real, size, VECTOR_BYTES // size
        self.vector = ir.VectorType(real, self.lanes)
        self.cells = [(i, j) for i in range(rows) for j in range(vectors)]
        self.rows, self.vectors = rows, vectors
        self.a, self.a_rows, self.a_columns, self.b, self.b_rows, self.c, self.c_row = arguments[:7]
        self.inner, self.bias, self.start, limits, self.last = arguments[7:]
        self.lowest, self.highest = (builder.extract_value(limits, i) for i in range(2))

    def emit(self):
        builder, mask = self.builder, _mask(self.builder, self.lanes, self.last)
        sums = self._limited(self._products(self._start(mask)))
        if VECTOR_BYTES == 64:  # AVX-512, where a mask costs nothing
            self._store_all(sums, mask)
            return
        with builder.if_else(builder.icmp_signed("<", self.last, _INT(self.lanes))) as (at_the_end, inside):
            with at_the_end:
                self._store_all(sums, mask)
            with inside:
                self._store_all(sums, None)

    def _limited(self, sums):
        """Return {cell: its sum}, limited unless the limits are infinite."""
        builder, infinity = self.builder, ir.Constant(self.real, math.inf)
        limits = builder.or_(
            builder.fcmp_ordered(">", self.lowest, builder.fneg(infinity)),
            builder.fcmp_ordered("<", self.highest, infinity),
        )
        before, limited, done = builder.block, {}, builder.append_basic_block("limited")
        limit = builder.append_basic_block("limit")
        builder.cbranch(limits, limit, done)
        builder.position_at_end(limit)
        lowest, highest = self._broadcast(self.lowest), self._broadcast(self.highest)
        for cell, value in sums.items():
            value = builder.select(builder.fcmp_ordered("<", value, lowest), lowest, value)
            limited[cell] = builder.select(builder.fcmp_ordered(">", value, highest), highest, value)
        builder.branch(done)
        builder.position_at_end(done)
        return {cell: self._either([(sums[cell], before), (limited[cell], limit)]) for cell in self.cells}

    def _store_all(self, sums, mask):
        """Write the sums; the mask, unless it is None, is that of the last vector of each row."""
        for (i, j), value in sums.items():
            address = self._at(self.c, self.c_row, i, j)
            if mask is None or j < self.vectors - 1:
                self._store(value, address)
            else:
                _store_part(self.builder, value, address, mask, self.size)

    def _start(self, mask):
        """Return {cell: initial vector of its sum}; the mask is that of the last vector of each row."""
        builder, zero = self.builder, self.vector(None)
        before, begin = builder.block, builder.append_basic_block("begin")
        switch = builder.switch(self.start, begin)
        choices = [(dict.fromkeys(self.cells, zero), before)]

        def choice(code, value_at):
            block = builder.append_basic_block("start")
            switch.add_case(_INT(code), block)
            builder.position_at_end(block)
            choices.append(({cell: value_at(*cell) for cell in self.cells}, block))
            builder.branch(begin)

        def from_c(i, j):
            address = self._at(self.c, self.c_row, i, j)
            inside = j < self.vectors - 1
            return self._load(address) if inside else _load_part(builder, address, mask, self.vector, self.size)

        choice(FROM_ROWS, lambda i, j: self._splat(self._at(self.bias, _INT(self.size), i, 0)))
        choice(FROM_COLUMNS, lambda i, j: self._load(self._at(self.bias, _INT(0), 0, j)))
        choice(FROM_C, from_c)
        builder.position_at_end(begin)
        return {cell: self._either([(values[cell], block) for values, block in choices]) for cell in self.cells}

    def _products(self, start):
        """Return {cell: its sum over k}, computed in a loop with all sums in registers."""
        builder = self.builder
        before, loop, done = builder.block, builder.append_basic_block("loop"), builder.append_basic_block("done")
        rows_of_a = [builder.add(self.a, self._entry(self.a_rows, _INT(i))) for i in range(self.rows)]
        builder.cbranch(builder.icmp_signed(">", self.inner, _INT(0)), loop, done)
        builder.position_at_end(loop)
        k = self._either([(_INT(0), before)])
        sums = {cell: self._either([(start[cell], before)]) for cell in self.cells}
        along, b = self._entry(self.a_columns, k), builder.add(self.b, self._entry(self.b_rows, k))
        row = [self._load(self._at(b, _INT(0), 0, j)) for j in range(self.vectors)]
        following = {}
        for i in range(self.rows):
            value = self._splat(builder.add(rows_of_a[i], along))
            for j in range(self.vectors):
                # "contract" lets LLVM fuse the two into one instruction if the processor has it.
                product = builder.fmul(value, row[j], flags=("contract",))
                following[i, j] = builder.fadd(product, sums[i, j], flags=("contract",))
        for phi, value in (
            (k, builder.add(k, _INT(1))),
            *((sums[cell], following[cell]) for cell in self.cells),
        ):
            phi.add_incoming(value, loop)
        again = builder.cbranch(builder.icmp_signed("<", builder.add(k, _INT(1)), self.inner), loop, done)
        again.set_metadata("llvm.loop", _not_unrolled(builder.module))
        builder.position_at_end(done)
        return {cell: self._either([(start[cell], before), (following[cell], loop)]) for cell in self.cells}

    def _entry(self, table, index):
        address = self.builder.add(table, self.builder.mul(index, _INT(8)))
        return self.builder.load(self.builder.inttoptr(address, _INT.as_pointer()))

    def _at(self, address, stride, i, j):
        """Return the address of vector j in row i."""
        offset = self.builder.mul(stride, _INT(i))
        return self.builder.add(self.builder.add(address, offset), _INT(j * self.lanes * self.size))

    def _load(self, address):
        return self.builder.load(self.builder.inttoptr(address, self.vector.as_pointer()), align=self.size)

    def _store(self, value, address):
        self.builder.store(value, self.builder.inttoptr(address, self.vector.as_pointer()), align=self.size)

    def _splat(self, address):
        return self._broadcast(self.builder.load(self.builder.inttoptr(address, self.real.as_pointer())))

    def _broadcast(self, value):
        first = self.builder.insert_element(self.vector(ir.Undefined), value, ir.IntType(32)(0))
        zeros = ir.VectorType(ir.IntType(32), self.lanes)([0] * self.lanes)
        return self.builder.shuffle_vector(first, self.vector(ir.Undefined), zeros)

    def _either(self, choices):
        phi = self.builder.phi(choices[0][0].type)
        for value, block in choices:
            phi.add_incoming(value, block)
        return phi
