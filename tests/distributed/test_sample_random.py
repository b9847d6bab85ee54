"""Random numbers of an image: the same in any batch and at any place in it."""

import copy

import numpy as np

import minigooglenet as mg
from minigooglenet.distributed import SampleGenerator


def test_rows_do_not_depend_on_the_batch():
    whole = SampleGenerator([1, 2], range(10)).random((10, 4, 3), dtype=np.float32)
    for start, stop in ((0, 3), (3, 4), (4, 10)):
        part = SampleGenerator([1, 2], range(start, stop)).random((stop - start, 4, 3), dtype=np.float32)
        assert part.tobytes() == whole[start:stop].tobytes()


def test_dropout_uses_the_generators_of_the_images():
    x = np.ones((3, 50), np.float32)
    layer = mg.layers.Dropout(0.4, rng=SampleGenerator([0], [7, 8, 9]))
    alone = mg.layers.Dropout(0.4, rng=SampleGenerator([0], [8]))
    assert np.array_equal(layer.forward(x, train=True)[0][1], alone.forward(x[:1], train=True)[0][0])


def test_steps_layers_and_images_draw_different_numbers():
    keys = [([0, 0], 0), ([1, 0], 0), ([0, 1], 0), ([0, 0], 1)]
    rows = [SampleGenerator(key, [image]).random((1, 8)).tobytes() for key, image in keys]
    assert len(set(rows)) == 4


def test_copy_continues_with_the_same_numbers():
    generator = SampleGenerator([0], [1, 2])
    generator.random((2, 3)), generator.normal()
    other = copy.deepcopy(generator)
    assert other.random((2, 3)).tobytes() == generator.random((2, 3)).tobytes()
    assert other.normal() == generator.normal()
