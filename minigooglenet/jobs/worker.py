"""The process of one job: it reads the job from standard input and writes one line of JSON about its end.

Afterwards standard input has only one message, a byte that means "stop". Anything that the job prints goes to standard
error. If the parent process ends, by `kill -9` too, the job is interrupted and the process ends.
"""

import json
import os
import pickle
import signal
import sys
import threading
import traceback

from minigooglenet import orphans, parallel
from minigooglenet.jobs.job import CRASHED, DONE, FAILED, INTERRUPTED

HEADER = 8  # bytes of the length of the pickled job
STOP = b"s"
MOST = 8000  # characters of a traceback
# A cluster sends these to all processes of a job. The parent decides what they mean, and then sends STOP.
IGNORED = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name))


def main() -> None:
    """Run the job of this process."""
    answer = os.dup(1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background commands without it
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    working, interrupt = [None], _once(orphans.interrupt)
    try:
        result = _run(working, interrupt)
    except KeyboardInterrupt:
        result = {"state": INTERRUPTED}
    except MemoryError:
        result = {"state": CRASHED, "error": "memory ran out"}
    except Exception as error:
        details = traceback.format_exc()[-MOST:]
        result = {"state": FAILED, "error": f"{type(error).__name__}: {error}", "details": details}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    working.clear()
    with open(answer, "wb") as file:  # noqa: PTH123 (a descriptor)
        file.write(json.dumps(result).encode() + b"\n")


def _run(working, interrupt):
    threads, parent, *call = pickle.loads(_read(int.from_bytes(_read(HEADER))))
    orphans.watch(parent, stop=interrupt, working=lambda: bool(working))
    threading.Thread(target=_obey, args=(interrupt,), daemon=True).start()
    parallel.set_num_threads(threads)
    function, arguments = call
    value = function(*arguments)
    json.dumps(value)  # an error here is the job's
    return {"state": DONE, "value": value}


def _read(count):
    data = b""
    while len(data) < count:
        piece = os.read(0, count - len(data))
        if not piece:
            sys.exit(1)  # the parent ended
        data += piece
    return data


def _obey(interrupt):
    """Wait for the message that means "stop"; if the parent ends instead, `orphans.watch` notices."""
    if os.read(0, 1) == STOP:
        interrupt()


def _once(function):
    """Return a function that calls `function` the first time only: a second Ctrl-C would end a job without saving."""
    calls = [function]

    def call():
        if calls:
            calls.pop()()

    return call
