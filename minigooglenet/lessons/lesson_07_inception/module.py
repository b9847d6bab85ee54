"""An Inception module, forward and backward."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.kernels.loops import concat, conv2d, max_pool2d
from minigooglenet.kernels.numpy import conv2d as by_columns

CONVOLUTIONS = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
BRANCHES = ("1x1", "3x3", "5x5", "pool_proj")

forward = Exercise(
    "07.3",
    "the module forward",
    "inception_forward(x, P) -> (N, channels of the four branches, H, W)",
    minutes=15,
    difficulty=2,
    hints=(
        "Four branches read the same input. Write down the output shape of each.",
        (
            "A ReLU follows each of the six convolutions. A k x k convolution keeps height and width if its padding is "
            "k // 2. So does a 3x3 pool of stride 1 with padding 1; its padding must never be the maximum."
        ),
        "`np.concatenate([b1, b3, b5, ____], axis=1)`",
    ),
)


def weights(rng, C, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj):
    """Return {"1x1/weight": (K, C, k, k), "1x1/bias": (K,), ...} of random integers for one module."""
    read = {"3x3": n3x3red, "5x5": n5x5red}
    widths = dict(zip(CONVOLUTIONS, (n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj), strict=True))
    P = {}
    for name, K in widths.items():
        k = int(name[0]) if name in read else 1
        P[f"{name}/weight"] = integers(rng, (K, read.get(name, C), k, k), -2, 3)
        P[f"{name}/bias"] = integers(rng, (K,), -2, 3)
    return P


def _same_size(x, P, name, convolve=conv2d.forward):
    w = P[f"{name}/weight"]
    pad = w.shape[2] // 2
    return convolve(x, w, P[f"{name}/bias"], (1, 1), ((pad, pad), (pad, pad)), 1)


def _relu(x):
    return np.maximum(x, 0)


def run(x, P) -> dict:
    """Return the output of each convolution after its ReLU, the pooled input, and the argmax of the pool."""
    values = {"x": x}
    values["pool"], values["winners"] = max_pool2d.forward(x, (3, 3), (1, 1), ((1, 1), (1, 1)))
    for name, source in READS.items():
        values[name] = _relu(_same_size(values[source], P, name))
    return values


READS = {
    "1x1": "x",
    "3x3_reduce": "x",
    "3x3": "3x3_reduce",
    "5x5_reduce": "x",
    "5x5": "5x5_reduce",
    "pool_proj": "pool",
}


@forward.cases
def forward_cases(rng):
    yield integers(rng, (2, 3, 4, 5), -9, 3), weights(rng, 3, 2, 3, 4, 2, 2, 2)
    P = {name: values / 4 for name, values in weights(rng, 4, 3, 2, 3, 2, 3, 3).items()}
    yield integers(rng, (1, 4, 3, 6), -9, 3), P  # fractions


@forward.reference
def forward_reference(x, P):
    values = run(x, P)
    return concat.forward(*(values[name] for name in BRANCHES))


def _pooled(x, fill=-np.inf, reduce=np.max):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=fill)
    windows = [padded[:, :, i : i + x.shape[2], j : j + x.shape[3]] for i in range(3) for j in range(3)]
    return reduce(np.stack(windows), axis=0)


def _module(x, P, between=_relu, end=_relu, pool=_pooled, order=(0, 1, 2, 3), small=False):
    def conv(source, name):
        return _same_size(source, P, name, by_columns.forward)

    b1 = _relu(conv(x, "1x1"))
    b3 = _relu(conv(between(conv(x, "3x3_reduce")), "3x3"))
    reduced = between(conv(x, "5x5_reduce"))
    b5 = _relu(conv(reduced, "5x5"))
    if small:
        w, b = P["5x5/weight"], P["5x5/bias"]
        b5 = np.zeros_like(b5)
        b5[:, :, 1:-1, 1:-1] = _relu(by_columns.forward(reduced, w, b, (1, 1), ((1, 1), (1, 1)), 1))
    b4 = end(conv(pool(x), "pool_proj"))
    branches = [b1, b3, b5, b4]
    return np.concatenate([branches[i] for i in order], axis=1)


forward.right(_module)


@forward.right
def forward_into_one_array(x, P):
    def conv_relu(source, name):
        return _same_size(source, P, name).clip(min=0)

    widths = [len(P[f"{name}/bias"]) for name in BRANCHES]
    y = np.empty((len(x), sum(widths), *x.shape[2:]))
    ends = np.cumsum(widths)
    y[:, : ends[0]] = conv_relu(x, "1x1")
    y[:, ends[0] : ends[1]] = conv_relu(conv_relu(x, "3x3_reduce"), "3x3")
    y[:, ends[1] : ends[2]] = conv_relu(conv_relu(x, "5x5_reduce"), "5x5")
    y[:, ends[2] :] = conv_relu(max_pool2d.forward(x, (3, 3), (1, 1), ((1, 1), (1, 1)))[0], "pool_proj")
    return y


@forward.wrong
def no_ReLU_after_the_reductions(x, P):
    """Your bottleneck is linear: negative values pass through it. Put a ReLU after each reduction."""
    return _module(x, P, between=lambda values: values)


@forward.wrong
def padding_1_for_5x5(x, P):
    """A 5x5 needs padding 2 to keep height and width. You filled the border of its output with zeros."""
    return _module(x, P, small=True)


@forward.wrong
def projection_before_the_pool(x, P):
    """You pooled the output of the projection, but max(W x) is not W max(x). Pool first."""
    y = _module(x, P)
    b4 = _pooled(_relu(_same_size(x, P, "pool_proj")))
    return np.concatenate([y[:, : -b4.shape[1]], b4], axis=1)


@forward.wrong
def average_pool(x, P):
    """That is an average pool. The module has a max pool."""
    return _module(x, P, pool=lambda x: _pooled(x, fill=0, reduce=np.mean))


@forward.wrong
def pool_padded_with_zeros(x, P):
    """At the border, a padding zero was larger than the negative values. Padding must never be the maximum."""
    return _module(x, P, pool=lambda x: _pooled(x, fill=0))


@forward.wrong
def pool_missing(x, P):
    """The fourth branch uses one position only: its pool is missing."""
    return _module(x, P, pool=lambda x: x)


@forward.wrong
def pool_and_5x5_exchanged(x, P):
    """Branches 3 and 4 are exchanged. The order is 1x1, 3x3, 5x5, pool."""
    return _module(x, P, order=(0, 1, 3, 2))


@forward.wrong
def no_ReLU_after_the_projection(x, P):
    """Branch 4 has negative values. A ReLU follows its convolution too."""
    return _module(x, P, end=lambda values: values)


backward = Exercise(
    "07.4",
    "the module backward",
    "inception_backward(cache, P, dout) -> (dx, grads)",
    minutes=25,
    difficulty=3,
    core=False,
    hints=(
        "How many gradients arrive at x? Count the nodes that read it.",
        (
            "Split dout at the running sums of the branch channels. Then walk each branch backwards: ReLU (the "
            "gradient is zero where its output is zero), then convolution. Two branches have ReLU and convolution "
            "twice; one has the pool at the end. At x, the four gradients add up."
        ),
        "`dx = dx1 + dx3 + dx5 + ____`",
    ),
)


@backward.cases
def backward_cases(rng):
    for C, widths, size in ((3, (2, 4, 4, 2, 2, 2), (4, 5)), (4, (2, 2, 3, 3, 2, 4), (3, 6))):
        x, P = integers(rng, (2, C, *size), -9, 3), weights(rng, C, *widths)
        cache = run(x, P)
        yield cache, P, integers(rng, (2, sum(len(P[f"{name}/bias"]) for name in BRANCHES), *size)) / C  # fractions


@backward.reference
def backward_reference(cache, P, dout):
    return _backward(cache, P, dout)


def _backward(cache, P, dout, masks=None, split=None, used=BRANCHES, at_end=True):
    """Run the four branches backwards; each other argument makes one known mistake."""
    widths = [len(P[f"{name}/bias"]) for name in BRANCHES]
    arriving = dict(zip(BRANCHES, (split or concat.backward)(dout, widths), strict=True))
    dx, grads = np.zeros_like(cache["x"]), {}
    for name in ("1x1", "3x3", "3x3_reduce", "5x5", "5x5_reduce", "pool_proj"):
        mask = cache[(masks or {}).get(name, name)] > 0
        d = arriving[name] * (mask if at_end or name not in BRANCHES else 1)
        w, b, source = P[f"{name}/weight"], P[f"{name}/bias"], READS[name]
        pad = w.shape[2] // 2
        d, dw, db = by_columns.backward(d, cache[source], w, b, (1, 1), ((pad, pad), (pad, pad)), 1)
        grads |= {f"{name}/weight": dw, f"{name}/bias": db}
        if source == "x":
            dx += d * (name.split("_")[0] in used)
        elif source == "pool":
            pool = dx.shape[2:], (3, 3), (1, 1), ((1, 1), (1, 1))
            dx += max_pool2d.backward(d, cache["winners"], *pool) * ("pool_proj" in used)
        else:
            arriving[source] = d
    return dx, grads


@backward.right
def backward_in_another_order(cache, P, dout):
    dx, grads = _backward(cache, P, dout)
    ordered = {key: grads[key] for key in sorted(grads, reverse=True)}
    return [dx.copy(order="F"), ordered]


@backward.wrong
def pool_branch_only(cache, P, dout):
    """dx is the gradient of the pool branch only: the other three were overwritten. Add them."""
    return _backward(cache, P, dout, used=("pool_proj",))


@backward.wrong
def pool_branch_missing(cache, P, dout):
    """dx is the sum of branches 1, 2 and 3. The fourth branch, the pool, is missing."""
    return _backward(cache, P, dout, used=("1x1", "3x3", "5x5"))


@backward.wrong
def wrong_mask_at_a_reduction(cache, P, dout):
    """You masked the gradient of a reduction with the output of the layer after it. Use the reduction's output."""
    return _backward(cache, P, dout, masks={"3x3_reduce": "3x3", "5x5_reduce": "5x5"})


@backward.wrong
def last_ReLU_forgotten(cache, P, dout):
    """Where the output of a branch is zero, its last ReLU passes no gradient."""
    return _backward(cache, P, dout, at_end=False)


@backward.wrong
def pool_and_5x5_exchanged(cache, P, dout):
    """You split dout in the wrong order. The order is 1x1, 3x3, 5x5, pool."""

    def split(dout, widths):
        a, b, d, c = concat.backward(dout, [*widths[:2], widths[3], widths[2]])
        return a, b, c, d

    return _backward(cache, P, dout, split=split)


@backward.wrong
def equal_slices(cache, P, dout):
    """You split dout into four equal parts, but the branches have different numbers of channels."""
    return _backward(cache, P, dout, split=lambda dout, widths: np.split(dout, 4, axis=1))


@backward.wrong
def mean_of_the_branches(cache, P, dout):
    """dx is a quarter of the correct gradient. At a fork gradients add; don't average them."""
    dx, grads = _backward(cache, P, dout)
    return dx / 4, grads


@backward.wrong
def changes_its_input(cache, P, dout):
    """You masked a slice of dout with *=, which changed dout. Work on a copy."""
    first = len(P["1x1/bias"])
    dout[:, :first] *= cache["1x1"] > 0
    return _backward(cache, P, dout)
