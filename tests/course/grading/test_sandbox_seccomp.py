"""The filter for system calls, interpreted like in the kernel for both architectures."""

import errno
import struct

import pytest

from minigooglenet.course.grading.sandbox import linux, seccomp

ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x50000


def decide(code, machine, number, first=0, second=0):
    """Return the kernel's decision about a call."""
    data, position, value = struct.pack("<iIQQQ", number, machine, 0, first, second), 0, 0
    while True:
        kind, if_true, if_false, k = struct.unpack_from("HBBI", code, 8 * position)
        position += 1
        if kind == 0x06:
            return k
        if kind == 0x20:
            value = struct.unpack_from("<I", data, k)[0]
        else:
            true = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[kind]
            position += if_true if true else if_false


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("attributes", [True, False])
def test_filter_denies_unneeded_system_calls(machine, attributes):
    column, name, clone, ioctl = seccomp.MACHINES[machine]
    code = seccomp.program(machine, attributes)
    denied = FAIL | errno.EPERM
    for numbers in seccomp.DENIED.values():
        assert decide(code, name, numbers[column]) == denied
    for numbers in seccomp.ATTRIBUTES.values():
        if numbers[column] is not None:
            assert decide(code, name, numbers[column]) == (denied if attributes else ALLOW)
    assert decide(code, name, clone, 17) == ALLOW
    assert decide(code, name, clone, linux.NEWUSER | 17) == denied
    assert decide(code, name, seccomp.CLONE3) == FAIL | errno.ENOSYS
    assert decide(code, name, ioctl, 3, 0x5401) == ALLOW
    assert decide(code, name, ioctl, 3, seccomp.SETTING_IOCTLS[-1]) == (denied if attributes else ALLOW)
    assert decide(code, name, {"x86_64": 0, "aarch64": 63}[machine]) == ALLOW  # read
    assert decide(code, name ^ 1, 0) == KILL


def test_filter_denies_the_second_numbers_of_x86():
    assert decide(seccomp.program("x86_64", False), 0xC000003E, seccomp.X32 | 319) == FAIL | errno.ENOSYS
