"""`minigooglenet warmup`: it says what it did, and where the kernels are."""

from numeric import needs_numba

from minigooglenet import cli, warmup

pytestmark = needs_numba  # tests/test_without_numba.py has what it says elsewhere


def test_warmup_compiles_once_and_then_finds_everything(capsys):
    assert cli.main(["warmup"]) == 0
    capsys.readouterr()
    assert cli.main(["warmup"]) == 0
    out = capsys.readouterr().out
    assert "All kernels were compiled already" in out
    assert (str(warmup.folder()) in out.replace("\n", "")) or "No folder could be written" in out


def test_progress_goes_from_nothing_to_all():
    seen = []
    warmup.warmup(lambda done, steps, text: seen.append((done, steps)))
    assert seen == [(done, seen[0][1]) for done in range(seen[0][1] + 1)]
