"""The innermost blocks of a depthwise convolution: neighbouring rows of one channel, with their sums in registers.

A vector that is loaded from an input row is used for every output row whose windows contain that row: seven rows of a
3x3 kernel need 27 loads for 63 vector multiply-adds. Nothing is packed. A lane whose column is outside the image is
replaced by zero after the load (one masked load on a processor with AVX-512), and a row outside the image is read from
a row of zeros. With stride 2, every second value of two vectors is selected.

As in `microkernel`, the instructions are emitted with LLVM's builder, in Python loops that unroll over rows and kernel
positions. All hyperparameters are constants in the code, so there is a compiled kernel for each combination.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigooglenet.kernels.fast.microkernel import REGISTERS, VECTOR_BYTES
from minigooglenet.kernels.fast.simd import Vector

# Output rows of a large and of a smaller block. Seven sums, nine weights and an input need more than 16 registers.
# Most networks have maps of 7, 14, 28, 56 and 112 rows.
LARGE, SMALL = (7, 4) if REGISTERS == 32 else (4, 2)

_INT, _LANE = ir.IntType(64), ir.IntType(32)
_IMAGE = types.UniTuple(types.intp, 7)


@intrinsic(prefer_literal=True)
def outputs(_, zero, rows, settings, image, weights, target):
    """Compute one vector of outputs in each of some neighbouring rows of a channel.

        y[p, q] = clip(bias + sum over r, s in order of weight[r, s] * x[p * h + r * dilation, q * w + s * dilation])

    zero : 0 of the arrays' dtype
    rows, settings : literals; settings are (R, S, stride h and w, dilation h and w, 1 for whole vectors, 2 for halves)
    image : (address of row 0, bytes of a row, H, W, address of a row of zeros, first row and column that are read)
    weights : (address of the weights (R, S), bias, lowest, highest value)
    target : (address of the first output, bytes between its rows)
    """
    settings = tuple(kind.literal_value for kind in settings.types)

    def code(context, builder, signature, arguments):
        image, weights, target = (_unpacked(builder, *pair) for pair in list(zip(signature.args, arguments))[3:])
        block = _Block(builder, zero, rows.literal_value, settings, image)
        _emit_outputs(block, weights, target)
        return context.get_dummy_value()

    return types.void(zero, rows, types.UniTuple(types.intp, 7), _IMAGE, weights, types.UniTuple(types.intp, 2)), code


@intrinsic(prefer_literal=True)
def no_products(_, zero, settings):
    """Return the sums with which `products` begins: a vector of zeros for each kernel position, and one more."""
    result, lanes = _sums(zero, tuple(kind.literal_value for kind in settings.types))

    def code(context, builder, signature, arguments):
        return ir.Constant(ir.ArrayType(lanes, result.count), None)

    return result(zero, types.UniTuple(types.intp, 7)), code


@intrinsic(prefer_literal=True)
def products(_, sums, zero, rows, settings, image, grads):
    """Return the sums of x * grad_y for each kernel position, and the sums of grad_y, over a block of positions.

    sums : the sums of earlier blocks
    zero, rows, settings, image : as in `outputs`
    grads : (address of the first upstream gradient, bytes between its rows, number of columns; others count as zero)
    """
    settings = tuple(kind.literal_value for kind in settings.types)

    def code(context, builder, signature, arguments):
        image, grads = (_unpacked(builder, *pair) for pair in list(zip(signature.args, arguments))[4:])
        block = _Block(builder, zero, rows.literal_value, settings, image)
        return _emit_products(block, arguments[0], grads)

    sums, _ = _sums(zero, settings)
    return sums(sums, zero, rows, types.UniTuple(types.intp, 7), _IMAGE, types.UniTuple(types.intp, 3)), code


@intrinsic
def store_products(_, values, sums):
    """Write the vectors of the sums of `products` to an array, one after another."""

    def code(context, builder, signature, arguments):
        array, sums = arguments
        address = context.make_array(signature.args[0])(context, builder, array).data
        vector = signature.args[1].dtype
        for k in range(signature.args[1].count):
            at = builder.bitcast(builder.gep(address, [_INT(k * vector.lanes)]), vector.llvm.as_pointer())
            builder.store(builder.extract_value(sums, k), at, align=vector.real.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(values, sums), code


def _sums(zero, settings):
    """Return (type of the sums of `products`, LLVM type of each)."""
    vector = Vector(zero, settings[6])
    return types.UniTuple(vector, settings[0] * settings[1] + 1), vector.llvm


def _unpacked(builder, kind, value):
    return [builder.extract_value(value, i) for i in range(len(kind.types))]


class _Block:
    """The inputs of a block, as vectors."""

    def __init__(self, builder, zero, rows, settings, image):
        self.builder, self.rows = builder, rows
        self.kernel, self.stride, self.dilation = settings[:2], settings[2:4], settings[4:6]
        self.size = zero.bitwidth // 8
        self.vector = Vector(zero, settings[6]).llvm
        self.lanes = self.vector.count
        self.integers = ir.VectorType(_LANE, self.lanes)
        self.image, self.row_bytes, self.height, self.width, self.zeros, self.first, self.column = image

    def windows(self):
        """Yield (s, [(row, r), ...], address) for the input rows of the block, in order, and for each s.

        The output rows and kernel rows are those that use the input row; the address is that of its first input.
        """
        builder = self.builder
        reads = {}
        for p in range(self.rows):
            for r in range(self.kernel[0]):
                reads.setdefault(p * self.stride[0] + r * self.dilation[0], []).append((p, r))
        start = builder.mul(self.column, _INT(self.size))
        for i, users in sorted(reads.items()):
            row = builder.add(self.first, _INT(i))
            inside = builder.icmp_unsigned("<", row, self.height)
            address = builder.add(self.image, builder.mul(row, self.row_bytes))
            yield users, builder.add(builder.select(inside, address, self.zeros), start)

    def masks(self):
        """Return for each s which lanes read a column inside the image."""
        return [self.lanes_below(self.width, self.column, s * self.dilation[1], self.stride[1]) for s in self.columns]

    @property
    def columns(self):
        return range(self.kernel[1])

    def lanes_below(self, limit, first=_INT(0), offset=0, step=1):
        """Return which lanes i have 0 <= first + offset + i * step < limit."""
        steps = ir.Constant(self.integers, [offset + i * step for i in range(self.lanes)])
        columns = self.builder.add(self.splat(self.builder.trunc(first, _LANE)), steps)
        return self.builder.icmp_unsigned("<", columns, self.splat(self.builder.trunc(limit, _LANE)))

    def inputs(self, row, s, mask):
        """Return the vector of inputs in a row for kernel column s."""
        at = s * self.dilation[1]
        if self.stride[1] == 1:
            values = self.load(row, at)
        else:
            odd = at % 2  # an even and an odd column select from the same two vectors
            select = ir.Constant(self.integers, list(range(odd, 2 * self.lanes, 2)))
            pair = self.load(row, at - odd), self.load(row, at - odd + self.lanes)
            values = self.builder.shuffle_vector(*pair, select)
        return self.builder.select(mask, values, self.vector(None))

    def multiply_add(self, a, b, c):
        """Return a * b + c; "contract" lets LLVM use one instruction if the processor has it."""
        return self.builder.fadd(self.builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))

    def load(self, address, index=0):
        address = self.builder.add(address, _INT(index * self.size))
        return self.builder.load(self.builder.inttoptr(address, self.vector.as_pointer()), align=self.size)

    def weight(self, address, index):
        """Return a weight in every lane. Nothing writes weights in between, so that LLVM may keep them in registers."""
        address = self.builder.add(address, _INT(index * self.size))
        value = self.builder.load(self.builder.inttoptr(address, self.vector.element.as_pointer()), align=self.size)
        value.set_metadata("invariant.load", self.builder.module.add_metadata([]))
        return self.splat(value)

    def splat(self, value):
        vector = ir.VectorType(value.type, self.lanes)
        first = self.builder.insert_element(vector(ir.Undefined), value, _LANE(0))
        return self.builder.shuffle_vector(first, vector(ir.Undefined), self.integers(None))


def _emit_outputs(block, weights, target):
    builder, (height, width) = block.builder, block.kernel
    address, bias, lowest, highest = weights
    weights = [block.weight(address, k) for k in range(height * width)]
    sums = [block.splat(bias)] * block.rows
    masks = block.masks()
    for users, row in block.windows():
        for s in block.columns:
            x = block.inputs(row, s, masks[s])
            for p, r in users:
                sums[p] = block.multiply_add(x, weights[r * width + s], sums[p])
    lowest, highest = block.splat(lowest), block.splat(highest)
    for p, y in enumerate(sums):  # NaN stays NaN
        y = builder.select(builder.fcmp_ordered("<", y, lowest), lowest, y)
        y = builder.select(builder.fcmp_ordered(">", y, highest), highest, y)
        at = builder.add(target[0], builder.mul(target[1], _INT(p)))
        builder.store(y, builder.inttoptr(at, block.vector.as_pointer()), align=block.size)


def _emit_products(block, sums, grads):
    builder, (height, width) = block.builder, block.kernel
    address, pitch, columns = grads
    inside, nothing = block.lanes_below(columns), block.vector(None)
    grads = [
        builder.select(inside, block.load(builder.add(address, builder.mul(pitch, _INT(p)))), nothing)
        for p in range(block.rows)
    ]
    totals = [builder.extract_value(sums, k) for k in range(height * width + 1)]
    for grad in grads:
        totals[-1] = builder.fadd(totals[-1], grad)
    masks = [builder.and_(mask, inside) for mask in block.masks()]
    for users, row in block.windows():
        for s in block.columns:
            x = block.inputs(row, s, masks[s])
            for p, r in users:
                totals[r * width + s] = block.multiply_add(x, grads[p], totals[r * width + s])
    for k, total in enumerate(totals):
        sums = builder.insert_value(sums, total, k)
    return sums
