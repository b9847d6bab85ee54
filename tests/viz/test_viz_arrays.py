"""Arrays as images: the figure in a notebook and its text."""

import numpy as np

from minigooglenet import figures, viz


def test_small_array_text_shows_values():
    figure, text = viz.images({"a": np.array([[1, -2], [0.5, 3]])})
    assert text == "a (2 x 2), from -2 to 3:\n    1  -2\n  0.5   3"
    assert [label.get_text() for label in figure.axes[0].texts] == ["1", "-2", "0.5", "3"]


def test_large_array_text_shows_shades():
    _, text = viz.images({"ramp": np.tile(np.arange(20.0), (20, 1)), "photo": np.full((4, 5, 3), 100)})
    assert "from 0 to 19:\n  " in text
    assert "@" in text
    assert "photo: colour image, 4 x 5 x 3, mean brightness 100 of 255" in text
    assert text.isascii()


def test_shades_keep_a_checkerboard_and_report_sampling():
    board = np.indices((14, 14)).sum(axis=0) % 2
    rows = viz.images({"board": board})[1].splitlines()[1:]
    assert [row.removeprefix("  ") for row in rows] == ["  @@" * 7, ("@@  " * 7).rstrip()] * 7
    text = viz.images({"wide": np.tile(np.arange(100.0), (40, 1))})[1]
    assert text.startswith("wide (40 x 100), from 0 to 99; one of 6 x 3 values:\n")
    assert len(text.splitlines()) == 1 + 7


def test_zero_has_no_sign():
    assert viz.images({"a": -np.eye(2)})[1] == "a (2 x 2), from -1 to 0:\n  -1  0\n   0 -1"


def test_constant_arrays_and_empty_axes_are_drawn():
    figure, _ = viz.images({str(i): np.zeros((3, 3)) for i in range(5)}, columns=4)
    assert len(figure.axes) == 8


def test_notebook_gets_a_figure_as_png():
    figure, _ = figures.new(2, 2)
    png, metadata = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert metadata == {"alt": ""}
