"""Tables and figures of the simulated parameter server, and its experiment on the command line."""

from dataclasses import replace

import numpy as np
import pytest
from small_runs import EQUAL, network, split

from minigooglenet import cli
from minigooglenet.distributed import Point, compare_modes, figures, simulate
from minigooglenet.distributed.distbelief import experiment

SIZES = {"updates": 20, "batch_size": 5, "evaluations": 2}


@pytest.fixture(scope="module")
def results():
    return compare_modes(network(), split(), workers=4, updates=40, batch_size=5, evaluations=2)


def test_simulation_prints_its_evaluations_as_a_table(results):
    result = results["backup"]
    text = str(result)
    assert "Parameter server, backup, 4 + 1 backup workers" in text
    assert "Gradients discarded: 10." in text
    assert f"{result.accuracy:.3f}" in text
    assert repr(result).startswith("Simulation(backup, 4 + 1 backup workers, 10 updates in ")
    assert len(repr(result)) < 200


def test_staleness_figure_counts_every_update():
    result = simulate(network(), split(), workers=3, times=EQUAL, **SIZES)
    figure, text = figures.staleness(result)
    (axis,) = figure.axes
    assert [bar.get_height() for bar in axis.patches] == [1, 1, 18]
    assert text.splitlines()[0] == "staleness of 20 updates, asynchronous, 3 workers: mean 1.85, largest 2"
    assert figure.alt_text.startswith("Histogram of the staleness of 20 updates")


def test_accuracy_figure_has_both_lines_of_each_mode(results):
    figure, text = figures.accuracy(results)
    for axis, label in zip(figure.axes, ("updates", "simulated hours"), strict=True):
        assert axis.get_xlabel() == label
        assert len(axis.lines) == 6
    colours = {line.get_color() for line in figure.axes[0].lines}
    markers = {line.get_marker() for line in figure.axes[0].lines}
    assert len(colours) == len(markers) == 3
    for mode, result in results.items():
        assert f"{mode}: {len(result.updates):,} updates" in figure.alt_text or "..." in figure.alt_text
        assert sum(line.startswith(mode) for line in text.splitlines()) == 2


def test_accuracy_figure_without_results_raises():
    with pytest.raises(ValueError, match="results must contain at least one Simulation, got none"):
        figures.accuracy({})


def test_table_pairs_differences_by_seed(results):
    pairs = [(0.5, 0.75), (0.625, 0.875)]
    runs = [
        {"synchronous": replace(results["synchronous"], points=(Point(10, 1.0, last, average),))}
        for last, average in pairs
    ]
    text = str(experiment.table(runs))
    assert "Means of 2 seeds" in text
    assert [cell.split()[0] for cell in text.splitlines()[-4].split("|")[-4:-1]] == ["0.562", "0.812", "0.250"]
    assert "One seed: no interval." in str(experiment.table(runs[:1]))


def test_experiment_differs_between_seeds_and_repeats(monkeypatch):
    tiny, reports, seeds, noisy = experiment.Sizes(copies=1, updates=16), [], [], experiment.noisy_digits
    monkeypatch.setattr(experiment, "noisy_digits", lambda seed, *sizes: seeds.append(seed) or noisy(seed, *sizes))
    first, second = experiment.distbelief_experiment(2, tiny, on_step=lambda *report: reports.append(report))
    (again,) = experiment.distbelief_experiment(1, tiny)
    assert reports[-1] == (96, 96, "seed 1: backup")
    assert seeds == [0, 1, 0]
    assert first["backup"].updates == again["backup"].updates
    assert first["backup"].updates != second["backup"].updates


def test_held_out_digits_are_not_training_digits():
    train, test = experiment.noisy_digits(copies=2, noise=0.0)
    known = {image.tobytes() for image in train.images}
    assert len(train) == 2 * 1438
    assert np.mean([image.tobytes() in known for image in test.images]) < 0.01


def test_distbelief_command_prints_and_writes_its_results(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(experiment, "QUICK", experiment.Sizes(copies=1, updates=16))
    assert cli.main(["experiment", "distbelief", "--quick", "--out", str(tmp_path)]) == 0
    printed, written = capsys.readouterr().out, (tmp_path / "distbelief.txt").read_text()
    for text in (printed, written):
        for word in ("asynchronous", "8 + 1 backup workers", "last weights", "One seed: no interval."):
            assert word in text
    for name in ("staleness", "modes"):
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
        assert (tmp_path / f"{name}.txt").read_text()


def test_distbelief_command_rejects_options_of_others(capsys):
    assert cli.main(["experiment", "distbelief", "--steps", "3"]) == 1
    assert "the experiment distbelief has no --steps. Leave it out." in capsys.readouterr().err
