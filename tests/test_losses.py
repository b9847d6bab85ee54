"""Softmax cross-entropy as a loss, and several losses together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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


@pytest.mark.parametrize("smoothing", [0.1, 0.5, 0.99])
def test_smoothed_loss_is_the_cross_entropy_of_its_targets(smoothing):
    logits = draw(3, 5)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (1 - smoothing) * np.eye(5)[LABELS] + smoothing / 5
    loss, grad = losses.softmax_cross_entropy(logits, LABELS, smoothing)
    assert_close(loss, -(targets * np.log(probabilities)).sum(axis=1).mean())
    assert_close(grad, (probabilities - targets) / 3)


@given(st.integers(1, 4), st.integers(2, 6), st.floats(0, 0.99), st.integers(0, 99))
def test_smoothed_gradient_matches_the_complex_step(count, classes, smoothing, seed):
    logits, labels = draw(count, classes, seed=seed), np.random.default_rng(seed).integers(0, classes, count)
    _, grad = losses.softmax_cross_entropy(logits, labels, smoothing)

    def loss(z):
        return losses.softmax_cross_entropy(z, labels, smoothing)[0]

    assert_close(grad, complex_step(loss, logits, 1.0))


@given(st.integers(2, 1000), st.floats(0.001, 0.999))
def test_smallest_loss_is_reached_at_the_targets(classes, smoothing):
    targets = (1 - smoothing) * np.eye(classes)[[1]] + smoothing / classes
    loss, grad = losses.softmax_cross_entropy(np.log(targets), [1], smoothing)
    assert loss == pytest.approx(losses.smallest_loss(classes, smoothing), rel=1e-9)
    assert abs(grad).max() < 1e-12
    moved = np.log(targets) + 0.1 * np.eye(classes)[[0]]
    assert losses.softmax_cross_entropy(moved, [1], smoothing)[0] > loss


def test_smallest_loss_without_smoothing_is_zero():
    assert losses.smallest_loss(10, 0) == losses.smallest_loss(1, 0.1) == 0
    assert round(losses.smallest_loss(1000), 4) == 1.0148


def test_zero_smoothing_changes_no_bit():
    plain, smoothed = (losses.softmax_cross_entropy(draw(3, 5), LABELS, *more) for more in ((), (0.0,)))
    assert plain[0] == smoothed[0]
    assert (plain[1] == smoothed[1]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_smoothing_keeps_the_dtype_and_the_logits(dtype):
    logits = awkward(draw(3, 5, dtype=dtype))
    before = logits.copy()
    loss, grad = losses.softmax_cross_entropy(logits, LABELS.tolist(), 0.1)
    assert loss.dtype == grad.dtype == dtype
    assert (logits == before).all()


def test_smoothing_applies_to_every_head():
    logits = {"a": draw(3, 5), "b": draw(3, 5, seed=1)}
    _, parts, grads = losses.weighted_sum(logits, LABELS, {"a": 0.3, "b": 1.0}, 0.1)
    for wire, weight in (("a", 0.3), ("b", 1.0)):
        loss, grad = losses.softmax_cross_entropy(logits[wire], LABELS, 0.1)
        assert parts[wire] == loss
        assert_close(grads[wire], weight * grad)


@pytest.mark.parametrize("wrong", [-0.1, 1, 1.5, float("nan"), "0.1"])
def test_impossible_smoothing_is_rejected(wrong):
    with pytest.raises((ValueError, TypeError), match="smoothing must be"):
        losses.softmax_cross_entropy(draw(3, 5), LABELS, wrong)


def test_smoothed_loss_matches_pytorch():
    torch = pytest.importorskip("torch")
    logits = draw(3, 5)
    tensor = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(tensor, torch.tensor(LABELS), label_smoothing=0.1)
    expected.backward()
    loss, grad = losses.softmax_cross_entropy(logits, LABELS, 0.1)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(grad, tensor.grad.numpy(), rtol=1e-9)
