"""torchvision's networks with random weights, for tests that compare ours with them.

They were compared with torch 2.13.0 and torchvision 0.28.0, which import together.
"""

import importlib
import warnings

import pytest


def random_googlenet(aux=True, num_classes=5, seed=0):
    """Return torchvision's network in double precision, with random parameters and statistics, without dropout."""
    pytest.importorskip("torch")
    network = module("googlenet").GoogLeNet
    return randomised(network(num_classes, aux, init_weights=False, dropout=0.0, dropout_aux=0.0), seed)


def randomised(model, seed=0):
    """Return a network in double precision, with random parameters and statistics."""
    torch = pytest.importorskip("torch")
    model = model.double()
    generator = torch.Generator().manual_seed(seed)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            random = torch.rand(value.shape, generator=generator, dtype=value.dtype)
            if value.ndim > 1:  # preserves the scale of the activations
                value.copy_((random - 0.5) * (24 / value[0].numel()) ** 0.5)
            else:
                value.copy_(random - 0.5 if name.endswith(("bias", "mean")) else random + 0.5)
    return model


def module(name):
    """Import torchvision.models.NAME; torchvision's compiled operators may be for another build of torch.

    Its classifiers use none of them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pytest.importorskip("torchvision")
        except RuntimeError:
            import torch

            operators = torch.library.Library("torchvision", "FRAGMENT")
            for operator in ("nms", "qnms"):
                operators.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return importlib.import_module(f"torchvision.models.{name}")
