"""Signals that ask a process to end take effect at the end of a step."""

import os
import signal
import threading

import pytest

from minigooglenet.training.interrupt import SIGNALS, signals_wait


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send these signals to one process")
@pytest.mark.parametrize("number", SIGNALS)
def test_first_signal_is_kept_until_the_end(number):
    with signals_wait() as arrived:
        os.kill(os.getpid(), number)
        assert arrived == [number]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send these signals to one process")
def test_second_ctrl_c_ends_immediately():
    with signals_wait() as arrived:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # a launcher may send it twice
        assert arrived == [signal.SIGTERM] * 2
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGHUP")
def test_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with signals_wait() as arrived:
            os.kill(os.getpid(), signal.SIGHUP)
            assert arrived == []
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_leave_signals_alone():
    def check():
        with signals_wait() as arrived:
            results.append((arrived, signal.getsignal(signal.SIGINT)))

    results, before = [], signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=check)
    thread.start()
    thread.join()
    assert results == [([], before)]
