"""The loss of MultiBox: its values by hand, and its gradients by the gradient checker."""

import numpy as np
import pytest
from numeric import assert_close, draw

import minigooglenet as mg
from minigooglenet.detection.multibox import multibox_loss

TARGETS, MATCHED = draw(2, 5, 4, seed=1), np.array([[1, 0, 0, 1, 0], [0, 0, 1, 0, 0]], bool)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 7.0])
@pytest.mark.parametrize("matched", [MATCHED, ~MATCHED, MATCHED & False, MATCHED | True], ids=range(4))
def test_loss_gradient_passes_the_gradient_check(alpha, matched):
    def forward(offsets, logits):
        return multibox_loss(offsets, logits, TARGETS, matched, alpha=alpha).total

    def backward(grad_y, offsets, logits):
        loss = multibox_loss(offsets, logits, TARGETS, matched, alpha=alpha)
        return grad_y * loss.grad_offsets, grad_y * loss.grad_logits

    report = mg.gradcheck.check_function(forward, backward, draw(2, 5, 4), 3 * draw(2, 5))
    assert report.verdict == "PASS", report


def test_loss_is_that_of_the_paper():
    offsets, logits = draw(2, 5, 4), draw(2, 5)
    confidences = 1 / (1 + np.exp(-logits))
    localisation = sum(
        np.sum((offsets[i, k] - TARGETS[i, k]) ** 2) / 2 for i in range(2) for k in range(5) if MATCHED[i, k]
    )
    confidence = -np.log(confidences[MATCHED]).sum() - np.log(1 - confidences[~MATCHED]).sum()
    loss = multibox_loss(offsets, logits, TARGETS, MATCHED, alpha=0.7)
    assert_close(loss.localisation, localisation / 2)
    assert_close(loss.confidence, confidence / 2)
    assert_close(loss.total, (confidence + 0.7 * localisation) / 2)


def test_priors_without_an_object_have_no_offset_gradient():
    loss = multibox_loss(draw(2, 5, 4), draw(2, 5), TARGETS, MATCHED)
    assert (loss.grad_offsets[~MATCHED] == 0).all()
    assert (loss.grad_offsets[MATCHED] != 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_ten_thousand_stay_finite_and_exact(dtype):
    logits = np.array([[1e4, -1e4, 1e4, -1e4]], dtype)
    loss = multibox_loss(np.zeros((1, 4, 4), dtype), logits, np.zeros((1, 4, 4), dtype), [[True, True, False, False]])
    assert loss.confidence == 2e4
    assert loss.grad_logits.tolist() == [[0, -1, 1, 0]]
    assert loss.grad_logits.dtype == loss.grad_offsets.dtype == dtype


def test_loss_rejects_offsets_of_other_priors():
    with pytest.raises(ValueError, match=r"offsets must have shape \(2, 5, 4\), got \(2, 4, 4\)"):
        multibox_loss(draw(2, 4, 4), draw(2, 5), TARGETS, MATCHED)
