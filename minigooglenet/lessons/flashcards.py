"""Flashcards whose answers are numbers, which the engine computes when the cards are exported.

for card in computed("06"):
    print(card.question, card.answer())
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minigooglenet import counting, evaluation, losses, models
from minigooglenet.layers import Conv2d


class Card(NamedTuple):
    """A question, and the function that computes its answer."""

    lesson: str
    question: str
    answer: Callable[[], str]


CARDS: list[Card] = []


def card(lesson, question):
    """Register a function without parameters as the answer to a question."""

    def register(function):
        CARDS.append(Card(lesson, question, function))
        return function

    return register


def computed(lesson) -> list[Card]:
    """Return the cards of a lesson, such as "06"."""
    return [card for card in CARDS if card.lesson == lesson]


@functools.cache
def _count(aux=False):
    return counting.count(models.googlenet(aux=aux, init="zeros"))


@card("00", "How many parameters does GoogLeNet have, without the auxiliary heads?")
def parameters():
    return f"{_count().params:,}"


@card("00", "How many multiply-adds (MACs) does GoogLeNet need for one image of 224 x 224, and how many FLOP is that?")
def multiply_adds():
    return f"{_count().macs:,} MACs, which is {_count().flops:,} FLOP."


@card("00", "How many times as many parameters and MACs as GoogLeNet does VGG-16 have?")
def compared_with_vgg16():
    vgg = counting.count(models.vgg16())
    return f"{vgg.params / _count().params:.1f} times the parameters, {vgg.macs / _count().macs:.1f} times the MACs."


@card("01", "A 7 x 7 convolution with stride 2 and padding 3 reads an image of 224 x 224. How wide is its output?")
def first_output():
    _, side, _ = Conv2d(3, 64, 7, stride=2, padding=3).output_shape((3, 224, 224))
    return f"floor((224 + 6 - 7) / 2) + 1 = {side}"


@card("01", "How many input values does one output of a 3 x 3 convolution over 64 channels read?")
def values_of_one_output():
    return f"3 * 3 * 64 = {Conv2d(64, 1, 3, bias=False).params['weight'].size}"


@card("02", "How many weights does GoogLeNet's first convolution have?")
def first_weights():
    return f"7 * 7 * 3 * 64 = {_count()['conv1/7x7_s2'].weights:,}"


@card("02", "How many elements does the im2col matrix of GoogLeNet's first convolution have, for one image?")
def first_columns():
    row = _count()["conv1/7x7_s2"]
    side = row.output_shape[1]
    return f"(7 * 7 * 3) * (112 * 112) = {row.weights // row.output_shape[0] * side * side:,}"


@card("03", "How many times the MACs of a forward pass does a training step of GoogLeNet need?")
def training_step():
    count = _count()
    first = count["conv1/7x7_s2"].grad_input_macs
    total = count.macs + sum(row.grad_input_macs + row.grad_weight_macs for row in count.rows) - first
    return f"{total / count.macs:.3f}: a little less than 3, because the first convolution needs no input gradient."


@card("05", "The logits of 1000 classes are all equal. What is the cross-entropy loss?")
def loss_of_equal_logits():
    loss, _ = losses.softmax_cross_entropy(np.zeros((1, 1000)), np.array([0]))
    return f"ln 1000 = {loss:.3f}"


@card("06", "How many parameters and MACs does inception_3a/3x3 have, from 96 to 128 channels at 28 x 28?")
def one_layer():
    row = _count()["inception_3a/3x3"]
    return f"{row.params:,} parameters, {row.macs:,} MACs."


@card("06", "Which layer of GoogLeNet needs the most MACs, and what fraction of all MACs is that?")
def largest_layer():
    row = max(_count().rows, key=lambda row: row.macs)
    return f"{row.name}, {row.macs / _count().macs:.1%}."


@card("06", "How wide is the receptive field of GoogLeNet's last Inception module, along the path where it is largest?")
def field_of_the_last_module():
    return f"{_count()['inception_5b/output'].receptive_field_max[0]} pixels, more than the 224 of the image."


@card("07", "How many output channels do the nine Inception modules have, in order from 3a to 5b?")
def module_channels():
    outputs = [row.output_shape[0] for row in _count().rows if row.name.endswith("/output")]
    return ", ".join(map(str, outputs))


@card("07", "By what factor does the 1x1 reduction to 16 channels reduce the MACs of the 5x5 branch of 4a?")
def bottleneck_of_4a():
    direct = counting.count(Conv2d(480, 48, 5, padding=2), (480, 14, 14)).macs
    reduced = counting.count(Conv2d(480, 16, 1), (480, 14, 14)).macs
    reduced += counting.count(Conv2d(16, 48, 5, padding=2), (16, 14, 14)).macs
    return f"{direct / reduced:.2f}"


@card("08", "How many layers with weights has GoogLeNet without the heads: on the longest path, and in total?")
def depth():
    kinds = [row.kind for row in _count().rows]
    return f"{_count().depth} on the longest path; {sum(kind in ('Conv2d', 'Linear') for kind in kinds)} in total."


@card("08", "How many parameters do GoogLeNet's two auxiliary heads add?")
def auxiliary_heads():
    return f"{_count(aux=True).params - _count().params:,}"


@card(
    "09",
    "What standard deviation does He's initialisation use for the weights of a 3 x 3 convolution over 64 channels?",
)
def he():
    return f"sqrt(2 / (3 * 3 * 64)) = {math.sqrt(2 / (3 * 3 * 64)):.4f}"


@card(
    "10",
    "A network for 10 classes has two auxiliary heads with loss weight 0.3, and all its logits are 0. What is its "
    "total loss?",
)
def first_loss():
    return f"1.6 * ln 10 = {1.6 * math.log(10):.3f}"


@card("11", "Over how many crops of an image did the paper average, and how are they chosen?")
def crops():
    boxes, _ = evaluation.boxes((3, 300, 400), 224, 144)
    return f"4 sizes * 3 squares * 6 crops of each square * 2 (mirrored or not) = {len(boxes)}"


@card(
    "13",
    "How many multiplications does Winograd's F(4x4, 3x3) need for 16 outputs of one channel, and how many does the "
    "definition of convolution need?",
)
def winograd():
    return f"{(4 + 3 - 1) ** 2} instead of {16 * 9}: {16 * 9 / (4 + 3 - 1) ** 2:g} times fewer."


@card("14", "What is the smallest loss of a network with 1000 classes that is trained with a label smoothing of 0.1?")
def smallest_smoothed_loss():
    return f"{losses.smallest_loss(1000, 0.1):.3f} nats, the entropy of its targets."


@card("14", "How many weights has a 3 x 3 convolution of 728 channels, and how many has a separable one?")
def separable_weights():
    dense, depthwise, pointwise = 728 * 728 * 9, 728 * 9, 728 * 728
    return f"{dense:,} and {depthwise + pointwise:,}: {dense / (depthwise + pointwise):.1f} times fewer."
