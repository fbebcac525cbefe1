/* What a worker that was taken over would try. A line for each: the name, "refused" or what it got. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static int out;

static void say(const char *what, long result)
{
	char line[128];
	int length;

	if (result < 0)
		length = snprintf(line, sizeof(line), "%s refused %d\n", what, errno);
	else
		length = snprintf(line, sizeof(line), "%s got %ld\n", what, result);
	if (write(out, line, length) < 0)
		_exit(99);
}

static long try_open(const char *path, int flags)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

/* victim: a process of the tester's user; secret: a file that everybody may read; tree: a directory. */
void hostile(int fd, int victim, const char *secret, const char *tree)
{
	char buffer[64], path[512];
	struct iovec here = { buffer, 8 }, there = { buffer, 8 };

	out = fd;
	say("open", try_open(secret, O_RDONLY));
	say("open-for-writing", try_open(secret, O_WRONLY));
	say("mount", try_open(tree, O_RDONLY));
	snprintf(path, sizeof(path), "%s/made", tree);
	say("create", try_open(path, O_CREAT | O_WRONLY));
	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	say("proc-mem", try_open(path, O_RDWR));
	snprintf(path, sizeof(path), "/proc/%d/environ", victim);
	say("proc-environ", try_open(path, O_RDONLY));
	say("fuse", try_open("/dev/fuse", O_RDWR));
	say("passwd", try_open("/etc/passwd", O_RDONLY));
	say("sysrq", try_open("/proc/sysrq-trigger", O_WRONLY));
	say("socket-unix", syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
	say("socket-inet", syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
	say("socket-netlink", syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0));
	say("ptrace", syscall(SYS_ptrace, PTRACE_SEIZE, victim, 0, 0));
	say("process_vm_readv", syscall(SYS_process_vm_readv, victim, &here, 1, &there, 1, 0));
	say("pidfd_getfd", syscall(SYS_pidfd_getfd, 0, 0, 0));
	say("kill", syscall(SYS_kill, victim, 0));
	say("kill-parent", syscall(SYS_tgkill, victim, victim, 0));
	say("setns", syscall(SYS_setns, 0, 0));
	say("unshare", syscall(SYS_unshare, CLONE_NEWUSER));
	say("clone-user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	say("mount(2)", syscall(SYS_mount, "none", "/", "tmpfs", 0, 0));
	say("chroot", syscall(SYS_chroot, "."));
	say("setuid", syscall(SYS_setuid, 0) | (geteuid() ? -1 : 0));
	say("bpf", syscall(SYS_bpf, 0, 0, 0));
	say("perf", syscall(SYS_perf_event_open, 0, 0, -1, -1, 0));
	say("keyctl", syscall(SYS_keyctl, 0, -3, 0));
	say("io_uring", syscall(SYS_io_uring_setup, 1, 0));
	say("userfaultfd", syscall(SYS_userfaultfd, 0));
	say("sti", ioctl(0, TIOCSTI, "x"));
#ifndef MAY_FORK
	long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!child)
		_exit(0);
	say("clone", child);
	char *words[] = { "/bin/true", NULL };
	say("exec", syscall(SYS_execve, words[0], words, words + 1));
	say("exec-of-a-descriptor", syscall(SYS_execveat, 255, "", words, words + 1, AT_EMPTY_PATH));
#endif
	say("done", 0);
}
