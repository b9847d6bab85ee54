"""Lesson 00: alt text of the primer's figures, and the glossary table."""

from minigooglenet.lessons.lesson_00_start import drawing, glossary


def test_chain_is_drawn_forward_and_backward():
    figure, text = drawing.chain(["h = w x", "L = h^2"], ["x", "h", "L"], ["dx", "dh", "1"])
    assert text == "forward:  x -> [ h = w x ] -> h -> [ L = h^2 ] -> L\nbackward: dx <- dh <- 1"
    drawn = [item.get_text() for item in figure.axes[0].texts]
    assert {"h = w x", "L = h^2", "x", "h", "L", "dx", "dh", "1"} <= set(drawn)


def test_steps_downhill_are_drawn_on_the_loss():
    figure, text = drawing.descent(lambda w: w * w, [2.0, 1.0, 0.5], -2, 2)
    _, steps = figure.axes[0].lines
    assert steps.get_xydata().tolist() == [[2, 4], [1, 1], [0.5, 0.25]]
    assert text.splitlines()[2] == "step 1: w =  1.000, loss =   1.0000"


def test_glossary_lists_terms_of_a_lesson():
    names = {name for name, _ in glossary.terms("02").rows}
    assert {"im2col", "col2im", "transpose"} <= names
    assert "ReLU" not in names
