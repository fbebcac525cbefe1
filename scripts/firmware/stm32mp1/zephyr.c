/* SPDX-License-Identifier: MIT */
/*
 * Starts as a Zephyr image for stm32mp157c_dk2 does, from the reset vector on, and goes through
 * what its kernel relies on. A line in the trace for each stage, with FAIL for what is wrong.
 */
#include "zephyr_kernel.h"

struct table {
	uint32_t ver, num, reserved[2], offset[1];
	struct rsc_trace trace;
};

char system_log_buf[TRACE_SIZE];
extern uint32_t bss_start[], bss_end[], data_start[], data_end[], data_load[];
void reset(void);

__attribute__((section(".resource_table"), used)) volatile struct table resource_table = {
	.ver = 1,
	.num = 1,
	.offset = {__builtin_offsetof(struct table, trace)},
	.trace = {.type = RSC_TRACE, .da = TRACE_ADDRESS, .len = TRACE_SIZE, .name = "Zephyr_log"},
};

__attribute__((section(".noinit"), aligned(8))) uint32_t interrupt_stack[512], main_stack[512];
__attribute__((section(".noinit"), aligned(8))) uint32_t stacks[6][STACK];
typedef void (*vector)(void);
__attribute__((section(".isr_vector"), used)) static const vector vectors[16 + IRQS] = {
	[0] = (vector)(main_stack + 512), [1] = reset,		 [2] = unexpected,
	[3 ... 6] = fault_handler,	  [11] = svc_handler,	 [14] = pendsv_handler,
	[15] = sys_tick,		  [16 ... 15 + IRQS] = interrupt,
};

static volatile uint32_t initialised = 0x600df00d;
struct thread main_thread, workers[4];
static struct thread idle_thread;

void expect(const char *name, int good, uint32_t value)
{
	if (good)
		return;
	trace("FAIL ");
	trace(name);
	trace_number(" 0x", value);
}

void vsoc_fail(void)
{
	for (;;)
		__asm__ volatile("cpsid f\n\tudf #0");
}

void unexpected(void)
{
	trace("FAIL unexpected exception\n");
	vsoc_fail();
}

/* Threads */
static volatile uint32_t finished;
static volatile float sums[3];

void end(uint32_t number)
{
	finished |= 1u << number;
	__asm__ volatile("svc 2");
	vsoc_fail();
}

static void adder(uint32_t number)
{
	float sum = 0, step = (float)(number + 1) * 0.5f;

	for (uint32_t round = 0; round < 100; round++) {
		sum += step;
		if (number < 2)
			k_yield();
		else
			for (uint32_t begin = k_cycles(); k_cycles() - begin < CYCLES_PER_TICK / 2;)
				;
	}
	sums[number] = sum;
	end(number);
}

static void integer(uint32_t number)
{
	uint32_t control, seen = 0;

	for (uint32_t round = 0; round < 100; round++) {
		__asm__ volatile("mrs %0, control" : "=r"(control));
		seen |= control;
		k_sleep(1);
	}
	expect("no-float", seen == 2, seen);
	end(number);
}

static void threads(void)
{
	thread_start(workers + 0, stacks[1], -1, adder, 0);
	thread_start(workers + 1, stacks[2], -1, adder, 1);
	thread_start(workers + 2, stacks[3], 10, adder, 2);
	thread_start(workers + 3, stacks[4], 5, integer, 3);
	while (finished != 15)
		k_sleep(20);
	expect("float", sums[0] == 50.0f && sums[1] == 100.0f, (uint32_t)(sums[0] + sums[1]));
	expect("preempted-float", sums[2] == 150.0f, (uint32_t)sums[2]);
	trace("zephyr: threads\n");
}

/* Time */

/* The kernel's time less the cycle counter's: of several, those that were read at once. */
static uint32_t difference(void)
{
	uint32_t best = ~0u, found = 0;

	for (uint32_t i = 0; i < 20; i++) {
		uint32_t before = DWT_CYCCNT, now = k_cycles(), took = DWT_CYCCNT - before;

		if (took < best) {
			best = took;
			found = now - before;
		}
	}
	return found;
}

static void sleeps(void)
{
	uint32_t before = difference(), ticks = uptime, wanted = 0, off;

	trace("zephyr: sleeping\n");
	for (uint32_t i = 0; i < 100; i++) {
		k_sleep(i % 7);
		wanted += i % 7;
	}
	k_sleep(TICKS_PER_SECOND / 4); /* longer than the counter is wide */
	ticks = uptime - ticks;
	wanted += TICKS_PER_SECOND / 4;
	off = difference() - before;
	/* What passes while the counter is programmed anew is lost, here as on a board. */
	expect("cycle-counter", off + ticks * (CYCLES_PER_TICK / 8) < ticks * (CYCLES_PER_TICK / 4), off);
	expect("slept", ticks >= wanted, ticks);
	trace_number("zephyr: slept 0x", ticks);
}

/* From the reset vector */

static void run_idle(uint32_t argument)
{
	(void)argument;
	for (;;)
		cpu_idle();
}

__attribute__((used, noreturn)) static void run_main(uint32_t argument)
{
	(void)argument;
	expect("bss", !finished, finished);
	expect("data", initialised == 0x600df00d, initialised);
	trace("zephyr: main\n");
	priorities();
	lazy();
	threads();
	faults();
	sleeps();
	unshared();
	trace("zephyr: good\n");
	for (;;)
		k_sleep(TICKS_PER_SECOND);
}

static void mpu_init(void)
{
	expect("mpu", (MPU_TYPE >> 8 & 0xff) == 8, MPU_TYPE);
	REG(0xe000ed94u) = 0;
	for (uint32_t region = 0; region < 2; region++) {
		REG(0xe000ed98u) = region;
		REG(0xe000ed9cu) = (region ? 0x10000000u : 0) | 0x10 | region;
		REG(0xe000eda0u) = (region ? 0x110b0023u : 0x060b001fu);
	}
	REG(0xe000ed98u) = 1;
	expect("mpu-region", REG(0xe000ed9cu) == 0x10000001u, REG(0xe000ed9cu));
	REG(0xe000ed94u) = 5;
	__asm__ volatile("dsb\n\tisb");
}

__attribute__((used, noreturn)) static void prep_c(void)
{
	uint32_t control;

	SCB_VTOR = (uint32_t)vectors & ~0x7fu;
	__asm__ volatile("dsb\n\tisb");
	SCB_CPACR &= ~(0xfu << 20);
	SCB_CPACR |= 0x5u << 20;
	FPCCR = ASPEN | LSPEN;
	__asm__ volatile("dsb\n\tisb\n\tvmsr fpscr, %1\n\tmrs %0, control\n\tbic %0, #4\n\t"
			 "msr control, %0\n\tisb\n\tmrs %0, control"
			 : "=&r"(control)
			 : "r"(0));
	for (uint32_t *word = bss_start; word < bss_end; word++)
		*word = 0;
	for (uint32_t i = 0; data_start + i < data_end; i++)
		data_start[i] = data_load[i];
	expect("control", (control & 7) == 2, control);
	for (uint32_t irq = 0; irq < IRQS; irq++)
		NVIC_IPR_OF(irq) = IRQ_PRIORITY;
	SCB_SHPR_OF(14) = 0xff;
	SCB_SHPR_OF(11) = 0;
	SCB_SHPR_OF(4) = SCB_SHPR_OF(5) = SCB_SHPR_OF(6) = 0;
	expect("pendsv-priority", SCB_SHPR_OF(14) == 0xf0, SCB_SHPR_OF(14));
	REG(0xe000ed24u) |= 7u << 16;
	REG(0xe000ed14u) |= 0x10; /* DIV_0_TRP */
	REG(0xe000ed14u) &= ~8u;
	REG(0xe000ed10u) = 0x10; /* SEVONPEND */
	__asm__ volatile("msr msp, %0" ::"r"(interrupt_stack + 512));
	mpu_init();
	REG(0x50000a98u) |= 1u << 11; /* the clock of the HSEM */
	expect("hsem-clock", REG(0x50000a98u) >> 11 & 1, REG(0x50000a98u));
	DEMCR |= 1u << 24;
	DWT_CTRL |= 1;
	SCB_SHPR_OF(15) = IRQ_PRIORITY;
	clock_start();
	thread_start(&idle_thread, stacks[5] + STACK, 15, run_idle, 0);
	thread_start(&main_thread, main_stack + 512, 0, run_main, 0);
	kernel[0] = &main_thread;
	__asm__ volatile("vmsr fpscr, %0\n\tmrs r3, control\n\tbic r3, #4\n\tmsr control, r3\n\tisb\n\t"
			 "msr psp, %1\n\tcpsie f\n\tcpsie i\n\tmsr basepri, %0\n\tisb\n\t"
			 "mov r0, %0\n\tb run_main" ::"r"(0),
			 "r"(main_stack + 512)
			 : "r0", "r3");
	__builtin_unreachable();
}

__attribute__((naked)) void reset(void)
{
	__asm__("movs r0, #0\n\tmsr control, r0\n\tisb\n\tcpsid i\n\t"
		"ldr r0, =main_stack + 2048\n\tmsr msp, r0\n\t"
		"movs r0, #0\n\tmsr faultmask, r0\n\tcpsie i\n\tdsb\n\tisb\n\t"
		"movs r0, #0x10\n\tmsr basepri, r0\n\t"
		"ldr r0, =interrupt_stack\n\tldr r1, =2048\n\tadds r0, r0, r1\n\tmsr psp, r0\n\t"
		"mrs r0, control\n\tmovs r1, #2\n\torrs r0, r1\n\tmsr control, r0\n\tisb\n\t"
		"bl prep_c");
}
