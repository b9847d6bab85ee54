"""The innermost blocks of a direct convolution: neighbouring rows of one or two filters, with their sums in registers.

A vector that is loaded from an input row is used for every output row whose windows contain that row: seven rows of a
3x3 kernel need 27 loads for 63 vector multiply-adds, or for 126 if two filters read the same channel. Nothing is
packed. A lane whose column is outside the image is replaced by zero after the load (one masked load on a processor with
AVX-512), and a row outside the image is read from a row of zeros. With stride 2, every second value of two vectors is
selected.

As in `microkernel`, the instructions are emitted with LLVM's builder, in Python loops that unroll over rows and kernel
positions. All hyperparameters are constants in the code, so there is a compiled kernel for each combination.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigooglenet.kernels.fast.microkernel import REGISTERS
from minigooglenet.kernels.fast.simd import Vector, splat

# Output rows of a large and of a smaller block. Seven sums, nine weights and an input need more than 16 registers.
# Most networks have maps of 7, 14, 28, 56 and 112 rows.
LARGE, SMALL = (7, 4) if REGISTERS == 32 else (4, 2)

_INT, _LANE = ir.IntType(64), ir.IntType(32)
_SETTINGS, _IMAGE = types.UniTuple(types.intp, 8), types.UniTuple(types.intp, 7)
_TARGET = _GRADS = types.UniTuple(types.intp, 3)


@intrinsic(prefer_literal=True)
def outputs(_, zero, rows, settings, image, weights, biases, limits, target):
    """Compute one vector of outputs in each of some neighbouring rows of each filter, and write it.

        y[p, q] = limited(bias + sum over c, r, s of weight[c, r, s] * x[c, p * h + r * dilation, q * w + s * dilation])

    zero : 0 of the arrays' dtype
    rows, settings : literals; settings are (R, S, stride h and w, dilation h and w, 1 for whole vectors or 2 for
        halves, number of filters)
    image : (address of row 0, bytes of a row, H, W, address of a row of zeros, first row and column that are read,
        number of channels, bytes between channels)
    weights : (address of the weights (filters, C, R, S), bytes between filters);  biases : of the filters
    limits : (lowest, highest) output; NaN stays NaN
    target : (address of the first output, bytes between its rows, bytes between filters)
    """
    values = _literal(settings)

    def code(context, builder, signature, arguments):
        image, weights, biases, limits, target = (
            _unpacked(builder, kind, value) for kind, value in zip(signature.args[3:], arguments[3:], strict=True)
        )
        block = _Block(builder, zero, rows.literal_value, values, image[:7])
        _store_outputs(block, _sum_over_channels(block, *weights, biases, *image[7:]), limits, target)
        return context.get_dummy_value()

    image = types.UniTuple(types.intp, 9)
    reals = types.UniTuple(zero, values[7]), types.UniTuple(zero, 2)
    return types.void(zero, rows, _SETTINGS, image, types.UniTuple(types.intp, 2), *reals, _TARGET), code


@intrinsic(prefer_literal=True)
def start_products(_, zero, settings):
    """Return the sums with which `add_products` begins: a vector of zeros for each kernel position, and one more."""
    height, width, *_, parts, _ = _literal(settings)
    result = types.UniTuple(Vector(zero, parts), height * width + 1)

    def code(context, builder, signature, arguments):
        return ir.Constant(ir.ArrayType(result.dtype.llvm, result.count), None)

    return result(zero, _SETTINGS), code


@intrinsic(prefer_literal=True)
def add_products(_, sums, rows, settings, image, grads):
    """Return sums with x * grad_y of a block added for each kernel position, and with grad_y added to the last one.

    rows, settings, image : as in `outputs`, but image ends with the column
    grads : (address of the first upstream gradient, bytes between its rows, number of columns; others count as zero)
    """
    values = _literal(settings)

    def code(context, builder, signature, arguments):
        block = _Block(builder, sums.dtype.real, rows.literal_value, values, _unpacked(builder, _IMAGE, arguments[3]))
        added = _add_products(block, _unpacked(builder, sums, arguments[0]), _unpacked(builder, _GRADS, arguments[4]))
        return context.make_tuple(builder, sums, added)

    return sums(sums, rows, _SETTINGS, _IMAGE, _GRADS), code


@intrinsic
def store_products(_, values, sums):
    """Write the vectors of the sums of `add_products` to an array, one after another."""

    def code(context, builder, signature, arguments):
        array, sums = arguments
        address = context.make_array(signature.args[0])(context, builder, array).data
        vector = signature.args[1].dtype
        for k in range(signature.args[1].count):
            at = builder.bitcast(builder.gep(address, [_INT(k * vector.lanes)]), vector.llvm.as_pointer())
            builder.store(builder.extract_value(sums, k), at, align=vector.real.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(values, sums), code


def _literal(settings):
    return tuple(kind.literal_value for kind in settings.types)


def _unpacked(builder, kind, value):
    return [builder.extract_value(value, i) for i in range(len(kind.types))]


class _Block:
    """The inputs of a block, as vectors."""

    def __init__(self, builder, real, rows, settings, image):
        self.builder, self.rows, self.filters = builder, rows, settings[7]
        self.kernel, self.stride, self.dilation = settings[:2], settings[2:4], settings[4:6]
        self.size = real.bitwidth // 8
        self.vector = Vector(real, settings[6]).llvm
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

    def lanes_below(self, limit, first=None, offset=0, step=1):
        """Return which lanes i have 0 <= first + offset + i * step < limit."""
        steps = ir.Constant(self.integers, [offset + i * step for i in range(self.lanes)])
        columns = steps if first is None else self.builder.add(self.splat(self.builder.trunc(first, _LANE)), steps)
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
        return splat(self.builder, value, self.lanes)


def _sum_over_channels(block, weights, filter_bytes, biases, channels, distance):
    """Return the sums of all rows of each filter, computed in a loop over channels with all sums in registers."""
    builder = block.builder
    start = [block.splat(bias) for bias in biases for _ in range(block.rows)]
    before, loop, done = builder.block, builder.append_basic_block("channel"), builder.append_basic_block("done")
    masks = block.masks()
    builder.branch(loop)
    builder.position_at_end(loop)
    c, block.image, weights, *sums = (_phi(builder, value, before) for value in (_INT(0), block.image, weights, *start))
    added = _add_channel(block, weights, filter_bytes, list(sums), masks)
    following = builder.add(c, _INT(1))
    step = _INT(block.kernel[0] * block.kernel[1] * block.size)
    ends = following, builder.add(block.image, distance), builder.add(weights, step), *added
    for phi, value in zip((c, block.image, weights, *sums), ends, strict=True):
        phi.add_incoming(value, loop)
    builder.cbranch(builder.icmp_signed("<", following, channels), loop, done)
    builder.position_at_end(done)
    return added


def _phi(builder, value, block):
    phi = builder.phi(value.type)
    phi.add_incoming(value, block)
    return phi


def _add_channel(block, address, filter_bytes, sums, masks):
    """Return the sums with the products of a channel added, over (r, s) in order."""
    builder, (height, width) = block.builder, block.kernel
    filters = range(block.filters)
    starts = [builder.add(address, builder.mul(filter_bytes, _INT(f))) for f in filters]
    weights = [[block.weight(start, k) for k in range(height * width)] for start in starts]
    for users, row in block.windows():
        for s in block.columns:
            x = block.inputs(row, s, masks[s])
            for p, r in users:
                for f in filters:
                    at = f * block.rows + p
                    sums[at] = block.multiply_add(x, weights[f][r * width + s], sums[at])
    return sums


def _store_outputs(block, sums, limits, target):
    builder, (low, high) = block.builder, map(block.splat, limits)
    for i, y in enumerate(sums):
        f, p = divmod(i, block.rows)
        y = builder.select(builder.fcmp_ordered("<", y, low), low, y)
        y = builder.select(builder.fcmp_ordered(">", y, high), high, y)
        at = builder.add(target[0], builder.mul(target[1], _INT(p)))
        at = builder.add(at, builder.mul(target[2], _INT(f)))
        builder.store(y, builder.inttoptr(at, block.vector.as_pointer()), align=block.size)


def _add_products(block, totals, grads):
    builder, width = block.builder, block.kernel[1]
    address, pitch, columns = grads
    inside, nothing = block.lanes_below(columns), block.vector(None)
    grads = [
        builder.select(inside, block.load(builder.add(address, builder.mul(pitch, _INT(p)))), nothing)
        for p in range(block.rows)
    ]
    for grad in grads:
        totals[-1] = builder.fadd(totals[-1], grad)
    masks = [builder.and_(mask, inside) for mask in block.masks()]
    for users, row in block.windows():
        for s in block.columns:
            x = block.inputs(row, s, masks[s])
            for p, r in users:
                totals[r * width + s] = block.multiply_add(x, grads[p], totals[r * width + s])
    return totals
