"""Fixtures and settings of all tests: hypothesis, and a fixture that restores the number of threads."""

import os
import signal

import hypothesis
import pytest

import minigooglenet as mg

hypothesis.settings.register_profile("minigooglenet", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.register_profile("nightly", deadline=None, derandomize=False, max_examples=5000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "minigooglenet"))


# A shell lets background jobs ignore Ctrl-C, and nohup SIGHUP; the tests send these signals.
for number, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, number) and signal.getsignal(getattr(signal, number)) is signal.SIG_IGN:
        signal.signal(getattr(signal, number), handler)


@pytest.fixture
def own_threads():
    before = mg.get_num_threads()
    yield
    mg.set_num_threads(before)
