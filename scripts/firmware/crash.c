/* SPDX-License-Identifier: MIT */
/* A channel rpmsg-crash: the text of a message says how to crash. */
#include "table.h"

RPMSG_TABLE(ADDR_ANY, ADDR_ANY);

#ifdef __linux__
#include "native_crash.h"
#elif defined(__riscv)
#define NOWHERE 0x18000000u
#else
#define NOWHERE 0x30000000u
#endif

#ifdef __linux__
#elif defined(__riscv)
/* Something the core cannot execute: trap, trace, mailbox 0xff, end. */
static void undef(void) { __asm__ volatile("unimp"); }
/* Where there is nothing, nothing faults; but nothing can be executed there either. */
static void jump(void) { ((void (*)(void))NOWHERE)(); }
/* Traps for ever: the handler is nowhere too. */
static void vectors(void)
{
	__asm__ volatile("csrw mtvec, %0" ::"r"(NOWHERE));
	undef();
}
static void system_reset(void) { TEST_DEVICE = TEST_RESET; }
static void fail(void) { TEST_DEVICE = TEST_FAIL; }
static void pass(void) { TEST_DEVICE = TEST_PASS; }
#else
/* Something the core cannot execute: HardFault, trace, mailbox 0xff, lockup. */
static void undef(void) { __asm__ volatile("udf #1"); }
/* The same in a thread with a stack of its own. */
static void thread(void)
{
	static uint64_t stack[32];

	__asm__ volatile("msr psp, %0\n\tmsr control, %1\n\tisb" ::"r"(stack + 32), "r"(2));
	undef();
}
/* A bus fault. */
static void unmapped_read(void) { (void)REG(NOWHERE); }
static void unmapped_write(void) { REG(NOWHERE) = 1; }
static void jump(void) { ((void (*)(void))(NOWHERE | 1))(); }
/* A memory fault: nothing can be executed there. */
static void jump_xn(void) { ((void (*)(void))(0xe0000000u | 1))(); }
/* A fault that no handler can be entered for: no trace, no mailbox byte. */
static void lockup(void) { __asm__ volatile("cpsid f\n\tudf #2"); }
static void vectors(void)
{
	SCB_VTOR = NOWHERE;
	undef();
}
static void system_reset(void) { SCB_AIRCR = 0x05fa0004; }
/* Semihosting's SYS_EXIT. */
static void end(uint32_t reason)
{
	register uint32_t number __asm__("r0") = 0x18;
	register uint32_t why __asm__("r1") = reason;

	__asm__ volatile("bkpt 0xab" ::"r"(number), "r"(why));
}
static void fail(void) { end(0x20023); }
static void pass(void) { end(0x20026); }
#endif
static void hang(void)
{
	irq_disable();
	for (;;)
		;
}
static void say_so(void)
{
	mailbox_send(MBOX_CRASHED);
	hang();
}

static const struct {
	const char *name;
	void (*crash)(void);
} ways[] = {
#ifdef __linux__
	NATIVE_WAYS
#elif defined(__riscv)
	{"undef", undef}, {"jump", jump}, {"vectors", vectors}, {"reset", system_reset},
	{"fail", fail}, {"pass", pass},
#else
	{"undef", undef},	  {"read", unmapped_read}, {"unmapped", unmapped_read},
	{"write", unmapped_write}, {"jump", jump},	   {"jump-xn", jump_xn},
	{"lockup", lockup},	  {"vectors", vectors},	   {"reset", system_reset},
	{"thread", thread},	  {"fail", fail},	   {"pass", pass},
#endif
	{"hang", hang},		  {"crash", say_so},
};

/* Whether the message is name, with or without a newline. */
static int is(const char *name, const uint8_t *data, uint32_t len)
{
	uint32_t i;

	if (len && data[len - 1] == '\n')
		len--;
	for (i = 0; i < len && name[i]; i++)
		if (data[i] != (uint8_t)name[i])
			return 0;
	return i == len && !name[i];
}

static int command(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!is(ways[i].name, data, len))
			continue;
		trace("crash: ");
		trace(ways[i].name);
		trace("\n");
		ways[i].crash();
	}
	return rpmsg_send(dst, src, "unknown", 7);
}

int main(void)
{
	vsoc_init();
	trace("crash: started\n");
	vsoc_heartbeat(500);
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-crash", 1024);
	for (;;) {
		rpmsg_receive(command);
		vsoc_wait();
	}
}
