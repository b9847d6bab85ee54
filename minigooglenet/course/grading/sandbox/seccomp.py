"""Seccomp, Linux's filter for system calls: calls that no notebook needs fail with "not permitted".

These are calls for memory that no limit counts (memfd_create, System V segments), keys, sockets (connected pairs are
allowed, because asyncio needs them), new namespaces and mounts, access to other processes, and io_uring, which bypasses
filters.
"""

import ctypes
import errno
import platform
import struct

from minigooglenet.course.grading.sandbox import linux

# {name: number of the system call on x86_64 and on aarch64}; None if the architecture does not have it.
DENIED = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "socket": (41, 198),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "syslog": (103, 116),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
}
# Owner, mode, times and attributes of files: denied if nothing else protects the grader's files.
ATTRIBUTES = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
SETTING_IOCTLS = (0x40086602, 0x40046602, 0x401C5820)  # FS_IOC_SETFLAGS, its 32-bit form, FS_IOC_FSSETXATTR
MACHINES = {"x86_64": (0, 0xC000003E, 56, 16), "aarch64": (1, 0xC00000B7, 220, 29)}  # column, name, clone, ioctl
CLONE3, X32 = 435, 0x40000000
NAMESPACES = linux.NEWNS | linux.NEWCGROUP | linux.NEWUTS | linux.NEWIPC | linux.NEWUSER | linux.NEWPID | linux.NEWNET
_LOAD, _EQUAL, _LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of the filter
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _MACHINE, _FIRST, _SECOND = 0, 4, 16, 24  # offsets of the call's number and arguments


def restrict(attributes) -> bool:
    """Make these calls fail from now on, in this process and its children; return whether the filter holds.

    attributes : whether to deny changes of owners, modes and times of files too
    """
    if platform.machine() not in MACHINES:
        return False
    code = program(platform.machine(), attributes)
    buffer = ctypes.create_string_buffer(code, len(code))
    linux.no_new_rights()
    request = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    set_seccomp, filtered = 22, 2
    return linux.libc().prctl(set_seccomp, filtered, request, 0, 0) == 0


def program(machine, attributes) -> bytes:
    """Return the filter program, 8 bytes per instruction."""
    column, name, clone, ioctl = MACHINES[machine]
    denied = [numbers[column] for numbers in {**DENIED, **(ATTRIBUTES if attributes else {})}.values()]
    lines = [(_LOAD, 0, 0, _MACHINE), (_EQUAL, 1, 0, name), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER)]
    if machine == "x86_64":
        lines += [(_LEAST, 0, 1, X32), (_RETURN, 0, 0, _FAIL | errno.ENOSYS)]
    for number in denied:
        if number is not None:
            lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _FAIL | errno.EPERM)]
    lines += [(_EQUAL, 0, 1, CLONE3), (_RETURN, 0, 0, _FAIL | errno.ENOSYS)]  # the C library then uses clone
    lines += [(_EQUAL, 0, 4, clone), (_LOAD, 0, 0, _FIRST), (_BITS, 0, 1, NAMESPACES)]
    lines += [(_RETURN, 0, 0, _FAIL | errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
    if attributes:
        count = len(SETTING_IOCTLS)
        lines += [(_EQUAL, 0, 2 * count + 1, ioctl), (_LOAD, 0, 0, _SECOND)]
        for number in SETTING_IOCTLS:
            lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _FAIL | errno.EPERM)]
    lines.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *line) for line in lines)
