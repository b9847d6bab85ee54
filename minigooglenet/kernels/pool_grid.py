"""Max pooling, planes at a time: what the windows of a pool have in common, one loop for all of them.

A window's place (r, s) takes its value from the same distance away in every window. So the planes are laid out in
memory such that this distance is a plain shift: with stride 2, even columns apart from odd ones. Then one loop without
branches compares place s of every window at once, and the compiler makes it vector instructions. What such a loop
reads for a place beyond the image is some other value: tables of codes say which places are real.
"""

import functools

import numpy as np

from minigooglenet.kernels.compiled import compiled

CHUNK = 4096  # about how many window positions a loop runs over: enough for long loops, few enough for the caches
MISSING, REAL, FIRST = 0, 1, 2  # a place of a window: beyond the image, within it, the first within it


@functools.lru_cache(maxsize=32)  # one for every pool of a network: the tables take longer than a small pool
def layout(planes, input_size, size, kernel_size, stride, before):
    """Return what `best_of_windows` asks for a pool of H x W to P x Q; `before` is (top, left) of its padding.

    A plane becomes `rows` x `columns` positions, a chunk of `planes` planes or fewer one loop.
    """
    (height, width), (kernel_h, kernel_w), (top, left) = input_size, kernel_size, before
    rows, columns = max(height, (size[0] - 1) * stride[0] + 1), max(size[1], -(-width // stride[1]))
    count = max(1, min(planes, CHUNK // (rows * columns)))
    margin = kernel_h * columns + kernel_w
    apart = count * rows * columns + 2 * margin
    row_codes = np.tile(np.repeat(_codes(rows, height, kernel_h, 1, top), columns, axis=1), count)
    column_codes = np.tile(_codes(columns, width, kernel_w, stride[1], left), rows * count)
    along = [divmod(s - left, stride[1]) for s in range(kernel_w)]
    across = tuple(phase * apart + margin + shift for shift, phase in along)
    down = tuple(margin + (r - top) * columns for r in range(kernel_h))
    return across, down, column_codes.ravel(), row_codes.ravel(), margin, rows, columns, stride


@functools.lru_cache(maxsize=32)
def places(input_size, size, kernel_size, stride, before):
    """Return what `give_to_winners` asks for a pool of H x W to P x Q."""
    along = [np.arange(size[axis]) * stride[axis] - before[axis] for axis in range(2)]
    starts = np.add.outer(along[0] * input_size[1], along[1]).ravel()
    offsets = np.add.outer(np.arange(kernel_size[0]) * input_size[1], np.arange(kernel_size[1])).ravel()
    rows, columns = (
        _codes(size[axis], input_size[axis], kernel_size[axis], stride[axis], before[axis]) != MISSING
        for axis in range(2)
    )
    inside = np.einsum("rp,sq->pqrs", rows, columns).reshape(len(starts), len(offsets))
    return input_size[0] * input_size[1], starts, offsets, inside, np.flatnonzero(~inside.all(axis=1))


def _codes(windows, size, kernel, stride, before):
    """Return the code (kernel, windows) of every place of every window along one axis."""
    positions = np.arange(windows) * stride + np.arange(kernel)[:, None] - before
    real = (positions >= 0) & (positions < size)
    codes = np.where(real, REAL, MISSING).astype(np.uint8)
    codes[real.argmax(axis=0), np.arange(windows)] = FIRST
    return codes


@compiled
def best_of_windows(x, y, winners, sizes, across, down, column_codes, row_codes, margin, rows, columns, steps):
    """Write y and the winners (or None) of x, all flat; sizes = (H, W, P, Q). No views inside loops: they cost more."""
    (height, width, windows_h, windows_w), (stride_h, stride_w) = sizes, steps
    planes, count = len(x) // (height * width), len(row_codes) // len(down) // (rows * columns)
    n = count * rows * columns
    stage, rows_best = np.zeros(stride_w * (n + 2 * margin), x.dtype), np.zeros(n + 2 * margin, x.dtype)
    best = np.empty(n, x.dtype)
    if winners is None:
        rows_place = place = None
    else:
        rows_place, place = np.zeros(n + 2 * margin, winners.dtype), np.empty(n, winners.dtype)
    for start in range(0, planes, count):
        end = min(start + count, planes)
        # In one go where rows follow each other as in x, else row by row.
        together = (end - start) * height if columns * stride_w == width and rows == height else 1
        for row in range(0, (end - start) * height, together):
            position = margin + (row // height * rows + row % height) * columns
            _deal(x, (start * height + row) * width, together * width, stage, position, stride_w)
        _best_of_shifts(rows_best, rows_place, margin, n, stage, None, across, column_codes, 1)
        # Where the grid is the output, nothing is left to pick.
        whole = windows_h == rows and windows_w == columns and end - start == count
        target, target_place, first = (y, winners, start * rows * columns) if whole else (best, place, 0)
        _best_of_shifts(target, target_place, first, n, rows_best, rows_place, down, row_codes, len(across))
        if whole:
            continue
        for i in range(start, end):
            for p in range(windows_h):
                source, target = ((i - start) * rows + p * stride_h) * columns, (i * windows_h + p) * windows_w
                _copy(best, source, y, target, windows_w)
                if winners is not None:
                    _copy(place, source, winners, target, windows_w)


@compiled
def _best_of_shifts(best, places, first, n, values, earlier, starts, codes, weight):
    """For j < n, write the best of values[starts[s] + j] over s, and its place: earlier place + s * weight.

    `starts` is a tuple, so that the compiler knows its length and unrolls the loop over s.
    """
    for j in range(n):
        top = values[np.uintp(starts[0] + j)]  # unsigned: a negative index would count from the end, which costs a test
        if places is not None:
            place = places.dtype.type(0) if earlier is None else earlier[np.uintp(starts[0] + j)]
        for s in range(1, len(starts)):
            value, code = values[np.uintp(starts[s] + j)], codes[np.uintp(s * n + j)]
            # Neither is true for a NaN, so that a first NaN wins and stays.
            wins = (code == FIRST) | ((code == REAL) & (top == top) & ~(value <= top))
            top = value if wins else top
            if places is not None:
                before = places.dtype.type(0) if earlier is None else earlier[np.uintp(starts[s] + j)]
                place = places.dtype.type(before + places.dtype.type(s * weight)) if wins else place
        best[np.uintp(first + j)] = top
        if places is not None:
            places[np.uintp(first + j)] = place


@compiled
def give_to_winners(grad_y, winners, grad_x, size, starts, offsets, inside, border):
    """Write grad_x, and return how many winners lie outside their window or the image; all arrays are flat.

    `size` is H * W. `starts` (P * Q) tells where in a plane each window starts, `offsets` (R * S) how far behind that
    each of its places lies: one loop over a plane's windows, without a division. `inside` (P * Q, R * S) tells which
    places lie in the image. Only windows of `border` have others: the rest need no test, which costs more than a sum.
    """
    windows, strays = len(starts), 0
    for i in range(len(grad_x) // size):
        corner, window = i * size, i * windows
        for j in range(size):  # here, so that the plane is in the cache when its gradients arrive
            grad_x[np.uintp(corner + j)] = 0
        outside = _count_outside(winners, window, inside, border)
        if outside == 0:
            for j in range(windows):
                place = np.uintp(winners[np.uintp(window + j)])
                grad_x[np.uintp(corner + starts[j] + offsets[place])] += grad_y[np.uintp(window + j)]
        strays += outside
    return strays


@compiled
def _count_outside(winners, window, inside, border):
    windows, places = inside.shape
    largest = winners[window]
    for j in range(windows):
        largest = max(largest, winners[np.uintp(window + j)])
    outside = 0
    if largest < places:
        for j in border:
            outside += not inside[np.uintp(j), np.uintp(winners[np.uintp(window + j)])]
    else:
        for j in range(windows):
            place = winners[np.uintp(window + j)]
            outside += place >= places or not inside[j, place]
    return outside


@compiled
def _copy(source, start, target, first, count):
    for j in range(count):
        target[np.uintp(first + j)] = source[np.uintp(start + j)]


@compiled
def _deal(source, start, count, stage, first, stride):
    """Deal a row out: value j to place j // stride of phase j % stride, one phase behind the other."""
    apart = len(stage) // stride
    if stride == 1:
        _copy(source, start, stage, first, count)
    elif stride == 2:  # written out, since the compiler knows vector instructions for pairs
        for j in range(count // 2):
            stage[np.uintp(first + j)] = source[np.uintp(start + 2 * j)]
            stage[np.uintp(first + apart + j)] = source[np.uintp(start + 2 * j + 1)]
        if count % 2:
            stage[first + count // 2] = source[start + count - 1]
    else:
        for j in range(count):
            stage[first + j % stride * apart + j // stride] = source[start + j]
