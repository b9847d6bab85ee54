"""`minigooglenet warmup`: what it prints, and where the kernels are stored."""

from numeric import needs_numba

from minigooglenet import cli, warmup

pytestmark = needs_numba  # for its output without Numba, see tests/test_without_numba.py


def test_second_warmup_compiles_nothing(capsys):
    assert cli.main(["warmup"]) == 0
    capsys.readouterr()
    assert cli.main(["warmup"]) == 0
    out = capsys.readouterr().out
    assert "All kernels are already compiled" in out
    assert (str(warmup.folder()) in out.replace("\n", "")) or "No cache folder is writable" in out


def test_warmup_progress_counts_every_step():
    progress = []
    warmup.warmup(lambda done, steps, text: progress.append((done, steps)))
    assert progress == [(done, progress[0][1]) for done in range(progress[0][1] + 1)]
