"""An image and weights that reveal eight mistakes in a module."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict, integers
from minigooglenet.exercises.outputs import close, finite
from minigooglenet.lessons.lesson_07_inception import module

reveal = Exercise(
    "08.2b",
    "values that reveal mistakes",
    "(x, P), an image and weights for one module",
    minutes=10,
    difficulty=2,
    core=False,
    hints=(
        "For each of the eight wrong modules, ask: which x and P would hide the mistake?",
        (
            "A pool padded with zeros shows only if values at the border are negative. A missing ReLU shows only if "
            "its input has negative values. A wrong order of pool and projection shows only if pixels differ."
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
        return Verdict(False, None, f"x and P have {size:,} values in total; use at most {LARGEST:,}")
    expected = module.forward.reference_function(x, P)
    for faulty in module.forward.wrongs:
        output = faulty.function(x, P)
        if output.shape == expected.shape and close(output, expected, 1e-9).all():
            name = f"{faulty.name} survives"
            known = {wrong.name: wrong.message for wrong in reveal.wrongs}
            return Verdict(
                False, name if name in known else None, known.get(name, f"the output is correct despite {faulty.name}")
            )
    return Verdict(True, None, f"with these {size} values, all {len(module.forward.wrongs)} wrong modules are revealed")


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
    """These ReLUs get no negative inputs, or their outputs do not matter. Use weights of both signs."""
    return (np.abs(_example()[0]), {key: np.abs(values) for key, values in _example()[1].items()})


@reveal.wrong
def padding_1_for_5x5_survives():
    """The output of your 5x5 branch does not depend on its padding. Is it zero everywhere, or at the border?"""
    return _example(**{"5x5/weight": 0, "5x5/bias": -1})


@reveal.wrong
def projection_before_the_pool_survives():
    """Both orders give the same result. Use pixels that differ, and weights of both signs."""
    return (np.full((1, 3, 4, 5), -3.0), _example()[1])


@reveal.wrong
def pool_padded_with_zeros_survives():
    """The padding zeros are never the maximum, or they do not matter. Use negative values at the border."""
    return _example(0, 9)
