"""Settings and the machine: restored thread counts, and the description of the machine."""

import fakes
import pytest

import minigooglenet as mg
from minigooglenet.bench import machine, settings


def test_threads_are_restored_after_an_error(own_threads):
    mg.set_num_threads(1)
    log = []

    def fail():
        with settings.threads(2, [fakes.peer(log=log)]):
            assert mg.get_num_threads() == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert mg.get_num_threads() == 1
    assert log == [2, "as before"]


def test_thread_counts_are_powers_of_two_up_to_all():
    counts = {n: settings.Settings(threads=n).thread_counts() for n in (1, 2, 6, 8)}
    assert counts == {1: [1], 2: [1, 2], 6: [1, 2, 4, 6], 8: [1, 2, 4, 8]}


def test_requested_batch_sizes_override_the_defaults():
    assert settings.Settings().batch_sizes((1, 8), (1,)) == (1, 8)
    assert settings.Settings(quick=True).batch_sizes((1, 8), (1,)) == (1,)
    assert settings.Settings(batches=(3,), quick=True).batch_sizes((1, 8), (1,)) == (3,)


def test_machine_description_includes_versions_and_engines():
    described = machine.describe([fakes.peer()])
    assert described["cpu"]
    assert described["cores"] >= 1
    assert described["versions"].keys() >= {"minigooglenet", "numpy", "numba", "Fake"}
    text = machine.line({**described, "environment": {"OPENBLAS_CORETYPE": "Haswell"}})
    assert described["cpu"] in text
    assert "Fake 1.0" in text
    assert "set: OPENBLAS_CORETYPE=Haswell" in text


@pytest.mark.parametrize("system", ["Plan9", "Darwin", "Windows"])
def test_unknown_cpu_name_does_not_raise(monkeypatch, system):
    def fails():
        raise OSError("not here")

    monkeypatch.setattr(machine.platform, "system", lambda: system)
    monkeypatch.setattr(machine, "_READERS", {"Darwin": fails, "Windows": lambda: ""})
    assert machine.cpu_name()


def test_rates_are_cached_and_restore_threads(monkeypatch):
    monkeypatch.setattr(machine, "PRODUCT", 64)
    monkeypatch.setattr(machine, "COPY_BYTES", 1 << 16)
    before = mg.get_num_threads()
    rates = machine.rates(2, 0.001)
    assert rates["threads"] == 2
    assert rates["product_mac_per_second"] > 0
    assert rates["copy_bytes_per_second"] > 0
    assert machine.rates(2, 0.001) is rates
    assert mg.get_num_threads() == before
