/* SPDX-License-Identifier: MIT */
/*
 * What a kernel like FreeRTOS does with a Cortex-M4F: starts its first task by SVC, switches
 * by PendSV, masks by BASEPRI, has the FPU stacked lazily, and stops its tick while idle.
 */
#include "rtos.h"

#define TASKS 4
#define SYSCALL_PRIORITY 0x50
#define SHPR3 REG(0xe000ed20u)
#define FPCCR REG(0xe000ef34u)
#define CPACR REG(0xe000ed88u)
#define PENDSV 1u << 28
#ifdef M7 /* as the port for r0p1, whose erratum 837070 is that BASEPRI comes late */
#define RAISE "cpsid i\n\t"
#define RAISED "\n\tcpsie i"
#else
#define RAISE
#define RAISED
#endif

struct task {
	uint32_t *sp; /* the assembler knows that it is the first one */
	uint32_t wake;
	int blocked;
};

volatile uint32_t rtos_ticks, rtos_switches, rtos_sleeps;
static struct task tasks[TASKS];
static uint32_t stacks[TASKS][TASK_STACK] __attribute__((aligned(8)));
static uint32_t count, reload;
__attribute__((used)) static struct task *volatile current = tasks;

static void mask(uint32_t priority)
{
	__asm__ volatile(RAISE "msr basepri, %0\n\tisb\n\tdsb" RAISED ::"r"(priority) : "memory");
}

void rtos_task(void (*function)(void))
{
	uint32_t *sp = stacks[count] + TASK_STACK;

	*--sp = 1u << 24;
	*--sp = (uint32_t)function & ~1u;
	*--sp = 0;
	sp -= 5;
	*--sp = 0xfffffffd; /* to Thread mode and the PSP, with no floating point yet */
	tasks[count++].sp = sp - 8;
}

static int due(const struct task *task)
{
	return !task->blocked || (int32_t)(rtos_ticks - task->wake) >= 0;
}

__attribute__((used)) static void choose(void)
{
	struct task *next = tasks + count - 1;

	while (next > tasks && !due(next))
		next--;
	next->blocked = 0;
	rtos_switches += next != current;
	current = next;
}

void sys_tick(void)
{
	mask(SYSCALL_PRIORITY);
	rtos_ticks++;
	SCB_ICSR = PENDSV;
	mask(0);
}

__attribute__((naked)) void svc_handler(void)
{
	__asm__("ldr r3, =current\n\tldr r1, [r3]\n\tldr r0, [r1]\n\t"
		"ldmia r0!, {r4-r11, r14}\n\tmsr psp, r0\n\tisb\n\t"
		"mov r0, #0\n\tmsr basepri, r0\n\tbx r14");
}

__attribute__((naked)) void pendsv_handler(void)
{
	__asm__("mrs r0, psp\n\tisb\n\tldr r3, =current\n\tldr r2, [r3]\n\t"
		"tst r14, #0x10\n\tit eq\n\tvstmdbeq r0!, {s16-s31}\n\t"
		"stmdb r0!, {r4-r11, r14}\n\tstr r0, [r2]\n\t"
		"stmdb sp!, {r0, r3}\n\tmov r0, #0x50\n\t" RAISE "msr basepri, r0\n\tdsb\n\tisb" RAISED "\n\t"
		"bl choose\n\tmov r0, #0\n\tmsr basepri, r0\n\tldmia sp!, {r0, r3}\n\t"
		"ldr r1, [r3]\n\tldr r0, [r1]\n\tldmia r0!, {r4-r11, r14}\n\t"
		"tst r14, #0x10\n\tit eq\n\tvldmiaeq r0!, {s16-s31}\n\t"
		"msr psp, r0\n\tisb\n\tbx r14");
}

static void give_way(void)
{
	SCB_ICSR = PENDSV;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

void rtos_delay(uint32_t ticks)
{
	mask(SYSCALL_PRIORITY);
	current->wake = rtos_ticks + ticks;
	current->blocked = 1;
	give_way();
	mask(0);
}

void rtos_wake(uint32_t number)
{
	tasks[number].blocked = 0;
	SCB_ICSR = PENDSV;
}

void rtos_sleep(void)
{
	uint32_t ticks = 100, passed, left;

	irq_disable();
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	for (struct task *task = tasks + 1; task < tasks + count; task++) {
		int32_t until = task->blocked ? (int32_t)(task->wake - rtos_ticks) : 0;

		ticks = until < 0 ? 0 : (uint32_t)until < ticks ? (uint32_t)until : ticks;
	}
	if (ticks < 2) {
		irq_enable();
		give_way();
		return;
	}
	SYST_CSR = 6; /* not by reading it, which would clear COUNTFLAG */
	left = SYST_CVR ? SYST_CVR : reload;
	SYST_RVR = left + reload * (ticks - 1);
	SYST_CVR = 0;
	SYST_CSR = 7;
	__asm__ volatile("dsb\n\twfi\n\tisb" ::: "memory");
	irq_enable(); /* what woke us is served */
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	irq_disable();
	SYST_CSR = 6; /* not by reading it, which would clear COUNTFLAG */
	if (SYST_CSR >> 16 & 1) {
		passed = ticks - 1; /* and one by the interrupt itself */
		SYST_RVR = reload - 1;
	} else {
		uint32_t gone = ticks * reload - SYST_CVR; /* since the last tick */

		passed = gone / reload;
		SYST_RVR = (passed + 1) * reload - gone;
	}
	SYST_CVR = 0;
	SYST_CSR = 7;
	rtos_ticks += passed;
	rtos_sleeps++;
	SYST_RVR = reload - 1;
	irq_enable();
	give_way();
}

void rtos_start(uint32_t hz)
{
	mask(SYSCALL_PRIORITY); /* no switch before there is a task; SVC's handler ends it */
	SHPR3 |= 0xf0f00000u; /* PendSV and the tick are below everything */
	SYST_CSR = 0;
	SYST_CVR = 0;
	reload = hz / 1000;
	SYST_RVR = reload - 1;
	SYST_CSR = 7;
	CPACR |= 0xfu << 20;
	FPCCR |= 3u << 30;
	current = tasks + count - 1;
	__asm__ volatile("ldr r0, =0xe000ed08\n\tldr r0, [r0]\n\tldr r0, [r0]\n\tmsr msp, r0\n\t"
			 "mov r0, #0\n\tmsr control, r0\n\tcpsie i\n\tcpsie f\n\tdsb\n\tisb\n\t"
			 "svc 0" ::: "memory");
	__builtin_unreachable();
}
