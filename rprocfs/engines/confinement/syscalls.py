"""Which system calls a worker may make, by its kind; the rest is refused with EPERM.

A call stands in :data:`NUMBERS` with its number on x86_64 and on aarch64, None for one that
the machine does not have: asm/unistd_64.h, asm-generic/unistd.h.

Those with a condition are allowed only if an argument has one of a few values:
(argument, mask, values). The arguments of a call are 64 bits wide, and the mask takes those
that the kernel looks at.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Condition = tuple[int, int, Sequence[int]]

INT, POINTER = (1 << 32) - 1, (1 << 64) - 1
CLONE_THREAD = 0x00010000
#: ``CLONE_NEWTIME``, ``NEWNS``, ``NEWCGROUP``, ``NEWUTS``, ``NEWIPC``, ``NEWUSER``, ``NEWPID``,
#: ``NEWNET``.
CLONE_NEW = 0x80 | 0x00020000 | 0x7E000000
AF_UNIX = 1
FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, TCGETS = 0x541B, 0x5421, 0x5450, 0x5451, 0x5401
#: No ``F_SETOWN``, which sends signals.
F_FLAGS = (1, 2, 3, 4)
F_DUPFD, F_DUPFD_CLOEXEC = 0, 1030
#: ``F_SETLK`` and the like, of processes and of open files; ``F_ADD_SEALS``, ``F_GET_SEALS``.
F_LOCKS, F_SEALS = (5, 6, 7, 36, 37, 38), (1033, 1034)
#: ``PR_GET_DUMPABLE``, names of threads, ``PR_SET_TIMERSLACK``, ``PR_GET_SECCOMP``,
#: ``PR_SET_SECCOMP``, no new privileges, ``PR_SET_VMA``.
PRCTL = (3, 15, 16, 21, 22, 29, 38, 39, 0x53564D41)

#: A worker in Python that has everything open: it computes, waits and answers. Memory may be
#: mapped and made executable, as a translator must (``mmap``, then ``mprotect``); and a
#: connected socket may be that of a debugger.
WORKER = """
    brk clock_getres clock_gettime clock_nanosleep close exit exit_group fstat futex getpid
    getrandom gettid gettimeofday madvise membarrier mmap mprotect mremap munmap nanosleep
    poll ppoll pselect6 read readv recvfrom restart_syscall rt_sigaction rt_sigprocmask
    rt_sigreturn sched_yield select sigaltstack write writev
""".split()
WORKER_CONDITIONS: dict[str, Condition] = {
    "ioctl": (1, INT, (FIONREAD, FIONBIO, FIOCLEX)),
    "fcntl": (1, INT, F_FLAGS),
    "sendto": (4, POINTER, (0,)),  # to the one it is connected with
}

#: QEMU from its start: the dynamic loader, threads, the sockets that it inherits.
EMULATOR = """
    accept accept4 access arch_prctl brk capget capset clock_getres clock_gettime
    clock_nanosleep close dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait epoll_wait
    eventfd2 exit exit_group faccessat faccessat2 fadvise64 fallocate flock fstat fstatfs
    ftruncate futex get_mempolicy get_robust_list getcwd getdents64 getegid geteuid getgid
    getgroups getpeername getpid getppid getpriority getrandom getresgid getresuid getrlimit
    getrusage getsockname getsockopt gettid gettimeofday getuid listen lseek lstat madvise
    membarrier memfd_create mlock mmap mprotect mremap msync munlock munmap nanosleep
    newfstatat open openat pipe pipe2 poll ppoll pread64 preadv pselect6 pwrite64 pwritev
    read readlink readlinkat readv recvfrom recvmsg restart_syscall rseq rt_sigaction
    rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam
    sched_getscheduler sched_yield seccomp select sendmsg set_mempolicy set_robust_list
    set_tid_address setsockopt shutdown sigaltstack signalfd4 stat statfs statx sysinfo time
    timerfd_create timerfd_gettime timerfd_settime times umask uname write writev
""".split()
EMULATOR_CONDITIONS: dict[str, Condition] = {
    "ioctl": (1, INT, (FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS)),
    "fcntl": (1, INT, (*F_FLAGS, F_DUPFD, F_DUPFD_CLOEXEC, *F_LOCKS, *F_SEALS)),
    "sendto": (4, POINTER, (0,)),
    "clone": (0, CLONE_THREAD | CLONE_NEW, (CLONE_THREAD,)),
    "prctl": (0, INT, PRCTL),
    "prlimit64": (0, INT, (0,)),  # its own, which it can but lower
    "socketpair": (0, INT, (AF_UNIX,)),
}

#: Any program of this host: files, processes, signals, timers; no socket but a pair.
PROGRAM = """
    accept accept4 access alarm arch_prctl brk capget capset chdir chmod chown clock_getres
    clock_gettime clock_nanosleep close close_range copy_file_range creat dup dup2 dup3
    epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd
    eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir
    fchmod fchmodat fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fstat fstatfs
    fsync ftruncate futex futex_waitv futimesat get_mempolicy get_robust_list getcpu getcwd
    getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid
    getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage
    getsid getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch
    inotify_init inotify_init1 inotify_rm_watch ioctl ioprio_get kill landlock_add_rule
    landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listxattr
    llistxattr lseek lstat madvise mbind membarrier memfd_create mincore mkdir mkdirat mknod
    mknodat mlock mlock2 mlockall mmap mprotect mremap msync munlock munlockall munmap
    nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2
    pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64
    process_madvise pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat
    readv recvfrom recvmsg remap_file_pages rename renameat renameat2 restart_syscall rmdir
    rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
    rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp
    select sendfile sendmsg set_mempolicy set_robust_list set_tid_address setgid setitimer
    setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt
    setuid shutdown sigaltstack signalfd signalfd4 splice stat statfs statx symlink
    symlinkat sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete
    timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
    timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat utimes
    vfork vmsplice wait4 waitid write writev
""".split()
PROGRAM_CONDITIONS: dict[str, Condition] = {
    "sendto": (4, POINTER, (0,)),
    "clone": (0, CLONE_NEW, (0,)),
    "socketpair": (0, INT, (AF_UNIX,)),
}

#: The calls of a kind of worker, and the conditions of more.
KINDS = {
    "worker": (WORKER, WORKER_CONDITIONS),
    "emulator": (EMULATOR, EMULATOR_CONDITIONS),
    "program": (PROGRAM, PROGRAM_CONDITIONS),
}

#: What libraries do without, if it is missing: the arguments of ``clone3`` cannot be seen.
MISSING = ("clone3", "io_uring_setup")


def own_signals(pid: int) -> dict[str, Condition]:
    """Signals of the process *pid* to itself, as of abort(3)."""
    return {"tgkill": (0, INT, (pid,))}


def only_from(fd: int) -> dict[str, Condition]:
    """An execution of the open file *fd*."""
    return {"execveat": (0, INT, (fd,))}


NUMBERS: Mapping[str, tuple[int | None, int | None]] = {
    "accept": (43, 202), "accept4": (288, 242), "access": (21, None), "alarm": (37, None),
    "arch_prctl": (158, None), "brk": (12, 214), "capget": (125, 90), "capset": (126, 91),
    "chdir": (80, 49), "chmod": (90, None), "chown": (92, None), "clock_getres": (229, 114),
    "clock_gettime": (228, 113), "clock_nanosleep": (230, 115), "clone": (56, 220),
    "clone3": (435, 435), "close": (3, 57), "close_range": (436, 436),
    "copy_file_range": (326, 285), "creat": (85, None), "dup": (32, 23), "dup2": (33, None),
    "dup3": (292, 24), "epoll_create": (213, None), "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21), "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441),
    "epoll_wait": (232, None), "eventfd": (284, None), "eventfd2": (290, 19), "execve": (59, 221),
    "execveat": (322, 281), "exit": (60, 93), "exit_group": (231, 94), "faccessat": (269, 48),
    "faccessat2": (439, 439), "fadvise64": (221, 223), "fallocate": (285, 47), "fchdir": (81, 50),
    "fchmod": (91, 52), "fchmodat": (268, 53), "fchown": (93, 55), "fchownat": (260, 54),
    "fcntl": (72, 25), "fdatasync": (75, 83), "fgetxattr": (193, 10), "flistxattr": (196, 13),
    "flock": (73, 32), "fork": (57, None), "fstat": (5, 80), "fstatfs": (138, 44),
    "fsync": (74, 82), "ftruncate": (77, 46), "futex": (202, 98), "futex_waitv": (449, 449),
    "futimesat": (261, None), "get_mempolicy": (239, 236), "get_robust_list": (274, 100),
    "getcpu": (309, 168), "getcwd": (79, 17), "getdents": (78, None), "getdents64": (217, 61),
    "getegid": (108, 177), "geteuid": (107, 175), "getgid": (104, 176), "getgroups": (115, 158),
    "getitimer": (36, 102), "getpeername": (52, 205), "getpgid": (121, 155),
    "getpgrp": (111, None), "getpid": (39, 172), "getppid": (110, 173), "getpriority": (140, 141),
    "getrandom": (318, 278), "getresgid": (120, 150), "getresuid": (118, 148),
    "getrlimit": (97, 163), "getrusage": (98, 165), "getsid": (124, 156),
    "getsockname": (51, 204), "getsockopt": (55, 209), "gettid": (186, 178),
    "gettimeofday": (96, 169), "getuid": (102, 174), "getxattr": (191, 8),
    "inotify_add_watch": (254, 27), "inotify_init": (253, None), "inotify_init1": (294, 26),
    "inotify_rm_watch": (255, 28), "io_uring_setup": (425, 425), "ioctl": (16, 29),
    "ioprio_get": (252, 31), "kill": (62, 129), "landlock_add_rule": (445, 445),
    "landlock_create_ruleset": (444, 444), "landlock_restrict_self": (446, 446),
    "lchown": (94, None), "lgetxattr": (192, 9), "link": (86, None), "linkat": (265, 37),
    "listen": (50, 201), "listxattr": (194, 11), "llistxattr": (195, 12), "lseek": (8, 62),
    "lstat": (6, None), "madvise": (28, 233), "mbind": (237, 235), "membarrier": (324, 283),
    "memfd_create": (319, 279), "mincore": (27, 232), "mkdir": (83, None), "mkdirat": (258, 34),
    "mknod": (133, None), "mknodat": (259, 33), "mlock": (149, 228), "mlock2": (325, 284),
    "mlockall": (151, 230), "mmap": (9, 222), "mprotect": (10, 226), "mremap": (25, 216),
    "msync": (26, 227), "munlock": (150, 229), "munlockall": (152, 231), "munmap": (11, 215),
    "nanosleep": (35, 101), "newfstatat": (262, 79), "open": (2, None), "openat": (257, 56),
    "openat2": (437, 437), "pause": (34, None), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pipe": (22, None), "pipe2": (293, 59),
    "pkey_alloc": (330, 289), "pkey_free": (331, 290), "pkey_mprotect": (329, 288),
    "poll": (7, None), "ppoll": (271, 73), "prctl": (157, 167), "pread64": (17, 67),
    "preadv": (295, 69), "preadv2": (327, 286), "prlimit64": (302, 261),
    "process_madvise": (440, 440), "pselect6": (270, 72), "pwrite64": (18, 68),
    "pwritev": (296, 70), "pwritev2": (328, 287), "read": (0, 63), "readahead": (187, 213),
    "readlink": (89, None), "readlinkat": (267, 78), "readv": (19, 65), "recvfrom": (45, 207),
    "recvmsg": (47, 212), "remap_file_pages": (216, 234), "rename": (82, None),
    "renameat": (264, 38), "renameat2": (316, 276), "restart_syscall": (219, 128),
    "rmdir": (84, None), "rseq": (334, 293), "rt_sigaction": (13, 134),
    "rt_sigpending": (127, 136), "rt_sigprocmask": (14, 135), "rt_sigqueueinfo": (129, 138),
    "rt_sigreturn": (15, 139), "rt_sigsuspend": (130, 133), "rt_sigtimedwait": (128, 137),
    "rt_tgsigqueueinfo": (297, 240), "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126), "sched_getaffinity": (204, 123),
    "sched_getattr": (315, 275), "sched_getparam": (143, 121), "sched_getscheduler": (145, 120),
    "sched_setaffinity": (203, 122), "sched_setattr": (314, 274), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_yield": (24, 124), "seccomp": (317, 277),
    "select": (23, None), "sendfile": (40, 71), "sendmsg": (46, 211), "sendto": (44, 206),
    "set_mempolicy": (238, 237), "set_robust_list": (273, 99), "set_tid_address": (218, 96),
    "setgid": (106, 144), "setitimer": (38, 103), "setpgid": (109, 154),
    "setpriority": (141, 140), "setregid": (114, 143), "setresgid": (119, 149),
    "setresuid": (117, 147), "setreuid": (113, 145), "setrlimit": (160, 164),
    "setsid": (112, 157), "setsockopt": (54, 208), "setuid": (105, 146), "shutdown": (48, 210),
    "sigaltstack": (131, 132), "signalfd": (282, None), "signalfd4": (289, 74),
    "socketpair": (53, 199), "splice": (275, 76), "stat": (4, None), "statfs": (137, 43),
    "statx": (332, 291), "symlink": (88, None), "symlinkat": (266, 36), "sync": (162, 81),
    "sync_file_range": (277, 84), "syncfs": (306, 267), "sysinfo": (99, 179), "tee": (276, 77),
    "tgkill": (234, 131), "time": (201, None), "timer_create": (222, 107),
    "timer_delete": (226, 111), "timer_getoverrun": (225, 109), "timer_gettime": (224, 108),
    "timer_settime": (223, 110), "timerfd_create": (283, 85), "timerfd_gettime": (287, 87),
    "timerfd_settime": (286, 86), "times": (100, 153), "tkill": (200, 130), "truncate": (76, 45),
    "umask": (95, 166), "uname": (63, 160), "unlink": (87, None), "unlinkat": (263, 35),
    "utime": (132, None), "utimensat": (280, 88), "utimes": (235, None), "vfork": (58, None),
    "vmsplice": (278, 75), "wait4": (61, 260), "waitid": (247, 95), "write": (1, 64),
    "writev": (20, 66),
}  # fmt: skip
