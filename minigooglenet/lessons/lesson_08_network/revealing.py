"""An image and weights that show whether a module is right."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.exercises.outputs import close, finite
from minigooglenet.lessons.lesson_07_inception import module

reveal = Exercise(
    "08.2b",
    "numbers that reveal",
    "(x, P), an image and weights for one module",
    minutes=10,
    difficulty=2,
    core=False,
    hints=(
        "For each of the eight wrong modules: what would x or P have to be for nobody to notice?",
        (
            "A pool padded with zeros shows only where values are negative; a missing ReLU only where something before "
            "it is; a wrong order of pool and projection only where pixels differ."
        ),
        "`x = rng.integers(-9, ____, (1, 3, 4, 5))`, and weights of both signs from rng.integers(-2, 3, ...)",
    ),
)
LARGEST, SEED = 2000, 14


@reveal.judge
def reveal_judge(answer):
    x, P = answer
    x, P = finite(x, "x"), {key: finite(values, f"P[{key!r}]") for key, values in P.items()}
    size = x.size + sum(values.size for values in P.values())
    if size > LARGEST:
        return Verdict(False, None, f"{size:,} numbers are more than anyone reads; at most {LARGEST:,}")
    right = module.forward.reference_function(x, P)
    for chaff in module.forward.wrongs:
        other = chaff.function(x, P)
        if other.shape == right.shape and close(other, right, 1e-9).all():
            name = f"{chaff.name} survives"
            known = {wrong.name: wrong.message for wrong in reveal.wrongs}
            return Verdict(False, name if name in known else None, known.get(name, name))
    return Verdict(True, None, f"{size} numbers tell all {len(module.forward.wrongs)} wrong modules from the right one")


def _example(low=-9, high=3, **changes):
    rng = np.random.default_rng(SEED)
    x, P = integers(rng, (1, 3, 4, 5), low, high), module.weights(rng, 3, 2, 2, 3, 2, 2, 2)
    P |= {key: np.full_like(P[key], value) for key, value in changes.items()}
    return x, P


reveal.reference(_example())
reveal.right(_example(-7, 8))
reveal.right([_example()[0].tolist(), {key: values.tolist() for key, values in _example()[1].items()}])


@reveal.wrong
def no_ReLU_after_the_reductions_survives():
    """Nothing negative reaches those ReLUs, or nobody hears of it: let weights have both signs."""
    return (np.abs(_example()[0]), {key: np.abs(values) for key, values in _example()[1].items()})


@reveal.wrong
def padding_1_for_5x5_survives():
    """The 5x5 branch says the same with any padding: is it dead, or blind at the border?"""
    return _example(**{"5x5/weight": 0, "5x5/bias": -1})


@reveal.wrong
def projection_before_the_pool_survives():
    """Either order gives the same: let pixels differ, and weights have both signs."""
    return (np.full((1, 3, 4, 5), -3.0), _example()[1])


@reveal.wrong
def pool_padded_with_zeros_survives():
    """No zero wins at the border, or nobody hears of it: let values there be negative."""
    return _example(0, 9)
