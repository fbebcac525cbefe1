/* SPDX-License-Identifier: MIT */
/*
 * What Zephyr's kernel does with a Cortex-M4F, in its order: arch/arm/core/cortex_m (swap by
 * PendSV under BASEPRI, idle by WFI under PRIMASK, lazily stacked floating point) and
 * drivers/timer/cortex_m_systick.c (no tick unless one is due, time from the counter's wraps).
 */
#include "zephyr_kernel.h"

enum { THREADS = 8, NEVER = 0xffffff / CYCLES_PER_TICK - 1, MIN_DELAY = CYCLES_PER_TICK / 16 };
#define COUNTFLAG (1u << 16)

struct thread *kernel[2];
volatile uint32_t uptime;
static struct thread *threads[THREADS];
static uint32_t count, turns, last_load, cycles, announced;
static volatile uint32_t overflow;

/* Threads */

static void choose(void)
{
	struct thread *best = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct thread *one = threads[i];

		if (one->asleep || one->dead)
			continue;
		if (!best || one->priority < best->priority ||
		    (one->priority == best->priority && (int32_t)(one->turn - best->turn) < 0))
			best = one;
	}
	/* One of a negative priority is not preempted. */
	if (kernel[0] && kernel[0]->priority < 0 && !kernel[0]->asleep && !kernel[0]->dead &&
	    kernel[0]->turn != turns)
		best = kernel[0];
	kernel[1] = best;
}

void int_exit(void)
{
	if (kernel[0] != kernel[1])
		SCB_ICSR |= PENDSVSET;
}

static void swap(uint32_t key)
{
	kernel[0]->basepri = key;
	SCB_ICSR |= PENDSVSET;
	irq_unlock(0);
}

/* z_arm_mpu_stack_guard_and_fpu_adjust() */
__attribute__((used)) static void adjust(struct thread *thread)
{
	if (thread->exc_return & 0x10)
		FPCCR &= ~(uint32_t)LSPEN;
	else
		FPCCR |= LSPEN;
	REG(0xe000ed98u) = 7;
	REG(0xe000ed9cu) = (thread->psp & ~0x1fu) | 0x17;
	REG(0xe000eda0u) = 0;
}

__attribute__((naked)) void pendsv_handler(void)
{
	__asm__("ldr r1, =kernel\n\tldr r2, [r1]\n\tstrb lr, [r2, #104]\n\t"
		"mrs ip, psp\n\tstmia r2, {r4-r11, ip}\n\t"
		"tst lr, #0x10\n\tbne 1f\n\tadd r0, r2, #36\n\tvstmia r0, {s16-s31}\n"
		"1:\tmovs r0, #0x10\n\tmsr basepri_max, r0\n\tisb\n\t"
		"ldr r7, =0xe000ed04\n\tldr r6, =0x08000000\n\t"
		"ldr r2, [r1, #4]\n\tstr r2, [r1]\n\tstr r6, [r7]\n\t"
		"ldrsb lr, [r2, #104]\n\tldr r0, [r2, #100]\n\tmovs r3, #0\n\tstr r3, [r2, #100]\n\t"
		"msr basepri, r0\n\ttst lr, #0x10\n\tbeq 2f\n\t"
		"movs r3, #0\n\tvmsr fpscr, r3\n\tb 3f\n"
		"2:\tadd r0, r2, #36\n\tvldmia r0, {s16-s31}\n"
		"3:\tmrs r3, control\n\tbic r3, #4\n\tmsr control, r3\n\tisb\n\t"
		"push {r2, lr}\n\tmov r0, r2\n\tbl adjust\n\tpop {r2, lr}\n\t"
		"ldmia r2, {r4-r11, ip}\n\tmsr psp, ip\n\tbx lr");
}

void thread_start(struct thread *thread, uint32_t *stack_end, int priority, void (*run)(uint32_t),
		  uint32_t argument)
{
	uint32_t *frame = stack_end - 8, key = irq_lock();

	frame[0] = argument;
	frame[5] = 0;
	frame[6] = (uint32_t)run & ~1u;
	frame[7] = 1u << 24;
	thread->psp = (uint32_t)frame;
	thread->exc_return = -3;
	thread->priority = priority;
	thread->turn = turns;
	threads[count++] = thread;
	choose();
	if (kernel[0] && kernel[0] != kernel[1])
		swap(key);
	else
		irq_unlock(key);
}

void thread_abort(struct thread *thread)
{
	uint32_t key = irq_lock(), active = SCB_ICSR & 0x1ff;

	thread->dead = 1;
	choose();
	if (active)
		SCB_ICSR |= PENDSVSET;
	else if (thread == kernel[0])
		swap(key);
	irq_unlock(key);
}

void k_yield(void)
{
	uint32_t key = irq_lock();

	kernel[0]->turn = ++turns;
	choose();
	swap(key);
}

/* Time */

static uint32_t elapsed(uint32_t *value)
{
	uint32_t first = SYST_CVR, control = SYST_CSR, second = SYST_CVR;

	*value = second;
	first = first ? first : last_load;
	second = second ? second : last_load;
	if (control & COUNTFLAG || first < second) {
		overflow += last_load;
		(void)SYST_CSR;
	}
	return last_load - second + overflow;
}

uint32_t k_cycles(void)
{
	uint32_t value, key = irq_lock(), now = cycles + elapsed(&value);

	irq_unlock(key);
	return now;
}

static void program(uint32_t ticks)
{
	uint32_t before, after, delay, waiting, old = last_load;

	cycles += elapsed(&before);
	overflow = 0;
	waiting = cycles - announced;
	delay = ticks * CYCLES_PER_TICK + waiting;
	delay = (delay + CYCLES_PER_TICK - 1) / CYCLES_PER_TICK * CYCLES_PER_TICK - waiting;
	last_load = delay < MIN_DELAY ? MIN_DELAY : delay > 0xffffff ? 0xffffff : delay;
	after = SYST_CVR;
	SYST_RVR = last_load - 1;
	SYST_CVR = 0;
	SCB_ICSR = 1u << 25;
	cycles += before < after ? before + old - after : before - after;
}

static void next_timeout(void)
{
	uint32_t ticks = NEVER;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t left = threads[i]->wake - uptime;

		if (threads[i]->asleep && left < ticks)
			ticks = left;
	}
	program(ticks);
}

void sys_tick(void)
{
	uint32_t key = irq_lock(), ticks, value;

	elapsed(&value);
	cycles += overflow;
	overflow = 0;
	ticks = (cycles - announced) / CYCLES_PER_TICK;
	announced += ticks * CYCLES_PER_TICK;
	uptime += ticks;
	for (uint32_t i = 0; i < count; i++)
		if (threads[i]->asleep && (int32_t)(uptime - threads[i]->wake) >= 0)
			threads[i]->asleep = 0;
	choose();
	next_timeout();
	irq_unlock(key);
	int_exit();
}

void k_sleep(uint32_t ticks)
{
	uint32_t value, key = irq_lock();

	kernel[0]->wake = uptime + (cycles + elapsed(&value) - announced) / CYCLES_PER_TICK + ticks + 1;
	kernel[0]->asleep = 1;
	next_timeout();
	choose();
	swap(key);
}

void clock_start(void)
{
	last_load = CYCLES_PER_TICK;
	SYST_RVR = last_load - 1;
	SYST_CVR = 0;
	SYST_CSR |= 7;
}

void cpu_idle(void)
{
	irq_lock();
	__asm__ volatile("cpsid i\n\tmsr basepri, %0\n\tisb\n\tdsb\n\twfi\n\tcpsie i\n\tisb" ::"r"(0)
			 : "memory");
}
