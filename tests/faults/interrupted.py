"""A child process for interrupts: `python interrupted.py COUNT SEED [outside]` counts states that are not restored.

COUNT interrupts arrive at random microseconds: from a timer of this process or, with `outside`, as one SIGINT from
another process for every line "go". Each traceback is kept while the state is
read, as in an interactive session.
"""

import faulthandler
import json
import os
import random
import signal
import sys

import numpy as np
import threadpoolctl

import minigooglenet as mg
from minigooglenet import parallel
from minigooglenet.kernels.fast import subnormals

SECONDS = 120  # after which a call counts as hanging


def calls():
    g = mg.models.mini_googlenet(size=32, width=0.25, rng=0)
    x = np.random.default_rng(0).random((4, 3, 32, 32), np.float32)
    plan, logits = mg.plan(g), np.ones((4, 5), np.float32)

    def nested():
        with parallel.computing(), parallel.computing():
            pass

    # The short calls spend most of their time in code that must restore state.
    short = [nested, lambda: parallel.run([int] * 3), lambda: mg.kernels.softmax.forward(logits)]
    long = [lambda: g(x).tobytes(), lambda: plan(x).tobytes(), lambda: plan(x[:1]).tobytes()]
    return short, long


def main(count, seed, outside):
    mg.set_num_threads(2)
    short, long = calls()
    right = [call() for call in long]
    for call in short:
        call()
    libraries = threadpoolctl.ThreadpoolController().lib_controllers

    def state():
        affinity = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        return [library.get_num_threads() for library in libraries], affinity, subnormals.read() & subnormals.BITS

    before, rng, left, wrong, interrupts = state(), random.Random(seed), [], 0, 0
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    while interrupts < count:
        call, kept = rng.choice([*short, *short, *long]), None
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            if outside:
                print("go", flush=True)
            else:
                signal.setitimer(signal.ITIMER_REAL, rng.choice((1e-4, 3e-4, 3e-3)) * rng.random() + 1e-6)
            while True:
                call()
        except KeyboardInterrupt as interrupt:
            kept = interrupt
        interrupts += 1
        if state() != before:
            left.append(state())
        del kept
        if interrupts % 500 == 0:
            wrong += sum(call() != expected for call, expected in zip(long, right, strict=True))
        faulthandler.cancel_dump_traceback_later()
    print(json.dumps({"interrupts": interrupts, "left": left[:5], "times left": len(left), "wrong": wrong}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), "outside" in sys.argv)
