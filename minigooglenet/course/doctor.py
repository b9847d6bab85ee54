"""Diagnosis of a machine: one check for each thing that a course needs, and what to do if it fails."""

import importlib.util
import io
import os
import re
import shutil
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from minigooglenet.kernels import compiled

LEAST_MEMORY = 1 << 30  # bytes that a lesson may need; lesson 09 comes closest
COURSE = "course"  # the extra with the packages that the lessons need


class Diagnosis(NamedTuple):
    """Result of one check: whether it passed, what the check saw, and what to do if it failed."""

    ok: bool
    text: str
    remedy: str = ""

    def __str__(self):
        return f"ok     {self.text}" if self.ok else f"WRONG  {self.text}\n       what to do: {self.remedy}"


def diagnose(short=False) -> list[Diagnosis]:
    """Run all checks, or with `short` only those that take less than a second. A check that raises has failed."""
    diagnoses = []
    checks = [python, *(lambda need=need: package(*need) for need in needed()), jupyter, kernel]
    if not short:
        checks += [compiler, cache, threads, blas, memory, disk, console, figure, sandbox]
    for check in checks:
        try:
            diagnoses.append(check())
        except Exception as error:
            message = " ".join(str(error).split()) or "no message"
            name = getattr(check, "__name__", "")
            diagnoses.append(Diagnosis(False, f"{name}: {type(error).__name__}: {message}", "reinstall minigooglenet"))
    return diagnoses


def python() -> Diagnosis:
    """Check the version of Python."""
    required = metadata.metadata("minigooglenet")["Requires-Python"] or ""
    running = ".".join(map(str, sys.version_info[:3]))
    ok = SpecifierSet(required).contains(running, prereleases=True)
    return Diagnosis(ok, f"Python {running} ({required} required): {sys.executable}", f"install Python {required}")


def needed() -> list[tuple[str, str]]:
    """Return (package, lowest version) for all packages that the engine and the course need, from the metadata."""
    packages = []
    for line in metadata.requires("minigooglenet") or ():
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate({"extra": COURSE}):
            floors = [specifier.version for specifier in need.specifier if specifier.operator == ">="]
            packages.append((need.name, *floors, "0")[:2])
    return packages


def package(name, floor) -> Diagnosis:
    """Check the version of one package."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Diagnosis(False, f"{name} is not installed", f'{_pip()} install "{name}>={floor}"')
    ok = Version(Version(version).base_version) >= Version(floor)  # a release candidate will do
    return Diagnosis(
        ok, f"{name} {version} ({floor} or later required)", f'{_pip()} install --upgrade "{name}>={floor}"'
    )


def jupyter() -> Diagnosis:
    """Check that JupyterLab is installed."""
    ok = importlib.util.find_spec("jupyterlab") is not None
    text = "JupyterLab is installed" if ok else "JupyterLab is not installed"
    return Diagnosis(ok, text, f"{_pip()} install jupyterlab, or open the notebooks in an editor")


def kernel() -> Diagnosis:
    """Check that notebooks would run with this Python."""
    remedy = f"{_pip()} install ipykernel; then {sys.executable} -m ipykernel install --sys-prefix"
    if importlib.util.find_spec("ipykernel") is None:
        return Diagnosis(False, "no Python kernel for notebooks is installed", remedy)
    from jupyter_client.kernelspec import KernelSpecManager

    program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    path = shutil.which(program)
    ok = path is not None and (program in ("python", "python3") or Path(path).samefile(sys.executable))
    return Diagnosis(ok, f"the notebook kernel python3 starts {program}", remedy)


def compiler() -> Diagnosis:
    """Compile a function in the same way as the kernels and check its result, or report what runs instead."""
    if reason := compiled.why_not_fast():
        remedy = f"{_pip()} install --upgrade numba; if Numba has no release for this Python, install an older Python"
        if reason == compiled.JIT_DISABLED:
            remedy = "unset NUMBA_DISABLE_JIT"
        return Diagnosis(False, f"{reason}. {compiled.INSTEAD}", remedy)
    import numba

    begun = time.perf_counter()
    function = numba.njit(nogil=True)(lambda x: 2 * x + 1)
    ok = function(20.5) == 42.0
    seconds = time.perf_counter() - begun
    return Diagnosis(ok, f"Numba compiles ({seconds:.1f} s for a small function)", f"{_pip()} install --upgrade numba")


def cache() -> Diagnosis:
    """Check that compiled kernels can be cached."""
    from minigooglenet import warmup

    if compiled.why_not_fast():
        return Diagnosis(True, "no compiled kernels to cache")
    folder = warmup.folder()
    remedy = "set NUMBA_CACHE_DIR to a writable folder; until then every process compiles its kernels again"
    if folder is None:
        return Diagnosis(False, "compiled kernels cannot be cached: no folder is writable", remedy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return Diagnosis(False, f"compiled kernels cannot be cached: {error}", remedy)
    return Diagnosis(True, f"compiled kernels are cached in {folder}")


def threads() -> Diagnosis:
    """Check that the number of threads is at most the number of cores."""
    from minigooglenet import parallel

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = parallel.get_num_threads()
    text = f"{count} threads for {cores} available cores ({os.cpu_count()} in the machine)"
    return Diagnosis(count <= cores, text, f"unset MINIGOOGLENET_NUM_THREADS, or set it to at most {cores}")


def blas() -> Diagnosis:
    """Check which library multiplies matrices, and that its product is right."""
    import numpy as np
    import threadpoolctl

    a = np.arange(64 * 64, dtype=np.float64).reshape(64, 64) % 7
    ok = bool(((a @ a) == np.einsum("ij,jk->ik", a, a)).all())
    named = [info for info in threadpoolctl.threadpool_info() if info.get("user_api") == "blas"]
    parts = (named[0].get(key) for key in ("internal_api", "version", "architecture")) if named else ("unnamed",)
    text = f"BLAS: {' '.join(str(part) for part in parts if part)}; a test product is {'right' if ok else 'WRONG'}"
    return Diagnosis(ok, text, f"unset OPENBLAS_CORETYPE if it is set; {_pip()} install --force-reinstall numpy")


def memory() -> Diagnosis:
    """Check the free memory."""
    free = available_memory()
    if free is None:
        return Diagnosis(True, "memory: this system does not report how much is free")
    text = f"{free / 1e9:.1f} GB of free memory"
    return Diagnosis(free >= LEAST_MEMORY, text, "close other programs; a lesson needs about 1 GB")


def disk() -> Diagnosis:
    """Check that a notebook could be saved in this folder."""
    ok, folder = os.access(".", os.W_OK), Path.cwd()
    remedy = "change to a folder that you can write to"
    return Diagnosis(ok, f"folder {folder} is {'' if ok else 'not '}writable", remedy)


def console() -> Diagnosis:
    """Check the console's encoding. This package prints plain ASCII in any encoding."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    ok = "plain text".encode(encoding) == b"plain text"
    return Diagnosis(ok, f"console encoding: {encoding}", "set PYTHONIOENCODING=utf-8")


def figure() -> Diagnosis:
    """Draw a figure, and report which backend a notebook would use."""
    import matplotlib

    from minigooglenet import figures

    drawn, _ = figures.new(1, 1)
    drawn.savefig(io.BytesIO(), format="png")
    return Diagnosis(True, f"figures can be drawn; matplotlib backend: {matplotlib.get_backend()}")


def sandbox() -> Diagnosis:
    """Report which sandbox protections `minigooglenet grade` has here; a student's own machine needs none of them."""
    from minigooglenet.course.grading.sandbox import PROTECTIONS, probe

    held = probe.held()
    mechanism = f" with {held.mechanism}" if held.mechanism else ""
    active = ", ".join(name for name in PROTECTIONS if name in held.protections) or "none"
    missing = ", ".join(name for name in PROTECTIONS if name not in held.protections)
    advice = f"; missing: {missing} (before you grade, read about the sandbox in docs/grading.md)" if missing else ""
    return Diagnosis(True, f"sandbox for graded notebooks{mechanism} restricts: {active}{advice}")


def available_memory() -> int | None:
    """Return the bytes of free memory (of all memory on a system that reports only the total), or None."""
    if Path("/proc/meminfo").exists():
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return 1024 * int(re.search(r"^MemAvailable:\s+(\d+)", text, re.MULTILINE).group(1))
    if sys.platform == "win32":
        return _windows_memory()
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _windows_memory():
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "page", "page_free", "own", "own_free", "more")),
        )

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return status.free


def _pip():
    return f"{sys.executable} -m pip"
