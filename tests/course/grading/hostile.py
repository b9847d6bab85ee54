"""Cells of hostile notebooks, which try to harm the grader, the class or the grades: {name: source}.

Each notebook also gives a wrong answer to 03.1, zeros, unless its source replaces it. {victim}, {port} and {mark} are
filled in: a file that must not change, a port that must not be reached, a word in the command line of its processes.
"""

HOSTILE = {
    "hangs": "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    "hangs in the answer": "def conv_db(dout):\n    while True:\n        pass",
    "sleeps without signals": """
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
time.sleep(1000)
""",
    "exits": "import os\nos._exit(0)",
    "exits politely": "import sys\nsys.exit(0)",
    "kills": "import os, signal\nfor who in (os.getppid(), 0, 1, -1):\n    os.kill(who, signal.SIGKILL)",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "forks": """
import os
try:
    while True:
        os.fork()
except OSError:
    pass
while True:
    pass
""",
    "edits the check": """
import minigooglenet.exercises.checking as checking, minigooglenet.exercises.outputs as outputs
from minigooglenet.exercises.result import Result
import minigooglenet.exercises as exercises
for module in (checking, exercises):
    module.check = lambda number, given: Result(number, "passed")
checking.same = outputs.same = lambda *all: True
checking.grade = lambda *all: Result("03.1", "passed")
""",
    "patches numpy": """
import numpy
class Yes(numpy.ndarray):
    def __eq__(self, other):
        return numpy.ones(self.shape, bool)
numpy.array_equal = numpy.allclose = lambda *all, **more: True
numpy.asarray = numpy.ascontiguousarray = lambda *all, **more: numpy.zeros(4).view(Yes)
""",
    "forges records": """
import os
from minigooglenet.course.grading import serialisation
record = serialisation.pack({"number": "03.1", "verdict": ["passed", None, "right"], "status": "passed"})
record += serialisation.pack({"number": "03.1", "calls": []})
record += serialisation.pack({"end": True, "protections": ["all"] * 99, "stopped": 3})
for number in range(64):
    try:
        os.write(number, record)
    except OSError:
        pass
os._exit(0)
""",
    "writes huge files": """
block = bytes(1 << 24)
for number in range(1000):
    try:
        with open(f"huge{number}", "wb") as file:
            while True:
                file.write(block)
    except OSError:
        break
""",
    "prints without end": "while True:\n    print('x' * 1_000_000)",
    "takes all memory": "kept = []\nwhile True:\n    kept.append(bytearray(1 << 26))",
    "deletes its folder": "import os, shutil\nshutil.rmtree(os.getcwd(), ignore_errors=True)\nos.chdir('/')",
    "closes everything": "import os\nos.closerange(0, 1000)",
    "raises when deleted": """
class A:
    def __del__(self):
        raise SystemExit(0)
kept = [A() for _ in range(9)]
del kept
""",
    "overrides builtins": """
import builtins
for name in ("len", "isinstance", "zip", "all", "sum", "open", "type", "print", "__import__", "enumerate", "getattr"):
    setattr(builtins, name, lambda *all, **more: True)
""",
    "prints escapes": """
def conv_db(dout):
    raise ValueError("\\x1b[2J\\x1b]0;owned\\x07=HYPERLINK(1)\\r\\n@SUM(1)\\u202e,\\"forged\\",passed")
""",
    "hostile objects": """
class Evil:
    def __array__(self, *all, **more):
        raise SystemExit(0)
    def __eq__(self, other):
        return True
    def __reduce__(self):
        import os
        return os.system, ("touch {victim}",)
    __hash__ = None
def conv_db(dout):
    return Evil()
""",
    "object arrays": "def conv_db(dout):\n    return np.array([print] * dout.shape[1], dtype=object)",
    "not a number": "def conv_db(dout):\n    return np.full(dout.shape[1], np.nan)",
    "wrong shapes": "def conv_db(dout):\n    return np.zeros((3, 1, 4, 1, 5, 9, 2, 6))",
    "enormous arrays": "def conv_db(dout):\n    return np.broadcast_to(0.0, (1 << 40,))",
    "outlives": """
import os, subprocess, sys, threading, time
sleep = [sys.executable, "-c", "import time; time.sleep(300)", "{mark}"]
subprocess.Popen(sleep, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, sleep)
    os._exit(0)
threading.Thread(target=time.sleep, args=(300,)).start()
""",
    "reads others": """
import glob
text = ""
for path in glob.glob("{folder}/*") + ["{victim}"]:
    with open(path) as file:
        text += file.read()
if text:
    def conv_db(dout):
        return dout.sum(axis=(0, 2, 3))
""",
    "writes outside": """
import glob, minigooglenet, os, pathlib
paths = ["{victim}", *glob.glob("{folder}/*"), "{folder}/forged", minigooglenet.__file__, "/tmp/owned"]
for path in paths:
    try:
        with open(path, "a") as file:
            file.write("owned")
        pathlib.Path("{victim}").write_text("owned")
    except OSError:
        pass
""",
    "calls home": """
import socket
socket.create_connection(("127.0.0.1", {port}), 3).send(b"hello")
def conv_db(dout):
    return dout.sum(axis=(0, 2, 3))
""",
    "knows the cases": """
from minigooglenet.exercises.find import find
known = {(a.shape, a.tobytes()): a.sum(axis=(0, 2, 3)) for (a,) in find("03.1").arguments}
def conv_db(dout):
    return known.get((dout.shape, dout.tobytes()), np.zeros(dout.shape[1]))
""",
    "raises the limits": """
import resource
for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
    try:
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        continue
    def conv_db(dout):
        return dout.sum(axis=(0, 2, 3))
""",
    "recurses": "import sys\nsys.setrecursionlimit(1 << 30)\ndef conv_db(dout):\n    return conv_db(dout)",
}
NEEDS = {  # {name: protection without which it would succeed}
    "kills": "processes",
    "forks": "processes",
    "outlives": "processes",
    "writes outside": "files",
    "reads others": "files",
    "deletes its folder": "files",
    "calls home": "network",
    "takes all memory": "memory",
    "raises the limits": "files",  # root could raise them, if it stays root
    "writes huge files": "memory",
}
BROKEN = {
    "truncated": '{"cells": [{"cell_type": "code", "sou',
    "not a notebook": '{"cells": 3}',
    "nested": '{"cells": ' + "[" * 200_000,
    "empty": "",
}
