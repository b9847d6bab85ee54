"""Random right pairs never fail, random wrong pairs never pass.

`MINIGOOGLENET_FUZZ=1000 pytest tests/gradcheck/test_random_pairs.py` draws 1000 of each; `MINIGOOGLENET_FUZZ_SEED`
selects different ones.
"""

import os

import numpy as np
import pytest
from correct_pairs import WRONG, draw, wrong

from minigooglenet.gradcheck import check_function

COUNT = int(os.environ.get("MINIGOOGLENET_FUZZ", "80"))
SEED = int(os.environ.get("MINIGOOGLENET_FUZZ_SEED", "0"))
BLOCK = 20
BLOCKS = range(max(1, COUNT // BLOCK))
CAUSES = (
    "kink or a tie",
    "at a kink",
    "changes in steps",
    "float32",
    "below the noise floor",
    "no reliable numerical derivative",
    "edge of",
)


@pytest.mark.parametrize("block", BLOCKS)
def test_right_pair_never_fails(block):
    undecided = 0
    for number in range(block * BLOCK, (block + 1) * BLOCK):
        pair = draw(np.random.default_rng([SEED, number]))
        report = check_function(pair.forward, pair.backward, *pair.inputs)
        assert report.verdict != "FAIL", f"seed {SEED}, number {number}: {pair.name}\n{report}"
        if report.verdict == "INCONCLUSIVE":
            assert any(cause in str(report) for cause in CAUSES), str(report)
            undecided += not (pair.kinks or pair.coarse)
    assert undecided <= 3  # of 20; over thousands it is less than one in a hundred


@pytest.mark.parametrize("block", BLOCKS)
def test_wrong_pair_never_passes(block):
    for number in range(block * BLOCK, (block + 1) * BLOCK):
        rng = np.random.default_rng([SEED, number])
        pair = draw(rng)
        if pair.kinks or pair.coarse:
            continue
        with np.errstate(all="ignore"):
            spoilt = wrong(pair, rng, WRONG[number % len(WRONG)])
        if spoilt is None:
            continue
        report = check_function(spoilt.forward, spoilt.backward, *spoilt.inputs)
        assert report.verdict != "PASS", f"seed {SEED}, number {number}: {spoilt.name}\n{report}"
