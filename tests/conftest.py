"""Fixtures and settings of all tests: hypothesis, and a fixture that restores the number of threads."""

import os

import hypothesis
import pytest

import minigooglenet as mg

hypothesis.settings.register_profile("minigooglenet", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.register_profile("nightly", deadline=None, derandomize=False, max_examples=5000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "minigooglenet"))


@pytest.fixture
def own_threads():
    before = mg.get_num_threads()
    yield
    mg.set_num_threads(before)
