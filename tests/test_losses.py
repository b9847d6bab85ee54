"""Softmax cross-entropy as a loss, and several losses together."""

import numpy as np
import pytest
from numeric import assert_close, awkward, complex_step, draw

from minigooglenet import losses

LABELS = np.array([2, 0, 4])


def test_equal_logits_lose_log_of_the_number_of_classes():
    loss, grad = losses.softmax_cross_entropy(np.full((3, 5), 7.0), LABELS)
    assert_close(loss, np.log(5))
    assert_close(grad, (0.2 - np.eye(5)[LABELS]) / 3)


def test_cross_entropy_gradient_matches_the_complex_step():
    logits = draw(3, 5)
    _, grad = losses.softmax_cross_entropy(logits, LABELS)
    assert_close(grad, complex_step(lambda z: losses.softmax_cross_entropy(z, LABELS)[0], logits, 1.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_ten_thousand_stay_finite(dtype):
    logits = np.array([[1e4, 0, -1e4], [1e4, 0, -1e4]], dtype)
    loss, grad = losses.softmax_cross_entropy(logits, [0, 2])
    assert loss == 1e4
    assert (grad == np.array([[0, 0, 0], [0.5, 0, -0.5]])).all()


def test_shift_of_all_logits_changes_nothing():
    logits = draw(3, 5)
    assert_close(losses.softmax_cross_entropy(logits + 100, LABELS)[0], losses.softmax_cross_entropy(logits, LABELS)[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_loss_and_gradient_have_the_dtype_of_the_logits(dtype):
    loss, grad = losses.softmax_cross_entropy(draw(3, 5, dtype=dtype), LABELS)
    assert loss.dtype == grad.dtype == dtype
    assert np.ndim(loss) == 0


@pytest.mark.parametrize("labels", [[2, 0, 4], (2, 0, 4), LABELS.astype(np.uint8), LABELS.astype(np.int32)])
def test_labels_may_be_any_integers(labels):
    expected, expected_grad = losses.softmax_cross_entropy(draw(3, 5), LABELS)
    loss, grad = losses.softmax_cross_entropy(draw(3, 5), labels)
    assert loss == expected
    assert (grad == expected_grad).all()


def test_read_only_logits_work_and_stay_as_they_were():
    logits, labels = awkward(draw(3, 5)), awkward(LABELS)
    before = logits.copy()
    loss, grad = losses.softmax_cross_entropy(logits, labels)
    assert loss == losses.softmax_cross_entropy(before, LABELS)[0]
    assert (logits == before).all()
    assert not np.shares_memory(grad, logits)


def test_masked_class_of_minus_infinity_gets_no_gradient():
    logits = draw(1, 3)
    logits[0, 1] = -np.inf
    loss, grad = losses.softmax_cross_entropy(logits, [0])
    assert np.isfinite(loss)
    assert grad[0, 1] == 0


def test_auxiliary_heads_count_three_tenths():
    wires = ("loss1/classifier", "loss2/classifier", "loss3/classifier")
    assert losses.head_weights(wires) == dict(zip(wires, (0.3, 0.3, 1.0), strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weighted_sum_multiplies_losses_and_gradients(dtype):
    logits = {"a": draw(3, 5, dtype=dtype), "b": draw(3, 5, seed=1, dtype=dtype)}
    total, parts, grads = losses.weighted_sum(logits, LABELS, {"a": 0.3, "b": 1.0})
    alone = {wire: losses.softmax_cross_entropy(values, LABELS) for wire, values in logits.items()}
    assert parts == {wire: loss for wire, (loss, _) in alone.items()}
    assert_close(np.float64(total), 0.3 * float(alone["a"][0]) + float(alone["b"][0]))
    assert_close(grads["a"], dtype(0.3) * alone["a"][1])
    assert_close(grads["b"], alone["b"][1])
    assert grads["a"].dtype == dtype
