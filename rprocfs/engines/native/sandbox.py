"""What a native program is kept from, as far as the kernel lets this process say so.

In the launcher's processes only (:mod:`.native_launcher`); nothing here may be called in
one that has threads. Layer by layer, each of which may be refused on its own:

- namespaces of its own: PIDs, network, IPC and mounts, and users where that needs it;
- a root of its own: ``/usr``, ``/lib*``, ``/bin``, ``/opt`` and the like to read, its own
  processes in ``/proc``, an empty ``/tmp``, a few harmless devices; nothing of the user's,
  no socket of a service. It is a chroot besides: who is in one gets no user namespace, in
  which it would have every privilege;
- for root: it runs as nobody. Not in a user namespace that has no nobody: there its user
  may own what is the host's, and is kept from it by read-only mounts;
- limits, and it is the first to go where memory is short; no new privileges; no
  descriptor, no environment and no keys but what it is given.

Without namespaces it may do what the user may (as nobody, where that is root), within the
limits. All its descendants are killed with it even so; but it can kill its launcher, and
what has untied itself from that survives then.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import stat
from contextlib import suppress

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
ISOLATED = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
SIGPIPE, SIGXFSZ, SIG_SETMASK = 13, 25, 2
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH, AT_FDCWD, AT_RECURSIVE = 2, -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 1, 2
SYS_MOUNT_SETATTR = 442
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SYS_KEYCTL = {"x86_64": 250, "aarch64": 219}
KEYCTL_JOIN_SESSION_KEYRING = 1

NOBODY = 65534
#: What it may read: programs need their libraries.
SEEN = ("usr", "lib", "lib32", "lib64", "libx32", "bin", "sbin", "opt", "nix", "etc/ld.so.cache")
DEVICES = ("null", "zero", "full", "random", "urandom")
STAGE = "/tmp"  # noqa: S108 -- a tmpfs comes over it, in our own namespace
NEW_ROOT = f"{STAGE}/root"
PRIVATE_SIZE = 16 << 20

#: Bytes of address space, bytes of a file, descriptors.
LIMITS = {
    resource.RLIMIT_AS: 2 << 30,
    resource.RLIMIT_FSIZE: PRIVATE_SIZE,
    resource.RLIMIT_NOFILE: 64,
    resource.RLIMIT_CORE: 0,
}
#: Processes and threads: of its own namespace's user; of nobody's, all programs together.
PROCESSES = {"user": 64, "root": 1024}

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def prctl(option: int, value: int) -> None:
    """prctl(2) of one argument; OSError."""
    _checked(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def isolate() -> str:
    """Enter the namespaces; ``user`` where that took a new user namespace, else ``root``.

    OSError where there are none to be had. The PID namespace is that of the children.
    """
    if os.getuid() == 0:
        with suppress(OSError):
            _checked(_libc.unshare(ISOLATED), "unshare")
            return "root"
        become_nobody()
    uid, gid = os.getuid(), os.getgid()
    _checked(_libc.unshare(ISOLATED | CLONE_NEWUSER), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/gid_map", f"{gid} {gid} 1")
    _write("/proc/self/uid_map", f"{uid} {uid} 1")
    with suppress(OSError):  # of this namespace: none below it
        _write("/proc/sys/user/max_user_namespaces", "0")
    return "user"


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def become_nobody() -> None:
    """For root: give all of it up. OSError."""
    if os.getuid() == 0:
        try:
            os.setresgid(NOBODY, NOBODY, NOBODY)
        except OSError as failure:
            if failure.errno == errno.EINVAL:
                return  # in a user namespace of root alone, who is a plain user outside
            raise
        os.setgroups([])
        os.setresuid(NOBODY, NOBODY, NOBODY)
        prctl(PR_SET_DUMPABLE, 1)  # else /proc/self is root's


def renounce() -> None:
    """No privilege that a user ID or a file could give it, and no keys. OSError."""
    with suppress(OSError):  # EINVAL behind the last one, EPERM for who has none anyway
        for capability in range(64):
            prctl(PR_CAPBSET_DROP, capability)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    try:
        keyctl = SYS_KEYCTL[os.uname().machine]
        _checked(_libc.syscall(keyctl, KEYCTL_JOIN_SESSION_KEYRING, None), "keyctl")
    except OSError as failure:
        # A kernel without keys, or a container that has nobody come near them.
        if failure.errno not in (errno.ENOSYS, errno.EPERM):
            raise


def default_signals() -> None:
    """None blocked, and none ignored, as Python does."""
    for number in (SIGPIPE, SIGXFSZ):
        _libc.signal(number, None)
    _libc.sigprocmask(SIG_SETMASK, bytes(128), None)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2); OSError."""
    arguments = [text.encode() or None for text in (source, target, kind, data)]
    source_, target_, kind_, data_ = arguments
    done = _libc.mount(source_, target_, kind_, ctypes.c_ulong(flags), data_)
    _checked(done, f"mount {target}")


def new_root() -> None:
    """Change to a root that has no more than a program needs. OSError: it is the old one still."""
    os.chroot("/")  # that it may, it has to know before there is no way back
    mount("", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", STAGE, "tmpfs", MS_NOSUID, f"size={PRIVATE_SIZE},nr_inodes=1024,mode=755")
    try:
        _furnish()
        os.chdir(STAGE)
        _checked(_libc.syscall(SYS_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
        _libc.umount2(b".", MNT_DETACH)
        os.chroot("root")
    except OSError:
        _libc.umount2(STAGE.encode(), MNT_DETACH)
        raise
    finally:
        os.chdir("/")


def _furnish() -> None:
    os.umask(0o022)
    for name in ("", "dev", "etc", "proc", "tmp"):
        os.mkdir(f"{NEW_ROOT}/{name}")
    os.chmod(f"{NEW_ROOT}/tmp", 0o1777)  # noqa: S103, S108 -- a /tmp
    for name in SEEN:
        _show(f"/{name}", f"{NEW_ROOT}/{name}")
    for name in DEVICES:
        _bind(f"/dev/{name}", f"{NEW_ROOT}/dev/{name}")
        _read_only(f"{NEW_ROOT}/dev/{name}")  # which they can be written to all the same
    with suppress(OSError):  # a container may hide parts of its own
        flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
        mount("proc", f"{NEW_ROOT}/proc", "proc", flags)


def _show(source: str, target: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
    elif os.path.exists(source):
        _bind(source, target)
        _read_only(target)


def _bind(source: str, target: str) -> None:
    if stat.S_ISDIR(os.stat(source).st_mode):
        os.mkdir(target)
    else:
        os.mknod(target)
    mount(source, target, "", MS_BIND | MS_REC)


def _read_only(target: str) -> None:
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    path = target.encode()
    done = _libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, AT_RECURSIVE, attributes, size)
    _checked(done, f"mount_setattr {target}")


def offer_to_oom_killer() -> None:
    """Where memory is short this process and its children go first.

    No limit of the kernel is for all the memory of several processes, but a cgroup's.
    """
    with suppress(OSError):
        _write("/proc/self/oom_score_adj", "1000")


def limit(users: str, cpu: int) -> None:
    """The limits of this process and its children; lower ones that it has already stay.

    *users* is what :func:`isolate` said: the user's own processes are not counted. *cpu* is
    in seconds, 0: any; SIGXCPU comes then, and SIGKILL a second later.
    """
    limits = dict(LIMITS)
    if users:
        limits[resource.RLIMIT_NPROC] = PROCESSES[users]
    for which, value in limits.items():
        hard = resource.getrlimit(which)[1]
        limited = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (limited, limited))
    if cpu:
        with suppress(ValueError):  # less is allowed already
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
