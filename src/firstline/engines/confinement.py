"""What a child process gives up before it touches what strangers send: files, network, other programs, memory.

Landlock closes the file system and TCP, a seccomp filter the rest of the network and what starts or looks into other
processes; the resource limits of POSIX hold everywhere but on Windows. What the kernel does not know is left out:
`in_force` says what this machine has. The limits bind the calling thread and those it starts, so `confine` comes
before anything that starts threads. Loads nothing but Python's own library.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

if sys.platform != "win32":
    import resource

Network = Literal["closed", "listens"]
"""`closed`: no socket at all; `listens`: TCP on a port that the system chooses, and no connection to elsewhere."""

_LOG_BYTES: Final = 1_000_000
_OPEN_FILES: Final = 256
"""Descriptors: a child holds three pipes, and what it opens while it loads."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_RIGHTS: Final = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
"""By Landlock's version: 13 rights to files, then refer, truncate and the control of devices."""
_OF_A_FILE: Final = _EXECUTE | 1 << 1 | _READ_FILE | 1 << 14 | 1 << 15
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPES: Final = 3  # abstract sockets and signals stay among the child's own

_SET_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE, _UNKNOWN, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_CLONE_THREAD, _STREAM, _INET, _INET6 = 0x10000, 1, 2, 10


class _Machine(NamedTuple):
    """The numbers of a kind of processor: its name for seccomp, calls that are refused, and three looked into."""

    audit: int
    refused: tuple[int, ...]
    socket: int
    clone: int
    clone3: int


_MACHINES: Final[Mapping[str, _Machine]] = MappingProxyType(
    {
        # socketpair, io_uring_setup; execve, execveat, fork, vfork; kill, ptrace, process_vm_readv, process_vm_writev,
        # pidfd_getfd; unshare, setns, mount, bpf, perf_event_open, keyctl, userfaultfd
        "x86_64": _Machine(
            audit=0xC000003E,
            refused=(53, 425, 59, 322, 57, 58, 62, 101, 310, 311, 438, 272, 308, 165, 321, 298, 250, 323),
            socket=41,
            clone=56,
            clone3=435,
        ),
        # The same; this processor has no fork and no vfork.
        "aarch64": _Machine(
            audit=0xC00000B7,
            refused=(199, 425, 221, 281, 129, 117, 270, 271, 438, 97, 268, 40, 280, 241, 219, 282),
            socket=198,
            clone=220,
            clone3=435,
        ),
    }
)


class InForce(NamedTuple):
    """What a machine has: Landlock's version (0: none), and whether calls of the kernel can be filtered."""

    landlock: int
    seccomp: bool

    @property
    def words(self) -> str:
        """Say it in one line: `landlock ABI 6, network closed`."""
        if sys.platform != "linux":
            return f"none: {platform.system()} has neither Landlock nor seccomp"
        found = [f"landlock ABI {self.landlock}"] if self.landlock else []
        found += ["system calls filtered"] if self.seccomp else []
        if not found:
            return f"none: kernel {platform.release()} has neither Landlock nor seccomp, or does not allow them"
        closed = self.seccomp or self.landlock >= 4
        return ", ".join([*found, "network closed" if closed else "network open: kernel without Landlock ABI 4"])


def in_force() -> InForce:
    """Ask the kernel what it has; changes nothing."""
    if sys.platform != "linux":
        return InForce(0, False)
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    # A filter without a program is refused with EFAULT where filters are known.
    libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), None, 0, 0)
    return InForce(max(0, int(version)), ctypes.get_errno() == 14 and platform.machine() in _MACHINES)


def confine(*, network: Network, read: Sequence[str], write: Sequence[str] = (), memory: int | None = None) -> None:
    """Give up what this process does not need, for good.

    `read` are paths that it may read under, beside Python, its packages and the system's libraries; `write` paths that
    it may write to as well. `memory` is in bytes (None: as many as there are) and counts what is written to: a file
    mapped to be read does not count, nor does address space that a thread's heap has only reserved. One that listens
    may open as many files as its parent may, and one that writes may write as much.
    """
    _limit(memory, None if network == "listens" else _OPEN_FILES, None if write else _LOG_BYTES)
    have = in_force()
    if not have.landlock and not have.seccomp:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if have.landlock:
        _landlock(libc, have.landlock, network, [*_own_files(), *read], write)
    if have.seccomp:
        _seccomp(libc, _MACHINES[platform.machine()], network)


def close_others() -> None:
    """Close every descriptor but the three standard ones: what the parent had open is not for this process."""
    if sys.platform != "win32":  # whose children inherit nothing that is not named
        os.closerange(3, 65_536)


def _limit(memory: int | None, files: int | None, written: int | None) -> None:
    if sys.platform == "win32":
        return
    bounds = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, files), (resource.RLIMIT_FSIZE, written)]
    if sys.platform == "linux":  # elsewhere a limit of memory is refused or not kept
        bounds.append((resource.RLIMIT_DATA, memory))
    else:  # Linux counts threads too, and all those of the user: there the filter refuses new processes
        bounds.append((resource.RLIMIT_NPROC, 0))
    for what, most in bounds:
        if most is not None:
            with suppress(OSError, ValueError):  # a lower limit is in force already
                resource.setrlimit(what, (most, most))


def _own_files() -> list[str]:
    prefixes = (sys.prefix, sys.base_prefix, sys.exec_prefix)
    system = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/etc/localtime")
    kernel = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system", "/dev/null", "/dev/urandom")
    return [*sys.path, *(os.path.join(prefix, "lib") for prefix in prefixes), *system, *kernel]


def _landlock(libc: ctypes.CDLL, version: int, network: Network, read: Sequence[str], write: Sequence[str]) -> None:
    rights = sum(mask for since, mask in _RIGHTS if version >= since)
    tcp = _BIND_TCP | _CONNECT_TCP if version >= 4 else 0
    attributes = struct.pack("=QQQ", rights, tcp, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if rules < 0:
        return
    for path in read:
        _allow(libc, rules, path, _READ_FILE | _READ_DIR)
    for path in write:
        _allow(libc, rules, path, rights & ~_EXECUTE)
    if tcp and network == "listens":
        # Port 0: any that the system chooses.
        libc.syscall(_ADD_RULE, rules, 2, struct.pack("=QQ", _BIND_TCP, 0), ctypes.c_uint32(0))
    libc.syscall(_RESTRICT_SELF, rules, ctypes.c_uint32(0))
    os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    try:
        at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    mask = rights if os.path.isdir(path) else rights & _OF_A_FILE
    libc.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", mask, at), ctypes.c_uint32(0))
    os.close(at)


def _seccomp(libc: ctypes.CDLL, machine: _Machine, network: Network) -> None:
    """Filter system calls: BPF over the call's number and arguments (`struct seccomp_data`), as classic programs are.

    Of 64-bit arguments the lower half is looked at: kinds and flags lie there.
    """
    load, equal, at_least, masked, give = 0x20, 0x15, 0x35, 0x45, 0x06
    number, audit, first, second = 0, 4, 16, 24
    code: list[tuple[int, int, int, int]] = [
        (load, 0, 0, audit),
        (equal, 1, 0, machine.audit),
        (give, 0, 0, _KILL),  # another kind of call, such as that of a 32-bit program
        (load, 0, 0, number),
        (at_least, 0, 1, 0x40000000),
        (give, 0, 0, _REFUSE),
        (equal, 0, 1, machine.clone3),
        (give, 0, 0, _UNKNOWN),  # its flags cannot be looked at: the C library goes on with clone
        (equal, 0, 4, machine.clone),
        (load, 0, 0, first),
        (masked, 1, 0, _CLONE_THREAD),
        (give, 0, 0, _REFUSE),
        (give, 0, 0, _ALLOW),
    ]
    if network == "closed":
        code += [(equal, 0, 1, machine.socket), (give, 0, 0, _REFUSE)]
    else:
        code += [
            (equal, 0, 7, machine.socket),
            (load, 0, 0, first),
            (equal, 1, 0, _INET),
            (equal, 0, 3, _INET6),
            (load, 0, 0, second),
            (0x54, 0, 0, 0xF),  # the kind without its flags
            (equal, 1, 0, _STREAM),
            (give, 0, 0, _REFUSE),
            (load, 0, 0, number),
        ]
    for refused in machine.refused:
        code += [(equal, 0, 1, refused), (give, 0, 0, _REFUSE)]
    code.append((give, 0, 0, _ALLOW))
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in code))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(program)))
    libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), head, 0, 0)
