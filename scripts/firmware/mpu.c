/* SPDX-License-Identifier: MIT */
/*
 * Threads behind an MPU, as RTOSes have them: a guard of 32 bytes below each stack (Zephyr), user
 * mode, and four regions of its own for each thread, which the switch of threads loads by one STM
 * to RBAR and its aliases (FreeRTOS-MPU).
 *
 * A letter on the console starts something, and a dot is the answer when it is done: s has every
 * thread do what it may not, and says the status of the fault, the address from the thread's stack
 * on, and where it was. y and c are work for scripts/bench: switches of threads, and a
 * computation on a stack with a guard; Y and C are the same without the MPU.
 */
#include "table.h"

#define MPU_CTRL REG(0xe000ed94u)
#define MPU_RNR REG(0xe000ed98u)
#define MPU_RBAR REG(0xe000ed9cu)
#define MPU_RASR REG(0xe000eda0u)
#define SCB_SHCSR REG(0xe000ed24u)
#define SCB_MMFAR REG(0xe000ed34u)
RPMSG_TABLE(ADDR_ANY, ADDR_ANY);

enum { STACK = 1024, GUARD = 32, THREADS = 8, MAIN = THREADS, SWITCHES = 2000 };
enum { XN = 1u << 28, PRIVILEGED = 2u << 24, FULL = 3u << 24, READ_ONLY = 5u << 24 };
#define SIZE(bits) (((bits)-1u) << 1 | 1u)

static uint32_t stacks[THREADS][STACK / 4] __attribute__((aligned(1024)));
static uint32_t handlers[256] __attribute__((aligned(8))), lost[256] __attribute__((aligned(8)));
static uint32_t vectors[64] __attribute__((aligned(256)));
static struct {
	uint32_t *sp, regions[8], user;
} all[THREADS + 1];
static volatile uint32_t current, alive, sum[THREADS + 1], secret;
static struct {
	uint32_t cfsr, hfsr, address, pc;
} volatile faults[THREADS];
static volatile uint32_t shared[64] __attribute__((aligned(256)));

static void yield(void) { __asm__ volatile("svc #0" ::: "memory"); }
static void done(void) { __asm__ volatile("svc #1" ::: "memory"); }

/* What may not be done. */
static void counts(uint32_t number)
{
	for (uint32_t i = 0; i < SWITCHES; i++) {
		shared[number] += i;
		yield();
	}
}
static __attribute__((noinline)) uint32_t deeper(uint32_t depth)
{
	volatile uint32_t here[8] = {depth, secret};

	return depth == secret + 1000000 ? 0 : deeper(depth + 1) + here[depth & 7];
}
static void overflows(uint32_t number) { shared[number] = deeper(0); }
static void writes(uint32_t number)
{
	shared[number] = secret;
	secret = 1;
}
static void executes(uint32_t number)
{
	volatile uint16_t code[4] = {0x4770, 0x4770, 0x4770, 0x4770};

	shared[number] = 1;
	((void (*)(void))((uintptr_t)code | 1))();
}
static void configures(uint32_t number) { shared[number] = SCB_MMFAR; }
static void unaligned(uint32_t number)
{
	uint32_t low, high;

	__asm__ volatile("ldrd %0, %1, [%2]" : "=r"(low), "=r"(high) : "r"((uint32_t)shared + 2));
	shared[number] = low + high;
}
static void (*const bodies[THREADS])(uint32_t) = {counts,   counts,	overflows,  overflows,
						  writes, executes, configures, unaligned};
static const uint8_t users[THREADS] = {0, 1, 0, 1, 1, 1, 1, 0};

static void thread(uint32_t number)
{
	bodies[number](number);
	done();
}

static void on_stack(uint32_t number)
{
	volatile uint32_t block[64];

	for (uint32_t round = 0; round < 3000; round++)
		for (uint32_t i = 0; i < 64; i++)
			block[i] = round + block[i ^ 1];
	sum[number] = block[0];
	done();
}

/* PendSV */
__attribute__((used)) static uint32_t *schedule(uint32_t *sp)
{
	uint32_t next = current;

	all[current].sp = sp;
	do
		next = next == THREADS ? 0 : next + 1;
	while (next != MAIN && !(alive >> next & 1));
	if (next == MAIN && alive)
		return schedule((current = MAIN, all[MAIN].sp));
	current = next;
	return all[next].sp;
}

__attribute__((used)) static uint32_t *regions(void) { return all[current].regions; }
__attribute__((used)) static uint32_t control(void) { return all[current].user; }

__attribute__((naked)) static void pendsv(void)
{
	__asm__("mrs r0, psp\n\t"
		"stmdb r0!, {r4-r11, lr}\n\t"
		"bl schedule\n\tmov r12, r0\n\tpush {r0, r12}\n\t"
		"bl regions\n\tldm r0, {r4-r11}\n\t"
		"ldr r1, =0xe000ed9c\n\tdsb\n\tstm r1, {r4-r11}\n\tdsb\n\tisb\n\t"
		"bl control\n\torr r0, #2\n\tmsr control, r0\n\t"
		"pop {r0, r12}\n\t"
		"ldm r0!, {r4-r11, lr}\n\tmsr psp, r0\n\tisb\n\tbx lr\n\t.ltorg");
}

/* SVC: 0 gives way, 1 ends the thread. */
__attribute__((used)) static void call(uint32_t *frame)
{
	if (((uint8_t *)frame[6])[-2] == 1)
		alive &= ~(1u << current);
	SCB_ICSR = 1u << 28;
}
__attribute__((naked)) static void svc(void) { __asm__("mrs r0, psp\n\tb call"); }

/* A fault ends the thread, and nothing of its stack is used any more. */
__attribute__((used)) static void ends(uint32_t *frame)
{
	uint32_t cfsr = SCB_CFSR, number = current;

	if (number >= THREADS)
		for (;;)
			; /* a bug of this image */
	faults[number].cfsr = cfsr;
	faults[number].hfsr = SCB_HFSR;
	faults[number].address = cfsr & 0x80 ? SCB_MMFAR : cfsr & 0x8000 ? SCB_BFAR : 0;
	faults[number].pc = cfsr & 0x1818 ? 0 : frame[6];
	SCB_CFSR = cfsr;
	SCB_HFSR = SCB_HFSR;
	alive &= ~(1u << number);
	__asm__ volatile("msr psp, %0" ::"r"(lost + 200));
	SCB_ICSR = 1u << 28;
}
__attribute__((naked)) static void fault(void) { __asm__("mrs r0, psp\n\tb ends"); }

static void prepare(uint32_t number, void (*body)(uint32_t), uint32_t user)
{
	uint32_t *sp = stacks[number] + STACK / 4, *region = all[number].regions;
	uint32_t base = (uint32_t)stacks[number];

	*--sp = 1u << 24;
	*--sp = (uint32_t)body;
	sp -= 6;
	*sp = number;
	*--sp = 0xfffffffdu;
	all[number].sp = sp - 8;
	all[number].user = user;
	*region++ = (uint32_t)shared | 0x10 | 4, *region++ = FULL | XN | SIZE(8);
	*region++ = base | 0x10 | 5, *region++ = user ? FULL | XN | SIZE(10) : 0;
	*region++ = base | 0x10 | 6, *region++ = READ_ONLY | XN | SIZE(5);
	*region++ = 0x10 | 7, *region = 0;
	alive |= 1u << number;
}

static void run(void)
{
	while (alive)
		yield();
}

static void number_line(uint32_t value)
{
	for (int shift = 28; shift >= 0; shift -= 4) {
		char digit[2] = {"0123456789abcdef"[value >> shift & 15], 0};

		console_puts(digit);
	}
	console_puts(" ");
}

static void selftest(void)
{
	for (uint32_t number = 0; number < THREADS; number++)
		prepare(number, thread, users[number]);
	run();
	for (uint32_t number = 0; number < THREADS; number++) {
		number_line(faults[number].cfsr);
		number_line(faults[number].hfsr);
		number_line(faults[number].address ? faults[number].address - (uint32_t)stacks[number]
						   : 0);
		number_line(faults[number].pc);
		number_line(shared[number]);
		console_puts("\n");
	}
	number_line(secret);
}

static void switches(void)
{
	prepare(0, thread, 0);
	prepare(1, thread, 1);
	run();
}
static void compute(void)
{
	prepare(2, on_stack, 0);
	run();
}

static void protect(void)
{
	MPU_RNR = 0;
	MPU_RBAR = RAM_BASE;
	MPU_RASR = PRIVILEGED | SIZE(24);
	MPU_CTRL = 5;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

int main(void)
{
	for (unsigned i = 0; i < 48; i++)
		vectors[i] = ((uint32_t *)RAM_BASE)[i];
	for (unsigned i = 3; i < 7; i++)
		vectors[i] = (uint32_t)fault;
	vectors[11] = (uint32_t)svc;
	vectors[14] = (uint32_t)pendsv;
	SCB_VTOR = (uint32_t)vectors;
	SCB_SHCSR = 7u << 16;
	REG(0xe000ed20u) = 0xffu << 16; /* PendSV last */
	__asm__ volatile("mrs r0, msp\n\tmsr psp, r0\n\tmovs r0, #2\n\tmsr control, r0\n\tisb\n\t"
			 "msr msp, %0" ::"r"(handlers + 256) : "r0", "memory");
	vsoc_init();
	CONSOLE->ctrl = UART_TX | UART_RX;
	current = MAIN;
	all[MAIN].regions[0] = 0x10 | 4;
	all[MAIN].regions[2] = 0x10 | 5;
	all[MAIN].regions[4] = 0x10 | 6;
	all[MAIN].regions[6] = 0x10 | 7;
	console_puts("!");
	for (;;) {
		char letter;

		while (!(CONSOLE->state & UART_RXFULL))
			;
		letter = (char)CONSOLE->data;
		MPU_CTRL = 0;
		if ((letter & 0x20) != 0)
			protect();
		if (letter == 's')
			selftest();
		else if ((letter | 0x20) == 'y')
			switches();
		else if ((letter | 0x20) == 'c')
			compute();
		MPU_CTRL = 0;
		console_puts(".");
	}
}
