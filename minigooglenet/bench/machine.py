"""The machine of a measurement: its hardware and software, and its peak rates of matrix products and copies."""

import functools
import itertools
import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import threadpoolctl

from minigooglenet import parallel
from minigooglenet.bench import settings

PRODUCT = 1024  # the matrices are PRODUCT x PRODUCT, large enough for the peak rate of BLAS
COPY_BYTES = 128 << 20  # copied by all threads together: larger than the caches of most machines
# Variables that change the speed of NumPy, Numba or another engine. A result lists those that were set before another
# engine was imported, which may set more. threadpoolctl has already set one, which does not affect the speed.
PREFIXES = ("BLIS_", "GOMP_", "KMP_", "MINIGOOGLENET_", "MKL_", "NUMBA_", "OMP_", "ONEDNN_", "OPENBLAS_", "VECLIB_")
ENVIRONMENT = {name: value for name, value in sorted(os.environ.items()) if name.startswith(PREFIXES)}
ENVIRONMENT.pop("KMP_DUPLICATE_LIB_OK", None)


def describe(peers=()) -> dict:
    """Return the names of the hardware and the versions of the software."""
    packages = ("minigooglenet", "numpy", "numba", "threadpoolctl")
    return {
        "cpu": cpu_name(),
        "cores": settings.available_cores(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": blas_name(),
        "environment": ENVIRONMENT,
        "versions": {
            **{name: installed(name) for name in packages},
            **{peer.TITLE: peer.version() for peer in peers},
        },
    }


def installed(package) -> str:
    """Return the version of a package, or "not installed", because the engine also works without Numba."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def cpu_name() -> str:
    """Return the name of the processor as given by its maker, or else by the system."""
    try:
        return _READERS.get(platform.system(), _no_name)() or _no_name()
    except (OSError, subprocess.SubprocessError):
        return _no_name()


def _linux() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return ""


def _mac() -> str:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def _windows() -> str:
    import winreg

    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
        return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()


def _no_name() -> str:
    return platform.processor() or platform.machine() or "unknown"


_READERS = {"Linux": _linux, "Darwin": _mac, "Windows": _windows}


def blas_name() -> str:
    """Return NumPy's BLAS with its version and its processor family."""
    libraries = [library for library in threadpoolctl.threadpool_info() if library.get("user_api") == "blas"]
    if not libraries:
        return "unknown to threadpoolctl"
    parts = (libraries[0].get(key) for key in ("internal_api", "version", "architecture"))
    return " ".join(str(part) for part in parts if part)


@functools.lru_cache(maxsize=64)
def rates(threads: int, seconds: float = 0.3) -> dict:
    """Return the peak rates with this number of threads, each running serial code on its own part, as in the engine.

    The product is one float32 `np.matmul` per thread. The copy counts the bytes read plus the bytes written. Both reuse
    their memory. Measured once per process.
    """
    with settings.threads(threads):
        products = [_product() for _ in range(threads)]
        copies = _copies(threads)
        return {
            "threads": threads,
            "product_mac_per_second": threads * PRODUCT**3 / _best(products, seconds),
            "copy_bytes_per_second": 2 * COPY_BYTES / _best(copies, seconds),
        }


def _product():
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((PRODUCT, PRODUCT), dtype=np.float32) for _ in range(2))
    return functools.partial(np.matmul, a, b, out=np.empty_like(a))


def _copies(threads):
    source = np.ones(COPY_BYTES // 4, np.float32)
    target = np.empty_like(source)
    bounds = [len(source) * i // threads for i in range(threads + 1)]
    pairs = itertools.pairwise(bounds)
    return [functools.partial(np.copyto, target[start:stop], source[start:stop]) for start, stop in pairs]


def _best(tasks, seconds) -> float:
    """Return the shortest time of running all tasks in parallel, without the first run, which touches the memory."""
    parallel.run(tasks)
    best, until = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < until:
        started = time.perf_counter()
        parallel.run(tasks)
        best = min(best, time.perf_counter() - started)
    return best


def load_average() -> float | None:
    """Return the load average of the last minute, or None if the system does not provide it."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def line(described: dict) -> str:
    """Describe the machine in two lines of text, with a third line for environment variables."""
    versions = ", ".join(f"{name} {number}" for name, number in described["versions"].items())
    lines = [
        f"{described['cpu']}, {described['cores']} cores, {described['system']}",
        f"Python {described['python']}, {versions}; NumPy's BLAS: {described['blas']}",
    ]
    if described["environment"]:
        lines.append("set: " + ", ".join(f"{name}={value}" for name, value in described["environment"].items()))
    return "\n".join(lines)
