"""`minigooglenet experiment proposals`: a table of the paper's experiment, from small scenes."""

import pytest

from minigooglenet.cli import main


def test_proposals_experiment_prints_and_writes_its_table(tmp_path, capsys, monkeypatch):
    from minigooglenet.detection import experiment

    tiny = experiment.QUICK._replace(objects=20, train=2, multibox_train=4, test=2, multibox_epochs=1)
    monkeypatch.setattr(experiment, "QUICK", tiny)
    assert main(["experiment", "proposals", "--quick", "--out", str(tmp_path)]) == 0
    printed, written = capsys.readouterr().out, (tmp_path / "proposals.txt").read_text()
    for text in (printed, written):
        for name in ("superpixels x0.5", "superpixels x2", "MultiBox", "x2 and MultiBox", "One seed: no interval."):
            assert name in text


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["proposals", "--steps", "3"], "the experiment proposals has no --steps. Leave it out."),
        (["gradients", "--quick"], "the experiment gradients has no --quick. Leave it out."),
        (["proposals", "--quick", "--seeds", "2"], "--quick runs one repetition. Leave out --seeds."),
    ],
)
def test_options_of_the_other_experiment_are_rejected(capsys, command, message):
    assert main(["experiment", *command]) == 1
    assert message in capsys.readouterr().err
