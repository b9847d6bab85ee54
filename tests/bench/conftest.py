"""Fixtures of the benchmark tests: the smallest run, with peak rates that need no measurement."""

import pytest

from minigooglenet.bench import machine, settings


@pytest.fixture
def quick(monkeypatch):
    """Return settings of the smallest run with the small network."""
    monkeypatch.setattr(
        machine,
        "rates",
        lambda threads: {
            "threads": threads,
            "product_mac_per_second": threads * 1e11,
            "copy_bytes_per_second": 4e10,
        },
    )
    return settings.Settings(model="mini", threads=2, rounds=1, seconds=0.0, batches=(2,), quick=True)


@pytest.fixture
def silent():
    return lambda text: None
