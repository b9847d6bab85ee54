"""The long form: 200 faults in a cache of compiled kernels, and 20 rounds of eight parallel downloads."""

import contextlib
import hashlib
import http.server
import os
import random
import subprocess
import sys
import threading

import pytest
from numeric import needs_numba

pytestmark = [
    pytest.mark.faults,
    needs_numba,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="200 processes start fast enough only by fork"),
]
KERNELS = """
from minigooglenet.kernels.fast.jit import compiled, compiled_sum


@compiled
def square(x):
    return x * x


@compiled_sum
def total(values):
    s = 0.0
    for i in range(values.size):
        s += square(values[i])
    return s
"""
# A process without compiled kernels forks for each fault. The child acts as a new process, and may crash.
PROGRAM = """
import os, pickle, random, sys
from pathlib import Path
import numba
import numpy as np
import kernels

numba.njit(lambda x: sum(x))(np.arange(5.0))  # start Numba once, not in every child

folder, faults = Path(sys.argv[1]), int(sys.argv[2])
draw = random.Random(13)


def child():
    process = os.fork()
    if process == 0:
        code = 9
        try:
            value = kernels.total(np.arange(5.0))
            misses = sum(kernels.total.stats.cache_misses.values())
            code = 7 if value != 30.0 else misses
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def flip(content):
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def cut(content):
    del content[draw.randrange(len(content)) :]


def zero(content):
    begin = draw.randrange(len(content))
    content[begin : begin + 4096] = bytes(len(content[begin : begin + 4096]))


def grow(content):
    content += draw.randbytes(100)


def replace(content):
    content[:] = pickle.dumps(("0.68.1", {"a": [1, 2, 3]})) + draw.randbytes(50)


def shift(content):
    del content[draw.randrange(len(content))]


outcomes = [child()]  # compiles
assert outcomes == [1], outcomes
sound = {path: path.read_bytes() for path in sorted(folder.rglob("*.nbc"))}
assert len(sound) == 2, sound
assert child() == 0
for number in range(faults):
    for path in sound if number % 3 == 0 else [draw.choice(list(sound))]:
        content = bytearray(sound[path])
        while content == sound[path]:
            draw.choice((flip, flip, flip, flip, cut, cut, zero, grow, replace, shift))(content)
        path.write_bytes(content)
    outcomes.append(child())
    if number % 10 == 0:
        outcomes.append(child())
        assert outcomes[-1] == 0, "the cache was not rebuilt"
    for path, content in sound.items():
        path.write_bytes(content)
print(len(outcomes) - 1, sorted(set(outcomes)))
"""


def test_cache_faults_never_crash_or_change_results(tmp_path):
    (tmp_path / "kernels.py").write_text(KERNELS, encoding="utf-8")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "cache"), "200"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    # 0: loaded, because the fault was in a kernel that is part of the other; 1: compiled again.
    assert result.stdout == "220 [0, 1]\n"


CONTENT = random.Random(0).randbytes(300_000)
DOWNLOADS = """
import os, random, signal, sys, time
from pathlib import Path
from minigooglenet.data import transfer
from minigooglenet.data.download import Source, fetch

url, digest, size, rounds, home = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5])
transfer.ATTEMPTS = 1000
draw = random.Random(5)
source = Source("file", size, digest, (url,))


def start():
    process = os.fork()
    if process == 0:
        code = 9
        try:
            path = fetch(source)
            code = 0 if path.stat().st_size == size else 7
        except OSError as error:
            print(error, file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    return process


for number in range(rounds):
    os.environ["MINIGOOGLENET_DATA"] = str(home / str(number))
    processes = [start() for _ in range(8)]
    time.sleep(draw.random() * 0.1)
    killed = processes[:2]
    for process in killed:
        os.kill(process, signal.SIGKILL)
    codes = {process: os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes}
    assert all(codes[process] == 0 for process in processes if process not in killed), codes
    assert all(codes[process] in (0, -signal.SIGKILL) for process in killed), codes
    assert [path.name for path in (home / str(number)).iterdir()] == ["file"], list((home / str(number)).iterdir())
"""


class _Truncating(http.server.BaseHTTPRequestHandler):
    """Serve CONTENT, often truncated."""

    def do_GET(self):
        requested = self.headers.get("Range")
        begin = int(requested.split("=")[1].rstrip("-")) if requested else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(CONTENT[begin : begin + self.server.draw.randrange(1, 80_000)])

    def log_message(self, *_):
        pass


def test_parallel_downloads_over_broken_connections_give_one_file(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Truncating) as server:
        server.daemon_threads, server.draw = True, random.Random(1)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url, digest = f"http://127.0.0.1:{server.server_port}/file", hashlib.sha256(CONTENT).hexdigest()
        result = subprocess.run(
            [sys.executable, "-c", DOWNLOADS, url, digest, str(len(CONTENT)), "20", str(tmp_path)],
            env={**os.environ, "no_proxy": "*"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        server.shutdown()
        thread.join()
    assert result.returncode == 0, result.stderr[-2000:]
    for number in range(20):
        assert (tmp_path / str(number) / "file").read_bytes() == CONTENT
