/* SPDX-License-Identifier: MIT */
/*
 * FreeRTOS' port for the Cortex-R5 on a Zynq UltraScale+: tasks change by SVC, critical sections
 * mask by the priority mask of the GIC, interrupts nest, and TTC0 makes the tick. Its assertions on
 * the bits of a priority and on the binary point are here.
 */
#include "bsp.h"

#define TASKS 4
#define STACK 512
#define MAX_API (18u << 3)

struct task {
	uint32_t *sp; /* the assembler knows that it is the first one */
	uint32_t wake;
	int blocked;
};

static struct task tasks[TASKS];
static uint32_t stacks[TASKS][STACK] __attribute__((aligned(8)));
static uint32_t count;
static void (*handlers[IRQS])(void);
uint32_t critical = 9999, uses_fpu, nesting, yield_wanted, ticks_seen;
__attribute__((used)) struct task *volatile current;
void first_task(void);

void gic_init(void)
{
	const uint32_t mine = (1u << CORE) * 0x01010101u;

	if (GICD_REG(0) & 1) { /* XScuGic_Stop() */
		uint32_t others = 0;

		for (int irq = 32; irq < IRQS; irq += 4) {
			uint32_t targets = GICD_REG(0x800 + irq);

			others |= targets & ~mine;
			GICD_REG(0x800 + irq) = targets & ~mine;
		}
		for (int irq = 0; !others && irq < IRQS; irq += 32)
			GICD_REG(0x180 + irq / 8) = 0xffffffffu;
		if (!others)
			GICD_REG(0) = 0;
	}
	if (!(GICD_REG(0) & 1)) {
		for (int irq = 32; irq < IRQS; irq += 16)
			GICD_REG(0xc00 + irq / 4) = 0;
		for (int irq = 0; irq < IRQS; irq += 4)
			GICD_REG(0x400 + irq) = 0xa0a0a0a0u;
		for (int irq = 0; irq < IRQS; irq += 32)
			GICD_REG(0x180 + irq / 8) = 0xffffffffu;
		GICD_REG(0) = 1;
	}
	GICC_REG(ICCPMR) = 0xf0;
	GICC_REG(ICCICR) = 7;
}

void gic_connect(int irq, int trigger, void (*handler)(void))
{
	uint32_t shift = 8 * (irq & 3), config = 0xc00u + irq / 16 * 4;

	handlers[irq] = handler;
	GICD_REG(0x400 + irq / 4 * 4) = (GICD_REG(0x400 + irq / 4 * 4) & ~(0xffu << shift)) | 0xa0u << shift;
	GICD_REG(config) = (GICD_REG(config) & ~(3u << irq % 16 * 2)) | (uint32_t)trigger << irq % 16 * 2;
	GICD_REG(0x800 + irq / 4 * 4) |= 1u << CORE << shift;
	GICD_REG(0x100 + irq / 32 * 4) = 1u << irq % 32;
}

/* vApplicationIRQHandler(); interrupts are off, and on again as FreeRTOS's handlers turn them on. */
__attribute__((used)) void handle_irq(uint32_t iar)
{
	uint32_t number = iar & 0x3ff;

	if (number < IRQS && handlers[number])
		handlers[number]();
}

static void mask_to(uint32_t priority)
{
	irq_disable();
	sync();
	GICC_REG(ICCPMR) = priority;
	sync();
	irq_enable();
	sync();
}

void enter_critical(void)
{
	irq_disable();
	sync();
	if (GICC_REG(ICCPMR) != MAX_API) {
		GICC_REG(ICCPMR) = MAX_API;
		sync();
	}
	irq_enable();
	sync();
	if (++critical == 1)
		expect("critical section in an interrupt", nesting == 0, nesting);
}

void exit_critical(void)
{
	if (critical && !--critical)
		mask_to(0xff);
}

void from_isr(void)
{
	expect("running priority", GICC_REG(0x14) >= MAX_API, GICC_REG(0x14));
	expect("binary point", (GICC_REG(ICCBPR) & 3) <= 2, GICC_REG(ICCBPR));
}

void task_create(void (*function)(void), int fpu)
{
	uint32_t *sp = stacks[count] + STACK - 3;

	*--sp = 0x1f;
	*--sp = (uint32_t)function;
	sp -= 14;
	*--sp = 0; /* critical */
	if (fpu)
		sp -= 33;
	*--sp = (uint32_t)fpu;
	tasks[count++].sp = sp;
}

static int due(const struct task *task)
{
	return !task->blocked || (int32_t)(ticks_seen - task->wake) >= 0;
}

/* vTaskSwitchContext(): the later made, the more urgent. */
__attribute__((used)) void choose(void)
{
	struct task *next = tasks + count - 1;

	while (next > tasks && !due(next))
		next--;
	next->blocked = 0;
	current = next;
}

static void yield(void) { __asm__ volatile("svc 0\n\tdsb\n\tisb" ::: "memory"); }

void task_delay(uint32_t ticks)
{
	enter_critical();
	current->wake = ticks_seen + ticks;
	current->blocked = 1;
	exit_critical();
	yield();
}

void task_wake(uint32_t number)
{
	from_isr();
	tasks[number].blocked = 0;
	yield_wanted = 1;
}

/* FreeRTOS_Tick_Handler() */
static void tick(void)
{
	mask_to(MAX_API);
	ticks_seen++;
	yield_wanted = 1;
	mask_to(0xff);
	TTC_REG(0, TTC_ISR) = TTC_REG(0, TTC_ISR);
}

/* XTtcPs_CfgInitialize() and what FreeRTOS_SetupTickInterrupt() adds. */
static void tick_start(void)
{
	gic_init();
	irq_enable();
	expect("TTC0 is stopped", TTC_REG(0, TTC_CNT) & 1, TTC_REG(0, TTC_CNT));
	TTC_REG(0, TTC_CNT) = 0x21;
	TTC_REG(0, TTC_CLK) = 0;
	TTC_REG(0, TTC_INTERVAL) = 0;
	for (uint32_t match = 0; match < 3; match++)
		TTC_REG(0, TTC_MATCH + 12 * match) = 0;
	TTC_REG(0, TTC_IER) = 0;
	TTC_REG(0, TTC_ISR) = 0x1f;
	TTC_REG(0, TTC_CNT) |= 0x10;
	TTC_REG(0, TTC_CNT) = (TTC_REG(0, TTC_CNT) & ~0x8u) | 0x22;
	TTC_REG(0, TTC_INTERVAL) = TTC_HZ / 1000;
	TTC_REG(0, TTC_CLK) = TTC_REG(0, TTC_CLK) & ~0x1fu;
	gic_connect(TTC_IRQ(0), 1, tick);
	TTC_REG(0, TTC_IER) |= 1;
	TTC_REG(0, TTC_CNT) &= ~1u;
}

void scheduler_start(void)
{
	volatile uint8_t *first = (void *)0xf9000400u;
	uint8_t before = *first, value;
	uint32_t bits = 8;

	*first = 0xff;
	value = *first;
	while (!(value & 1) && bits--)
		value >>= 1;
	expect("priorities", value == 31, value);
	*first = before;
	expect("binary point", (GICC_REG(ICCBPR) & 3) <= 2, GICC_REG(ICCBPR));
	irq_disable();
	sync();
	tick_start();
	irq_disable();
	critical = 0;
	choose();
	first_task();
}
