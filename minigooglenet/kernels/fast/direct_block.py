"""The innermost blocks of a direct convolution: neighbouring rows of one or two filters, with their sums in registers.

A vector that is loaded from an input row is used for every output row whose windows contain that row: seven rows of a
3x3 kernel need 27 loads for 63 vector multiply-adds, or for 126 if two filters read the same channel. Nothing is
packed. A lane whose column is outside the image is replaced by zero after the load (one masked load on a processor with
AVX-512), and a row outside the image is read from a row of zeros. With stride 2, every second value of two vectors is
selected.

As in `microkernel`, the instructions are emitted with LLVM's builder, in Python loops that unroll over rows and kernel
positions. All hyperparameters are constants in the code, so there is a compiled kernel for each combination.
"""

import functools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigooglenet.kernels.fast.microkernel import REGISTERS
from minigooglenet.kernels.fast.simd import Vector, splat

# Output rows of a large and of a smaller block. Seven sums, nine weights and an input need more than 16 registers.
# Most networks have maps of 7, 14, 28, 56 and 112 rows.
LARGE, SMALL = (7, 4) if REGISTERS == 32 else (4, 2)
PAIRS = 4 if REGISTERS == 32 else 2  # pairs of rows of an input gradient with stride 2, four sums each

_INT, _LANE = ir.IntType(64), ir.IntType(32)
_SETTINGS, _IMAGE = types.UniTuple(types.intp, 9), types.UniTuple(types.intp, 7)
_CHANNELS = types.UniTuple(types.intp, 9)  # an image, its number of channels and their distance
_WEIGHTS = _TARGET = types.UniTuple(types.intp, 3)
_GRADS = types.UniTuple(types.intp, 4)


@intrinsic(prefer_literal=True)
def outputs(_, zero, rows, settings, image, weights, biases, limits, target):
    """Compute one vector of outputs in each of some neighbouring rows of each filter, and write it.

        y[p, q] = limited(bias + sum over c, r, s of weight[c, r, s] * x[c, p * h + r * dilation, q * w + s * dilation])

    zero : 0 of the arrays' dtype
    rows, settings : literals; settings are (R, S, stride h and w, dilation h and w, 1 for whole vectors or 2 for
        halves, number of filters, 1 if kernels are rotated by 180 degrees)
    image : (address of row 0, bytes of a row, H, W, address of a row of zeros, first row and column that are read,
        number of channels, bytes between channels)
    weights : (address, bytes between filters, bytes between channels);  biases : of the filters
    limits : (lowest, highest) output; NaN stays NaN
    target : (address of the first output, bytes between its rows, bytes between filters)
    """
    values = _literal(settings)

    def code(context, builder, signature, arguments):
        image, weights, biases, limits, target = (
            _unpacked(builder, kind, value) for kind, value in zip(signature.args[3:], arguments[3:], strict=True)
        )
        block = _Block(builder, zero, rows.literal_value, values, image[:7])
        start = [block.splat(bias) for bias in biases for _ in range(block.rows)]
        add = functools.partial(_add_channel, block, weights[1], rotated=values[8])
        sums = _sum_over_channels(block, start, add, (weights[0], weights[2]), image[7:])
        _store_outputs(block, sums, limits, target)
        return context.get_dummy_value()

    reals = types.UniTuple(zero, values[7]), types.UniTuple(zero, 2)
    return types.void(zero, rows, _SETTINGS, _CHANNELS, _WEIGHTS, *reals, _TARGET), code


@intrinsic(prefer_literal=True)
def strided_gradients(_, zero, rows, settings, image, weights, target):
    """Compute two vectors of the input gradient for stride 2 in each of 2 * rows rows, and write them.

        grad_x[2 u + a, 2 v + b] = sum over k, r, s of weight[k, r, s] * grad_y[k, u - m, v - n],
        where r * dilation = 2 m + a and s * dilation = 2 n + b

    No product with the zeros between upstream gradients is computed: a 3x3 kernel has nine for four values.

    zero, rows, settings : as in `outputs`, of one filter
    image : as in `outputs`, of grad_y; the first row and column are u - max m and v - max n
    weights : (address of the weights of a channel of x, 0, bytes between filters k)
    target : as in `outputs`
    """
    height, width, _, _, *dilation, parts, _, _ = values = _literal(settings)
    reach = reach_of(values[:2], dilation)

    def code(context, builder, signature, arguments):
        image, weights, target = (
            _unpacked(builder, kind, value) for kind, value in zip(signature.args[3:], arguments[3:], strict=True)
        )
        block = _Block(builder, zero, rows.literal_value, (*reach, 1, 1, 1, 1, parts, 1, 0), image[:7])
        taps = {}
        for r in range(height):
            for s in range(width):
                (m, a), (n, b) = divmod(r * dilation[0], 2), divmod(s * dilation[1], 2)
                taps.setdefault((reach[0] - 1 - m, reach[1] - 1 - n), []).append((2 * a + b, r * width + s))
        add = functools.partial(_add_strided, block, taps)
        start = [block.vector(None)] * (4 * block.rows)
        sums = _sum_over_channels(block, start, add, (weights[0], weights[2]), image[7:])
        _store_interleaved(block, sums, target)
        return context.get_dummy_value()

    return types.void(zero, rows, _SETTINGS, _CHANNELS, _WEIGHTS, _TARGET), code


def reach_of(kernel, dilation):
    """Return how many neighbouring rows and columns of grad_y one value of grad_x depends on, for stride 2."""
    return tuple((size - 1) * step // 2 + 1 for size, step in zip(kernel, dilation, strict=True))


@intrinsic(prefer_literal=True)
def start_products(_, zero, settings):
    """Return the sums with which `add_products` begins: for each filter, a vector for each kernel position and one."""
    height, width, *_, parts, filters, _ = _literal(settings)
    result = types.UniTuple(Vector(zero, parts), filters * (height * width + 1))

    def code(context, builder, signature, arguments):
        return ir.Constant(ir.ArrayType(result.dtype.llvm, result.count), None)

    return result(zero, _SETTINGS), code


@intrinsic(prefer_literal=True)
def add_products(_, sums, rows, settings, image, grads):
    """Return sums with x * grad_y of a block added for each filter and kernel position, and grad_y to its last one.

    rows, settings, image : as in `outputs`, but image ends with the column
    grads : (address of the first upstream gradient, bytes between its rows, bytes between filters, number of columns;
        others count as zero)
    """
    values = _literal(settings)

    def code(context, builder, signature, arguments):
        block = _Block(builder, sums.dtype.real, rows.literal_value, values, _unpacked(builder, _IMAGE, arguments[3]))
        added = _add_products(block, _unpacked(builder, sums, arguments[0]), _unpacked(builder, _GRADS, arguments[4]))
        return context.make_tuple(builder, sums, added)

    return sums(sums, rows, _SETTINGS, _IMAGE, _GRADS), code


@intrinsic
def store_products(_, values, sums):
    """Write the total of each vector of the sums of `add_products` to an array; its halves are added, and so on."""

    def code(context, builder, signature, arguments):
        array, sums = arguments
        address = context.make_array(signature.args[0])(context, builder, array).data
        for k in range(signature.args[1].count):
            total = builder.extract_value(sums, k)
            while total.type.count > 1:
                half = total.type.count // 2
                orders = [ir.Constant(ir.VectorType(_LANE, half), list(range(i, i + half))) for i in (0, half)]
                low, high = (builder.shuffle_vector(total, total, order) for order in orders)
                total = builder.fadd(low, high)
            total = builder.extract_element(total, _LANE(0))
            builder.store(total, builder.gep(address, [_INT(k)]))
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


def _sum_over_channels(block, start, add, weights, channels):
    """Return the sums after a loop over channels, with all sums in registers.

    add : a function (address of a channel's weights, sums, masks) -> sums
    weights : (address, bytes between channels);  channels : (number, bytes between them)
    """
    builder = block.builder
    before, loop, done = builder.block, builder.append_basic_block("channel"), builder.append_basic_block("done")
    masks = block.masks()
    builder.branch(loop)
    builder.position_at_end(loop)
    starts = _INT(0), block.image, weights[0], *start
    c, block.image, address, *sums = (_phi(builder, value, before) for value in starts)
    added = add(address, list(sums), masks)
    following = builder.add(c, _INT(1))
    ends = following, builder.add(block.image, channels[1]), builder.add(address, weights[1]), *added
    for phi, value in zip((c, block.image, address, *sums), ends, strict=True):
        phi.add_incoming(value, loop)
    builder.cbranch(builder.icmp_signed("<", following, channels[0]), loop, done)
    builder.position_at_end(done)
    return added


def _phi(builder, value, block):
    phi = builder.phi(value.type)
    phi.add_incoming(value, block)
    return phi


def _add_channel(block, filter_bytes, address, sums, masks, rotated):
    """Return the sums with the products of a channel added, over (r, s) in order."""
    builder, (height, width) = block.builder, block.kernel
    filters = range(block.filters)
    starts = [builder.add(address, builder.mul(filter_bytes, _INT(f))) for f in filters]
    weights = [[block.weight(start, k) for k in range(height * width)][:: -1 if rotated else 1] for start in starts]
    for users, row in block.windows():
        for s in block.columns:
            x = block.inputs(row, s, masks[s])
            for p, r in users:
                for f in filters:
                    at = f * block.rows + p
                    sums[at] = block.multiply_add(x, weights[f][r * width + s], sums[at])
    return sums


def _add_strided(block, taps, address, sums, masks):
    """Return the sums, four for each row, with the products of a channel of upstream gradients added.

    taps : {(row, column) of a window: [(parities of the output's row and column as 2 a + b, index of the weight)]}
    """
    weights = {k: block.weight(address, k) for users in taps.values() for _, k in users}
    for users, row in block.windows():
        for s in block.columns:
            grad = block.inputs(row, s, masks[s])
            for p, r in users:
                for phase, k in taps.get((r, s), ()):
                    sums[4 * p + phase] = block.multiply_add(grad, weights[k], sums[4 * p + phase])
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


def _store_interleaved(block, sums, target):
    builder, lanes = block.builder, block.lanes
    for row in range(2 * block.rows):
        at = builder.add(target[0], builder.mul(target[1], _INT(row)))
        for half in range(2):
            order = [lanes * (i % 2) + half * lanes // 2 + i // 2 for i in range(lanes)]
            mixed = builder.shuffle_vector(*sums[2 * row : 2 * row + 2], ir.Constant(block.integers, order))
            to = builder.add(at, _INT(half * lanes * block.size))
            builder.store(mixed, builder.inttoptr(to, block.vector.as_pointer()), align=block.size)


def _add_products(block, totals, grads):
    builder, width = block.builder, block.kernel[1]
    address, pitch, apart, columns = grads
    inside, nothing = block.lanes_below(columns), block.vector(None)
    filters, each = range(block.filters), len(totals) // block.filters
    grads = [[] for _ in filters]
    for f in filters:
        start = builder.add(address, builder.mul(apart, _INT(f)))
        for p in range(block.rows):
            grad = block.load(builder.add(start, builder.mul(pitch, _INT(p))))
            grads[f].append(builder.select(inside, grad, nothing))
            last = (f + 1) * each - 1
            totals[last] = builder.fadd(totals[last], grads[f][p])
    masks = [builder.and_(mask, inside) for mask in block.masks()]
    for users, row in block.windows():
        for s in block.columns:
            x = block.inputs(row, s, masks[s])
            for p, r in users:
                for f in filters:
                    at = f * each + r * width + s
                    totals[at] = block.multiply_add(x, grads[f][p], totals[at])
    return totals
