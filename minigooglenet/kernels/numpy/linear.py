"""A linear layer: `forward` is one matrix product, `backward` is two."""


def forward(x, weight, bias):
    """Return y = x @ weight.T + bias, (N, O), for x (N, I), weight (O, I) and bias (O,) or None."""
    y = x @ weight.T
    if bias is not None:
        y += bias
    return y


def backward(grad_y, x, weight, bias):
    """Return (grad_x (N, I), grad_weight (O, I), grad_bias (O,) or None)."""
    return grad_y @ weight, grad_y.T @ x, None if bias is None else grad_y.sum(axis=0)
