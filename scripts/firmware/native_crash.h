/* SPDX-License-Identifier: MIT */
/* How a program of the host crashes on command, and what it may not do. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NEW_USERS = 0x10000000, KEYCTL_SEARCH = 10, SESSION_KEYRING = -3 };

static void undef(void) { __builtin_trap(); }

static void read_nothing(void) { (void)*(volatile int *)0x10000; }

static void jump(void) { ((void (*)(void))(uintptr_t)0x10000)(); }

/* Behind the end of the memory. */
static void bus(void) { (void)*(volatile int *)mmap(0, 4096, PROT_READ, MAP_SHARED, 3, RAM_SIZE); }

static void divide(void) { raise(SIGFPE); }

static void fail(void) { _exit(3); }

static void pass(void) { _exit(0); }

/* A descendant that tied itself to nobody, and goes on. */
static void orphan(void)
{
	if (fork())
		_exit(4);
	setsid();
	prctl(PR_SET_PDEATHSIG, 0);
	for (;;)
		pause();
}

/* The same, and then its parent hangs. */
static void family(void)
{
	if (fork()) {
		irq_disable();
		trace("family: parent\n");
		for (;;)
			;
	}
	setsid();
	prctl(PR_SET_PDEATHSIG, 0);
	if (!fork())
		trace("family: grandchild\n");
	for (;;)
		pause();
}

static void tell(const char *what, int allowed)
{
	trace(what);
	trace(allowed ? ": yes\n" : ": no\n");
}

static int is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

/* Namespaces of its own, in which it has every privilege. */
static int may_have_users(void)
{
	int status = 1;
	pid_t child = fork();

	if (!child)
		_exit(syscall(SYS_unshare, NEW_USERS) != 0);
	return waitpid(child, &status, 0) == child && status == 0;
}

/* What it can do, into the trace. */
static void probe(void)
{
	struct rlimit core;
	int open_files = 0;

	for (int fd = 0; fd < 1024; fd++)
		open_files += is_open(fd);
	trace_number("open files: 0x", (uint32_t)open_files);
	trace_number("environment: 0x", (uint32_t)(getenv("HOME") != 0));
	trace_number("pid: 0x", (uint32_t)getpid());
	getrlimit(RLIMIT_CORE, &core);
	signal(SIGXFSZ, SIG_IGN);
	trace_number("core: 0x", (uint32_t)core.rlim_max);
	tell("root", getuid() == 0 || geteuid() == 0);
	tell("new privileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
	tell("write /usr", access("/usr", W_OK) == 0);
	tell("read /etc", access("/etc/passwd", R_OK) == 0);
	tell("read /root", access("/root", F_OK) == 0);
	tell("see /run", access("/run", F_OK) == 0);
	tell("grow the memory", ftruncate(3, 0x2000000) == 0);
	tell("shrink the memory", ftruncate(3, 0) == 0);
	tell("write /tmp", access("/tmp", W_OK) == 0);
	tell("read /dev", open("/dev/zero", O_RDONLY) >= 0);
	tell("write /dev", open("/dev/null", O_WRONLY) >= 0);
	tell("write /proc", access("/proc/sys/kernel/core_pattern", W_OK) == 0);
	tell("change /dev", chmod("/dev/null", 0666) == 0);
	tell("user namespaces", may_have_users());
	tell("read keys", syscall(SYS_keyctl, KEYCTL_SEARCH, SESSION_KEYRING, "user", "secret", 0) > 0);
	trace("probe: done\n");
}

#define NATIVE_WAYS \
	{"undef", undef}, {"read", read_nothing}, {"jump", jump}, {"bus", bus}, \
	{"divide", divide}, {"abort", abort}, {"fail", fail}, \
	{"pass", pass}, {"orphan", orphan}, {"family", family}, {"probe", probe},
