# %% [markdown]
# # 02 A convolution is one matrix
#
# **Question.** A convolution is linear. What does its matrix look like, and what do programs use instead?
#
# About 60 minutes. You need lesson 01.
#
# Afterwards you can
#
# - build the matrix of a convolution from images with a single bright pixel;
# - write im2col, col2im and the matrix product between them;
# - define and test a transpose: <A x, y> = <x, A^T y>. The bracket <a, b> is the dot product: the sum of a * b;
# - predict the memory that im2col needs ("Take it further").

# %%
import time

import numpy as np

import minigooglenet as mg
from minigooglenet import viz
from minigooglenet.exercises import answer, ask, check, compare, hint, outcome, predict, quiz
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.kernels.loops import conv2d as loops
from minigooglenet.kernels.numpy import conv2d as by_columns
from minigooglenet.kernels.numpy import im2col as engine
from minigooglenet.lessons.lesson_00_start import glossary
from minigooglenet.lessons.lesson_02_matrix import ladder

rng = np.random.default_rng(2)


def integers(*shape):
    """Return random integers as float64, so that results can be compared with ==."""
    return rng.integers(-9, 10, shape).astype(float)


# %% [markdown]
# ## The matrix, column by column
#
# A convolution without bias is linear: twice the image gives twice the output, and a sum of images gives the sum of the
# outputs. An image is a sum of images with one nonzero pixel. So y = A x, with x and y as vectors: column m of A is the
# output for an image with a single 1, at pixel m. For 5 x 5 there are 25 such images. The weights are 1 to 9, with
# stride 1 and no padding. How many different nonzero values does A contain?

# %%
predict("02.a", ...)

# %%
kernel = np.arange(1.0, 10).reshape(1, 1, 3, 3)
units = np.eye(25).reshape(25, 1, 5, 5)
A = conv2d.forward(units, kernel).reshape(25, 9).T
x = integers(1, 1, 5, 5)
assert np.array_equal(A @ x.ravel(), conv2d.forward(x, kernel).ravel())
print(outcome("02.a", len(np.unique(A)) - 1), f"A has the shape {A.shape}.")
figure, _ = viz.images({"A: one row per output, one column per pixel": A}, numbers=True, inches=9)
figure

# %% [markdown]
# What you saw: every row has the same nine weights (*weight sharing*), shifted, in nine diagonal bands. Outside its
# window a row is 0 (a convolution is *local*).

# %% [markdown]
# ## Why no one stores this matrix
#
# GoogLeNet's first layer maps 3 x 224 x 224 to 64 x 112 x 112. How much memory would its matrix take in float32?

# %%
predict("02.b", ...)

# %%
conv1 = mg.count(mg.layers.Conv2d(3, 64, 7, stride=2, padding=3), (3, 224, 224)).rows[0]
rows, columns = 64 * 112 * 112, 3 * 224 * 224
assert (rows, columns, conv1.macs, conv1.weights) == (802_816, 150_528, 118_013_952, 9_408)
print(outcome("02.b", f"{4 * rows * columns / 1e9:.0f} GB"))
print(f"{rows:,} x {columns:,} = {rows * columns:.2g} elements. Each MAC uses one: at most {conv1.macs:,} are not 0,")
print(f"which is {conv1.macs / (rows * columns):.3%}, and they have only {conv1.weights:,} different values.")

# %% [markdown]
# ## im2col: windows as columns
#
# The matrix repeats the weights. im2col repeats the *image* instead: it copies each window into a column. Here the
# pixels are numbered, and the kernel is 2 x 2.

# %%
pixels = np.arange(1.0, 13).reshape(1, 1, 3, 4)
cols = engine.im2col(pixels, 2, 1, 0)[0]
figure, _ = viz.images({"image": pixels[0, 0], "im2col: six windows, six columns": cols}, inches=3.2)
print("Pixel 6 is in", int(np.sum(cols == 6)), "columns.")
figure

# %% [markdown]
# What you saw: column 0 is the window of pixels 1, 2, 5, 6. Inner pixels are in four columns: four windows read them.
# In symbols, with q = i Wo + j as the index of the window and one row per (c, u, v):
#
# $$\mathrm{cols}[n, \; (c, u, v), \; q] = x[n, c, \; i s + u - p, \; j s + v - p]$$

# %% [markdown]
# ## Exercise 02.1: windows as columns
#
# Difficulty: ** of ***. About 12 minutes. Core.
#
# Write im2col for kernels of kh x kw. x is (N, C, H, W). The result is (N, C*kh*kw, Ho*Wo). Its rows are ordered by
# channel, then kernel row, then kernel column; its columns go through the output row by row. Do not change x.


# %%
# exercise 02.1
def im2col(x, kh, kw, stride, pad):
    """Return the windows of x (N, C, H, W) as columns (N, C*kh*kw, Ho*Wo)."""
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    Ho, Wo = (H + 2 * pad - kh) // stride + 1, (W + 2 * pad - kw) // stride + 1
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    cols = np.zeros((N, C, kh, kw, Ho, Wo), x.dtype)
    for u in range(kh):
        for v in range(kw):
            rows = slice(u, u + stride * (Ho - 1) + 1, stride)
            columns = slice(v, v + stride * (Wo - 1) + 1, stride)
            cols[:, :, u, v] = xp[:, :, rows, columns]
    return cols.reshape(N, C * kh * kw, Ho * Wo)
    ### END SOLUTION


# %%
check("02.1", im2col)

# %% [markdown]
# ## One product
#
# Write each filter as a row: w becomes (K, C*R*S). The im2col matrix is (C*R*S, Ho*Wo). Their product is the output:
#
# $$y[n, k, q] = b[k] + \sum_{(c, u, v)} w[k, (c, u, v)] \; \mathrm{cols}[n, (c, u, v), q]$$
#
# With integers it is exactly equal to the seven loops of lesson 01 (over n, k, i, j, c, u, v).

# %%
x, w = integers(2, 3, 6, 7), integers(4, 3, 3, 3)
cols = engine.im2col(x, 3, 2, 1)
product = w.reshape(4, -1) @ cols
by_loops = loops.forward(x, w, None, (2, 2), ((1, 1), (1, 1)), 1)
print(f"{w.reshape(4, -1).shape} @ {cols.shape} = {product.shape}, then {by_loops.shape}")
assert np.array_equal(product.reshape(by_loops.shape), by_loops)

# %% [markdown]
# ## Exercise 02.2: a convolution by one product
#
# Difficulty: ** of ***. About 8 minutes. Core.
#
# Write the convolution with your im2col. x is (N, C, H, W), w (K, C, R, S), b (K,); the result is (N, K, Ho, Wo).


# %%
# exercise 02.2
def conv_gemm(x, w, b, stride, pad):
    """Return the convolution (N, K, Ho, Wo) of x (N, C, H, W) with w (K, C, R, S) and b (K,)."""
    ### BEGIN SOLUTION
    K, _, R, S = w.shape
    Ho, Wo = (x.shape[2] + 2 * pad - R) // stride + 1, (x.shape[3] + 2 * pad - S) // stride + 1
    y = w.reshape(K, -1) @ im2col(x, R, S, stride, pad) + b[:, None]
    return y.reshape(len(x), K, Ho, Wo)
    ### END SOLUTION


# %%
gemm = check("02.2", conv_gemm)
gemm

# %%
compare("02.2")  # P and Q are Ho and Wo again

# %% [markdown]
# Your convolution runs the real GoogLeNet. The output is 1000 *logits*.


# %%
def my_forward(x, weight, bias, stride, padding, groups):
    """Call conv_gemm with the engine's arguments."""
    return conv_gemm(x, weight, bias, stride[0], padding[0][0])


net = mg.models.googlenet(aux=False, rng=0)
photo = mg.data.prepare(mg.data.photograph())
expected = net(photo)
if gemm.passed:
    begun = time.perf_counter()
    with mg.use(conv2d=(my_forward, by_columns.backward)):
        logits = net(photo)
    print(f"GoogLeNet on your convolution: {1000 * (time.perf_counter() - begun):.0f} ms")
    error = abs(logits - expected).max() / abs(expected).max()
    print(f"largest difference from the engine's logits: {error:.1e} times the largest logit")
    assert error < 1e-4

# %% [markdown]
# ## Back to an image
#
# col2im adds every value of the im2col matrix to the pixel from which it was copied. What is col2im(im2col(x))?

# %%
predict("02.d", ...)

# %%
x = integers(1, 2, 5, 6)
back = engine.col2im(engine.im2col(x, 3, 1, 1), (5, 6), 3, 1, 1)
readers = engine.col2im(engine.im2col(np.ones_like(x), 3, 1, 1), (5, 6), 3, 1, 1)  # windows that read each pixel
is_x, is_weighted = np.array_equal(back, x), np.array_equal(back, x * readers)
print(outcome("02.d", "x" if is_x else "x times the number of readers" if is_weighted else "something else"))
assert is_weighted
figure, _ = viz.images({"windows that read each pixel": readers[0, 0], "x": x[0, 0], "after col2im": back[0, 0]})
figure

# %% [markdown]
# What you saw: a pixel that is in 9 columns is added 9 times. At stride 2 the counts form the checkerboard pattern of
# lesson 01. So col2im is not the inverse of im2col. It is the transpose, which is more useful.

# %% [markdown]
# ## Testing a transpose
#
# In lesson 03 you need transposes: if a layer computes A x, its backward pass multiplies by A^T. One property defines
# the transpose: the dot product of A x with y equals that of x with A^T y, for all x and y of the right shapes.
#
# $$\langle A x, y \rangle = \sum_{q} \sum_{m} A[q, m] \, x[m] \, y[q] = \langle x, A^T y \rangle$$
#
# im2col is linear too: let A be im2col. To test its transpose, you need neither a matrix nor a derivative, only two
# random arrays and two dot products. You can test the backward pass of every linear layer like this.

# %%
x, y = integers(2, 3, 5, 7), integers(2, 3 * 3 * 2, 3 * 4)
Ax = engine.im2col(x, (3, 2), 2, 1)
Aty = engine.col2im(y, (5, 7), (3, 2), 2, 1)
print(np.sum(Ax * y), np.sum(x * Aty))
assert np.sum(Ax * y) == np.sum(x * Aty)

# %% [markdown]
# ## Exercise 02.3: the transpose of im2col
#
# Difficulty: *** of ***. About 12 minutes. Core.
#
# Write col2im. cols is (N, C*kh*kw, Ho*Wo), in the order of im2col. The result has the shape x_shape = (N, C, H, W).
# Add every value of cols to the pixel from which im2col would have copied it. Drop the values of the padding.


# %%
# exercise 02.3
def col2im(cols, x_shape, kh, kw, stride, pad):
    """Return (N, C, H, W) = x_shape: cols (N, C*kh*kw, Ho*Wo) added to the pixels that im2col copies."""
    ### BEGIN SOLUTION
    N, C, H, W = x_shape
    Ho, Wo = (H + 2 * pad - kh) // stride + 1, (W + 2 * pad - kw) // stride + 1
    cols = cols.reshape(N, C, kh, kw, Ho, Wo)
    xp = np.zeros((N, C, H + 2 * pad, W + 2 * pad), cols.dtype)
    for u in range(kh):
        for v in range(kw):
            rows = slice(u, u + stride * (Ho - 1) + 1, stride)
            columns = slice(v, v + stride * (Wo - 1) + 1, stride)
            xp[:, :, rows, columns] += cols[:, :, u, v]
    return xp[:, :, pad : pad + H, pad : pad + W]
    ### END SOLUTION


# %%
transpose = check("02.3", col2im)
transpose

# %% [markdown]
# ## Claims, checked

# %%
convolutions = [row for row in mg.count(net).rows if row.kind == "Conv2d"]
columns_bytes = {row.name: 4 * row.macs // row.output_shape[0] for row in convolutions}
largest = max(columns_bytes, key=columns_bytes.get)
most = columns_bytes[largest] / 1e6
images = {row.name: 4 * int(np.prod(row.input_shapes[0])) for row in convolutions}
factor = sum(columns_bytes.values()) / sum(images.values())
claims = [
    ("a convolution is a matrix product", len(np.unique(A)) == 10, "correct: the matrix repeats a few values"),
    ("col2im undoes im2col", not is_x, "wrong: the transpose adds a pixel once per window that reads it"),
    ("im2col can use a lot of memory", largest == "conv1/7x7_s2", f"correct: {most:.2f} MB for one image"),
    ("im2col makes the image k*k times as large", 1 < factor < 9, f"only at stride 1; GoogLeNet: {factor:.1f} times"),
]
for claim, holds, verdict in claims:
    assert holds
    print(f"{claim}: {verdict}.")

# %% [markdown]
# ## Words and exit quiz
#
# Answer each in one sentence, then compare: `quiz("02", answers=True)`.

# %%
glossary.terms("02")

# %%
quiz("02")

# %% [markdown]
# ## Take it further
#
# The next lessons do not need this part.
#
# - `np.lib.stride_tricks.sliding_window_view` returns the windows without a copy. Why is a product with it not faster?
# - *Implicit GEMM*: let the matrix product (GEMM) read the padded image, without writing the im2col matrix. An example
#   is in `minigooglenet/kernels/fast/implicit_gemm.py`.
# - Put the channels last, (N, H, W, C). What changes in im2col, and which slices are contiguous in memory?
# - For a 1 x 1 convolution, im2col is a reshape. Which of your lines can you leave out?

# %% [markdown]
# ## The memory for the im2col matrix
#
# How many times as large as the image is the im2col matrix? Guess for GoogLeNet's first layer (7 x 7, stride 2), and
# for 3 x 3, 5 x 5 and 1 x 1 kernels with stride 1 and a padding that keeps the size.

# %%
predict("02.c", ...)

# %%
multiples = {}
for k, stride, pad, n in ((7, 2, 3, 224), (3, 1, 1, 56), (5, 1, 2, 28), (1, 1, 0, 28)):
    Ho = (n + 2 * pad - k) // stride + 1
    multiples[f"{k} x {k}, stride {stride}"] = k * k * Ho * Ho / n**2
assert list(multiples.values()) == [12.25, 9, 25, 1]
print(outcome("02.c", multiples))
figure, _ = viz.bar_chart(multiples, "im2col matrix as a multiple of the image", height=1.8)
figure

# %% [markdown]
# ## Exercise 02.5: the memory that im2col needs
#
# Difficulty: ** of ***. About 5 minutes. Further.
#
# The layer depends on your name.


# %%
student = "you"  # your name or number, if your course asks for it
ask("02.5", student)

# %%
# exercise 02.5
### BEGIN SOLUTION
size_in_bytes = (lambda C, K, n, k, s, p: 4 * C * k * k * ((n + 2 * p - k) // s + 1) ** 2)(
    **find("02.5").values(student)
)
### END SOLUTION

# %%
answer("02.5", size_in_bytes)

# %% [markdown]
# ## Your col2im, tested as a transpose
#
# Now test your col2im as the transpose of the engine's im2col. The two dot products must be equal for any kernel,
# stride and padding.

# %%
if transpose.passed:
    for kh, kw, stride, pad in ((3, 3, 1, 1), (3, 2, 2, 1), (2, 2, 2, 0), (5, 3, 3, 2)):
        x = integers(2, 3, 9, 11)
        Ax = engine.im2col(x, (kh, kw), stride, pad)
        y = integers(*Ax.shape)
        left, right = np.sum(Ax * y), np.sum(x * col2im(y, x.shape, kh, kw, stride, pad))
        print(f"kernel {kh} x {kw}, stride {stride}, pad {pad}: {left:.0f} and {right:.0f}")
        assert left == right

# %% [markdown]
# ## Exercise 02.4: the whole matrix
#
# Difficulty: *** of ***. About 12 minutes. Further.
#
# Write a function that returns the matrix of the first figure for any w (K, C, R, S), in_shape = (C, H, W), stride and
# pad. Its shape is (K*Ho*Wo, C*H*W): A @ x.ravel() is the convolution of x, in the order (K, Ho, Wo).


# %%
# exercise 02.4
def conv_matrix(w, in_shape, stride, pad):
    """Return the matrix (K*Ho*Wo, C*H*W) of the convolution of images in_shape = (C, H, W) with w (K, C, R, S)."""
    ### BEGIN SOLUTION
    inputs = int(np.prod(in_shape))
    units = np.eye(inputs).reshape(inputs, *in_shape)
    responses = conv_gemm(units, w, np.zeros(len(w)), stride, pad)
    return responses.reshape(inputs, -1).T
    ### END SOLUTION


# %%
matrix = check("02.4", conv_matrix)
matrix

# %%
figure = None
if matrix.passed:
    yours = conv_matrix(np.arange(1.0, 10).reshape(1, 1, 3, 3), (1, 5, 5), 2, 1)
    figure, _ = viz.images({"stride 2, padding 1": yours}, numbers=True, inches=9)
figure

# %% [markdown]
# ## Make it break
#
# How large is the im2col matrix of the first layer for a batch of 32 photographs?

# %%
one = 4 * 3 * 7 * 7 * 112 * 112
print(f"one image: {one / 1e6:.2f} MB; 32 images: {32 * one / 1e6:.0f} MB, for one layer")
assert (round(one / 1e6, 2), round(32 * one / 1e6)) == (7.38, 236)

# %% [markdown]
# The remedy is to compute only a few rows of the output at a time. With 14 bands of 8 rows, the matrix needs a
# fourteenth of the memory, and the result is the same.

# %%
x, w = integers(1, 3, 224, 224), integers(64, 3, 7, 7)
xp, none = np.pad(x, ((0, 0), (0, 0), (3, 3), (3, 3))), ((0, 0), (0, 0))
bands = []
for first in range(0, 112, 8):
    needed = xp[:, :, 2 * first : 2 * (first + 7) + 7]  # the rows that 8 rows of the output read
    bands.append(by_columns.forward(needed, w, None, (2, 2), none, 1))
assert np.array_equal(np.concatenate(bands, axis=2), by_columns.forward(x, w, None, (2, 2), ((3, 3), (3, 3)), 1))
print(f"{len(bands)} bands, im2col matrices of {one / 14 / 1e6:.2f} MB: all outputs are equal")

# %% [markdown]
# ## The ladder so far
#
# The *ladder* is the list of algorithms for a convolution, from plain loops to the fastest. Here are five of them, for
# one layer of GoogLeNet, inception_3a/3x3: 96 to 128 channels at 28 x 28. They are loops in Python, the same loops
# compiled, one matrix product per kernel position, im2col with one matrix product, and the engine's own choice. All
# compute the same multiply-adds. The loops in Python would take too long, so they compute a quarter of one output
# channel, and their time is multiplied by 4 * 128 = 512. The functions are in the lesson's folder, in `ladder.py`. How
# many times faster than loops in Python is im2col with one product?

# %%
predict("02.e", ...)

# %%
took = ladder.seconds_of_each(integers(1, 96, 28, 28), integers(128, 96, 3, 3))
macs = 128 * 28 * 28 * 96 * 3 * 3
assert macs == 86_704_128
rates = {name: macs / seconds / 1e6 for name, seconds in took.items()}
print(outcome("02.e", round(took[ladder.PYTHON] / took[ladder.ONE_PRODUCT])))
rows = [(name, f"{1000 * seconds:,.1f}", f"{rates[name]:,.1f}") for name, seconds in took.items()]
mg.console.Table("", ("algorithm", ">ms", ">million MAC/s"), rows)

# %%
figure, _ = viz.bar_chart(rates, "million MACs per second (logarithmic)", height=2.4)
figure.axes[0].set(xscale="log")
figure

# %% [markdown]
# What you saw: all five do the same arithmetic. A matrix product is one call of a compiled routine. It reuses
# values while they are in the CPU's registers and cache memory, and computes several at a time. The engine's own choice
# uses all threads; im2col with one product uses only one. Lesson 13 continues from here.
