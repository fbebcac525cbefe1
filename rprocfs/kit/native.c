/* SPDX-License-Identifier: MIT */
/*
 * Mailbox, console and heartbeat of vsoc/1-native: the same images as programs of the host.
 * cc -O2 -o echo.elf native.c log.c rpmsg.c echo.c
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "rprocfs_native.h"
#include "vsoc.h"

static int doorbell;
static uint32_t ticks;

__attribute__((weak)) void on_tick(uint32_t count) { (void)count; }

static void tick(int number)
{
	(void)number;
	*HEARTBEAT = ++ticks;
	on_tick(ticks);
}

void vsoc_init(void)
{
	if (rprocfs_native_map()) {
		fputs("this is firmware for rprocfs,native\n", stderr);
		exit(2);
	}
	doorbell = (int)rprocfs_native("RPROCFS_DOORBELL_FD");
	memset((void *)TRACE_ADDRESS, 0, TRACE_SIZE);
}

void vsoc_heartbeat(uint32_t period_ms)
{
	struct itimerval every = {{period_ms / 1000, period_ms % 1000 * 1000}, {0, 1}};
	struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &action, 0);
	setitimer(ITIMER_REAL, &every, 0);
}

void vsoc_wait(void)
{
	uint8_t bytes[64];
	ssize_t count = read(doorbell, bytes, sizeof(bytes));

	if (count <= 0)
		exit(count == 0 ? 0 : 1);
	for (ssize_t i = 0; i < count; i++)
		if (bytes[i] == MBOX_SHUTDOWN) {
			trace("shutdown\n");
			exit(0);
		}
}

void mailbox_send(uint8_t byte)
{
	while (write(doorbell, &byte, 1) < 0 && errno == EINTR)
		;
}

void console_puts(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

void vsoc_fail(void)
{
	mailbox_send(MBOX_CRASHED);
	abort();
}

static void block(int how)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(how, &all, 0);
}

void irq_disable(void) { block(SIG_BLOCK); }

void irq_enable(void) { block(SIG_UNBLOCK); }
