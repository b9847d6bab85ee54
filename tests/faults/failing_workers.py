"""A child process with failing workers: `python failing_workers.py COUNT SEED` prints the count of each outcome.

If a call hangs, the process prints the stacks of all threads and ends.
"""

import collections
import ctypes
import faulthandler
import json
import os
import random
import sys
import threading
import time

import numpy as np

import minigooglenet as mg
from minigooglenet import parallel
from minigooglenet.parallel import pool, tasks

SECONDS = 60  # after which a call counts as hanging
ASYNC = ctypes.pythonapi.PyThreadState_SetAsyncExc
KINDS = (SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError, ValueError, StopIteration)


class OwnError(BaseException):
    """An exception that is not an Exception."""


class Failing(mg.layers.ReLU):
    """A user-defined layer that calls `act` before it computes."""

    act = staticmethod(lambda: None)  # on the class, because a plan has a copy of the layer

    def forward(self, x, train=False):
        Failing.act()
        return super().forward(x, train)


def network():
    g = mg.Graph(image=(3, 12, 12))
    g.add("conv", mg.layers.Conv2d(3, 8, 3, padding=1, rng=0), "image")
    g.add("relu", Failing(), "conv")
    g.add("pool", mg.layers.MaxPool2d(2), "relu")
    g.add("dense", mg.layers.Linear(8, 5, rng=1), g.add("mean", mg.layers.GlobalAvgPool2d(), "pool"))
    return g


class Scene:
    """Calls with known results, and ways to make them fail."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.g, self.armed = network(), threading.Event()
        self.plan = mg.plan(self.g)
        self.other = mg.models.mini_googlenet(size=32, width=0.25, rng=0)
        self.other_plan = mg.plan(self.other)
        rng = np.random.default_rng(0)
        self.x = rng.random((8, 3, 12, 12), np.float32)
        self.large = rng.random((3, 3, 32, 32), np.float32)
        mg.set_num_threads(1)
        self.calls = {name: call for name, call in vars(Scene).items() if name.startswith("call_")}
        self.right = {name: call(self) for name, call in self.calls.items()}

    def call_graph(self):
        return self.g(self.x).tobytes()

    def call_plan(self):
        return self.plan(self.x).tobytes()

    def call_team(self):
        return self.other_plan(self.large[:1]).tobytes()

    def call_large_plan(self):
        return self.other_plan(self.large).tobytes()

    def call_run(self):
        out = np.zeros((8, 64), np.float32)

        def task(number):
            Failing.act()
            out[number] = np.sin(self.x[number].ravel()[:64]) @ np.ones((64, 64), np.float32)

        parallel.run([lambda number=number: task(number) for number in range(8)])
        return out.tobytes()

    def call_training(self):
        outputs, tape = self.other.forward({"image": self.large})
        _, grads = self.other.backward({wire: np.ones_like(y) for wire, y in outputs.items()}, tape)
        return b"".join(grad.tobytes() for grad in grads.values())

    # Each of these functions prepares a failure of one call, and returns a function that cleans up. That function
    # returns the exception that the caller must get, or None if the call may also return the right result.

    def fail_in_a_task(self):
        kind = self.random.choice((*KINDS, OwnError))
        when, lock, count = self.random.randrange(1, 8), threading.Lock(), [0]

        def act():
            with lock:
                count[0] += 1
                if count[0] == when:
                    raise kind("on purpose")

        Failing.act = act
        return lambda: kind if count[0] >= when else None

    def fail_in_every_task(self):
        kind = self.random.choice((*KINDS, OwnError))

        def act():
            raise kind("on purpose")

        Failing.act = act
        return lambda: kind

    def fail_as_workers_begin(self):
        begin, kind = pool._begin_worker, self.random.choice(KINDS)

        def broken():
            raise kind("on purpose")

        threads = mg.get_num_threads()
        mg.set_num_threads(threads + 1)
        mg.set_num_threads(threads)
        pool._begin_worker = broken

        def after():
            pool._begin_worker = begin
            mg.set_num_threads(threads + 1)
            mg.set_num_threads(threads)

        return after

    def fail_to_start_threads(self):
        start, threads = threading.Thread.start, mg.get_num_threads()
        kind, left = self.random.choice((RuntimeError, MemoryError)), [self.random.randrange(2)]

        def broken(thread):
            if left[0] == 0 and thread.name.startswith("minigooglenet"):
                raise kind("can't start new thread")
            left[0] -= 1
            start(thread)

        mg.set_num_threads(threads + 1)
        mg.set_num_threads(threads)
        threading.Thread.start = broken

        def after():
            threading.Thread.start = start
            mg.set_num_threads(threads + 1)
            mg.set_num_threads(threads)

        return after

    def fail_in_bookkeeping(self):
        kind, when, lock, count = self.random.choice(KINDS), self.random.randrange(1, 6), threading.Lock(), [0]
        name = self.random.choice(("work", "run_in_worker", "stop", "end"))
        before = getattr(tasks.Tasks, name)

        def broken(shared):
            with lock:
                count[0] += 1
                if count[0] == when:
                    raise kind("on purpose")
            return before(shared)

        setattr(tasks.Tasks, name, broken)
        return lambda: setattr(tasks.Tasks, name, before)

    def fail_as_memory_ends(self):
        kind, when, count = MemoryError, self.random.randrange(1, 4), [0]
        before = pool.contextvars.copy_context

        def broken():
            count[0] += 1
            if count[0] == when:
                raise kind
            return before()

        pool.contextvars = type("Broken", (), {"copy_context": staticmethod(broken)})

        def after():
            import contextvars

            pool.contextvars = contextvars
            return MemoryError if count[0] >= when else None

        return after

    def fail_asynchronously(self, threads, kind=None):
        """Raise exceptions in threads at random moments during the call."""
        kind, stop = kind or self.random.choice((*KINDS[:4], OwnError)), threading.Event()
        waits = [self.random.uniform(0, 0.003) for _ in range(3)]

        def throw():
            self.armed.wait()
            for wait in waits:
                time.sleep(wait)
                targets = threads()
                if stop.is_set() or not targets:
                    return
                ASYNC(ctypes.c_ulong(self.random.choice(targets)), ctypes.py_object(kind))

        thrower = threading.Thread(target=throw)
        thrower.start()

        def after():
            self.armed.set()
            stop.set()
            thrower.join()

        return after

    def fail_workers_asynchronously(self):
        return self.fail_asynchronously(
            lambda: [t.ident for t in threading.enumerate() if t.name.startswith("minigooglenet_")]
        )

    def fail_the_caller_asynchronously(self):
        main = threading.get_ident()
        return self.fail_asynchronously(lambda: [main], KeyboardInterrupt)

    def fail_by_a_fork(self):
        if not hasattr(os, "fork"):
            return lambda: None
        once, children = collections.deque([None]), []

        def act():
            try:
                once.pop()
            except IndexError:
                return
            child = os.fork()
            if child == 0:
                Failing.act = staticmethod(lambda: None)
                right = self.call_graph() == self.right["call_graph"]
                os._exit(0 if right else 1)
            children.append(child)

        Failing.act = act

        def after():
            for child in children:
                assert os.waitpid(child, 0)[1] == 0, "a forked child computed a different result"

        return after

    def one(self):
        """Make one call fail; return (failure, call, outcome)."""
        mg.set_num_threads(self.random.randrange(2, 5))
        call = self.random.choice(list(self.calls))
        kinds = [name for name in vars(Scene) if name.startswith("fail_") and name != "fail_asynchronously"]
        failure = self.random.choice(kinds)
        if failure in ("fail_in_a_task", "fail_in_every_task", "fail_by_a_fork"):
            call = self.random.choice(("call_graph", "call_plan", "call_run"))
        self.armed.clear()
        after, result, error = getattr(self, failure)(), None, None
        try:
            try:
                self.armed.set()
                for _ in range(1 if failure not in ("fail_workers_asynchronously",) else 3):
                    result = self.calls[call](self)
            except BaseException as caught:
                error = caught
            finally:
                expected = self.surely(after)
                Failing.act = staticmethod(lambda: None)
        except BaseException as late:  # an asynchronous exception arrived after the call
            error = error or late
            expected = self.surely(after)
            Failing.act = staticmethod(lambda: None)
        if expected is not None and not isinstance(error, self.as_raised(expected)):
            return failure, call, f"lost {expected.__name__}: {error!r}"
        if error is None and result != self.right[call]:
            return failure, call, "wrong result"
        return failure, call, self.compare_again()

    @staticmethod
    def as_raised(kind):
        return (kind, RuntimeError) if kind is StopIteration else kind

    @staticmethod
    def surely(after):
        while True:
            try:
                return after()
            except KeyboardInterrupt:
                continue

    def compare_again(self):
        """Return "right" if every call gives its result on the next try."""
        for name in self.calls:
            for attempt in range(4):
                try:
                    if self.calls[name](self) != self.right[name]:
                        return f"wrong result of the next {name}"
                    break
                except BaseException as error:  # raised a little late
                    if attempt == 3:
                        return f"the next {name} failed: {error!r}"
        return "right"


def main(count, seed):
    threading.excepthook = lambda arguments: None  # threads end with exceptions on purpose
    sys.unraisablehook = lambda arguments: None
    scene, outcomes = Scene(seed), collections.Counter()
    for _ in range(count):
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        outcomes[" ".join(scene.one())] += 1
        faulthandler.cancel_dump_traceback_later()
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
