/* SPDX-License-Identifier: MIT */
/*
 * Startup, interrupts, console, clock and mailbox of the RPU; what vsoc.c is to vsoc/1. The order
 * of the start-up is that of the vendor's boot.S: stacks of all modes, FPU, caches off, auxiliary
 * control, caches invalidated, RPU control, MPU, caches on.
 */
#include "vsoc.h"

int main(void);
void boot(void);
void irq_entry(void);
void undefined_entry(void), prefetch_entry(void), data_entry(void);
__attribute__((weak)) void svc_entry(void);
__attribute__((weak)) void other_core(void) {}
__attribute__((weak)) void on_tick(uint32_t count) { (void)count; }

char system_log_buf[TRACE_SIZE];
volatile uint32_t ticks;
static volatile uint32_t mail;
static void (*handlers[IRQS])(void);
extern uint32_t bss_start[], bss_end[];

__attribute__((naked, section(".vectors"), used)) void vectors(void)
{
	__asm__("ldr pc, =boot\n\tldr pc, =undefined_entry\n\tldr pc, =svc_entry\n\t"
		"ldr pc, =prefetch_entry\n\tldr pc, =data_entry\n\tnop\n\tldr pc, =irq_entry\n\t"
		"b .\n\t.ltorg");
}

__attribute__((naked)) void boot(void)
{
	__asm__("cps #0x12\n\tldr sp, =irq_stack\n\t"
		"cps #0x11\n\tldr sp, =irq_stack\n\t"
		"cps #0x17\n\tldr sp, =fault_stack\n\t"
		"cps #0x1b\n\tldr sp, =fault_stack\n\t"
		"cps #0x13\n\tldr sp, =svc_stack\n\t"
		"cps #0x1f\n\tldr sp, =stack_top\n\t"
		"mrc p15, 0, r0, c1, c0, 2\n\torr r0, r0, #0xf00000\n\t"
		"mcr p15, 0, r0, c1, c0, 2\n\tisb\n\t"
		"mov r1, #0x40000000\n\tvmsr fpexc, r1\n\t"
		"mov r1, #0\n\tvmov d0, r1, r1\n\tvmov d15, r1, r1\n\t"
		"mrc p15, 0, r0, c1, c0, 0\n\tbic r0, r0, #5\n\tbic r0, r0, #0x1000\n\tdsb\n\t"
		"mcr p15, 0, r0, c1, c0, 0\n\tisb\n\t"
		"mrc p15, 0, r0, c1, c0, 1\n\torr r0, r0, #0x0e000000\n\tbic r0, r0, #0x38\n\t"
		"mcr p15, 0, r0, c1, c0, 1\n\tdsb\n\t"
		"mov r0, #0\n\tmcr p15, 0, r0, c7, c5, 0\n\tmcr p15, 0, r0, c15, c5, 0\n\tisb\n\t"
		"ldr r0, =0xff9a0000\n\tldr r1, [r0]\n\t"
		"b start");
}

/* A region of the MPU: 2^(bits + 1) bytes at base, with the access control given. */
static void region(uint32_t number, uint32_t base, uint32_t bits, uint32_t control)
{
	__asm__ volatile("mcr p15, 0, %0, c6, c2, 0\n\tisb" ::"r"(number));
	__asm__ volatile("mcr p15, 0, %0, c6, c1, 0" ::"r"(base));
	__asm__ volatile("mcr p15, 0, %0, c6, c1, 4" ::"r"(control));
	__asm__ volatile("mcr p15, 0, %0, c6, c1, 2\n\tdsb\n\tisb" ::"r"(bits << 1 | 1));
}

static void mpu_init(void)
{
	uint32_t sctlr;

	region(0, 0, 30, 0x30b);	   /* DDR, 2 GiB: normal, full access */
	region(1, 0x80000000u, 30, 0x1310); /* devices: never executed */
	region(2, 0xfffc0000u, 17, 0x30b); /* OCM */
	region(3, 0x7fe00000u, 20, 0x000); /* nobody's */
	region(4, 0x7fd00000u, 19, 0x60b); /* read only */
	region(5, 0xffe00000u, 20, 0x30b); /* the TCMs, from the bus */
	__asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(sctlr));
	sctlr |= 0x1005;
	__asm__ volatile("dsb\n\tmcr p15, 0, %0, c1, c0, 0\n\tisb" ::"r"(sctlr));
}

__attribute__((used, noreturn)) void start(void)
{
	for (uint32_t *word = bss_start; word < bss_end; word++)
		*word = 0;
	mpu_init();
	main();
	for (;;)
		wfi();
}

/* Interrupts nest: the handler runs in System mode, with what it may change on its stack. */
__attribute__((naked)) void irq_entry(void)
{
	__asm__("sub lr, lr, #4\n\tsrsdb sp!, #0x1f\n\tcps #0x1f\n\tpush {r0-r3, r12}\n\t"
		"and r1, sp, #4\n\tsub sp, sp, r1\n\tpush {r1, lr}\n\t"
		"vpush {d0-d7}\n\tvmrs r0, fpscr\n\tpush {r0, r1}\n\t"
		"bl dispatch\n\t"
		"pop {r0, r1}\n\tvmsr fpscr, r0\n\tvpop {d0-d7}\n\t"
		"pop {r1, lr}\n\tadd sp, sp, r1\n\tpop {r0-r3, r12}\n\trfeia sp!");
}

__attribute__((used)) void dispatch(void)
{
	uint32_t iar = GICC_REG(ICCIAR), number = iar & 0x3ff;

	if (number >= IRQS)
		return;
	irq_enable();
	if (handlers[number])
		handlers[number]();
	irq_disable();
	GICC_REG(ICCEOIR) = iar;
}

void irq_set(int irq, int priority, void (*handler)(void))
{
	handlers[irq] = handler;
	GICD_PRIORITY(irq) = (uint8_t)priority;
	if (irq >= 32)
		GICD_TARGET(irq) = 1u << CORE;
	GICD_REG(0x100 + 4 * (irq / 32)) = 1u << (irq % 32);
}

static void tick(void)
{
	(void)TTC_REG(3, TTC_ISR);
	on_tick(++ticks);
}

static void rung(void)
{
	uint32_t who = IPI_REG(IPI_ISR);

	IPI_REG(IPI_ISR) = who;
	if (who & IPI_OTHER)
		other_core();
	if (who & IPI_LINUX)
		mail = 1;
}

void mailbox_send(uint8_t notifyid)
{
	(void)notifyid;
	barrier();
	IPI_REG(IPI_TRIG) = IPI_LINUX;
}

void vsoc_wait(void)
{
	irq_disable();
	while (!mail) {
		wfi();
		irq_enable();
		irq_disable();
	}
	mail = 0;
	irq_enable();
}

void board_puts(const char *text)
{
	while (*text) {
		while (UART_REG(UART_SR) & SR_TFUL)
			;
		UART_REG(UART_FIFO) = (uint8_t)*text++;
	}
}

void board_init(uint32_t tick_hz)
{
	UART_REG(UART_CR) = 0x17; /* reset and enable both */
	GICD_REG(0) = 0;
	GICC_REG(ICCPMR) = 0xf8;
	GICC_REG(ICCICR) = 1;
	GICD_REG(0) = 1;
	if (tick_hz) {
		TTC_REG(3, TTC_CNT) = 1;
		TTC_REG(3, TTC_INTERVAL) = TTC_HZ / tick_hz - 1;
		(void)TTC_REG(3, TTC_ISR);
		irq_set(TTC_IRQ(3), 0xa0, tick);
		TTC_REG(3, TTC_IER) = 1;
		TTC_REG(3, TTC_CNT) = 0x32; /* intervals, from the beginning */
	}
	IPI_REG(IPI_IDR) = 0xffffffffu;
	IPI_REG(IPI_ISR) = 0xffffffffu;
	irq_set(IPI_IRQ, 0xa0, rung);
	IPI_REG(IPI_IER) = IPI_LINUX | IPI_OTHER;
	irq_enable();
}

void vsoc_fail(void)
{
	for (;;)
		__asm__ volatile("cpsid i\n\tudf #0");
}

/* As those of the vendor's BSP: a fault that nobody expects is the end. */
__attribute__((naked, weak)) void undefined_entry(void) { __asm__("b ."); }
__attribute__((naked, weak)) void prefetch_entry(void) { __asm__("b ."); }
__attribute__((naked, weak)) void data_entry(void) { __asm__("b ."); }
__attribute__((naked, weak)) void svc_entry(void) { __asm__("movs pc, lr"); }
