"""The paper's experiment: coverage, the sets of proposals, and intervals over seeds."""

import numpy as np
import pytest

from minigooglenet import detection
from minigooglenet.detection import experiment

TINY = experiment.QUICK._replace(objects=20, train=2, multibox_train=4, test=3, multibox_epochs=1)


def test_coverage_counts_objects_that_a_proposal_overlaps_by_half():
    truths = [
        detection.Truths([(0, 0, 8, 8), (10, 10, 14, 14), (20, 0, 24, 4)], [0, 1, 2], [False, False, True]),
        detection.Truths([(0, 0, 4, 4)], [0], [False]),
    ]
    exactly_half = [(0, 0, 8, 4)]
    assert experiment.coverage([exactly_half, np.empty((0, 4))], truths) == pytest.approx(1 / 3)
    assert experiment.coverage([[(0, 0, 8, 3.9)], np.empty((0, 4))], truths) == 0
    assert experiment.coverage([[(20, 0, 24, 4)], [(0, 0, 4, 4)]], truths) == pytest.approx(1 / 3)  # one is difficult


def test_coverage_without_objects_is_nan():
    nothing = detection.Truths(np.empty((0, 4)), [], [])
    assert np.isnan(experiment.coverage([[(0, 0, 1, 1)]], [nothing]))


def test_larger_superpixels_give_fewer_proposals():
    stages = []
    result = experiment.proposals_experiment(1, TINY, on_stage=lambda *stage: stages.append(stage))
    [half], [one], [two], [multibox], [union] = result.values()
    assert half.proposals > one.proposals > two.proposals
    assert two.proposals <= union.proposals <= two.proposals + multibox.proposals
    assert union.coverage >= max(two.coverage, multibox.coverage)
    assert [done for done, *_ in stages] == [0, 1, 2, 3, 4]
    assert stages[0][1:] == (5, "seed 0: whole images")


def test_experiment_of_a_seed_is_repeatable():
    assert experiment.proposals_experiment(1, TINY) == experiment.proposals_experiment(1, TINY)


def test_table_has_means_with_intervals_of_several_seeds():
    rows = {"set": [experiment.Measured(10.0, 0.9, 0.4, 2.0), experiment.Measured(12.0, 0.9, 0.6, 2.0)]}
    text = str(experiment.table(rows))
    assert "0.500" in text
    assert "1.271" in text  # 12.706 * 0.1414 / sqrt(2)
    assert "Means of 2 seeds" in text


def test_doubled_superpixels_are_compared_in_pairs():
    one = [experiment.Measured(100.0, 0.9, 0.3, 20.0), experiment.Measured(100.0, 0.8, 0.5, 30.0)]
    two = [experiment.Measured(50.0, 0.9, 0.4, 15.0), experiment.Measured(50.0, 0.8, 0.6, 25.0)]
    text = " ".join(str(experiment.table({"superpixels x1": one, "superpixels x2": two})).split())
    assert "x2 minus x1, paired by seed: coverage 0.000 +- 0.000, mAP 0.100 +- 0.000" in text
    assert "false positives -5.00 +- 0.00" in text
