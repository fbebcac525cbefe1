/* SPDX-License-Identifier: MIT */
/* Startup, vector table, mailbox, console and heartbeat of vsoc/1; rv32.c is its RISC-V sibling. */
#include "vsoc.h"

extern uint32_t stack_top[];
int main(void);
void reset(void);
void hard_fault(void);
void sys_tick(void);
void mailbox_irq(void);
void unexpected(void);

typedef void (*vector)(void);
__attribute__((section(".vectors"), used)) static const vector vectors[16 + 32] = {
	[0] = (vector)stack_top, [1] = reset,	   [2] = unexpected,  [3] = hard_fault,
	[4] = hard_fault,	 [5] = hard_fault, [6] = hard_fault,  [11] = unexpected,
	[14] = unexpected,	 [15] = sys_tick,  [16 + MAILBOX_IRQ] = mailbox_irq,
};

static volatile uint32_t mail, ticks;

void reset(void)
{
	main();
	for (;;)
		wfi();
}

void unexpected(void)
{
	trace("unexpected exception\n");
	vsoc_fail();
}

__attribute__((weak)) void on_tick(uint32_t count) { (void)count; }

void sys_tick(void)
{
	*HEARTBEAT = ++ticks;
	on_tick(ticks);
}

/* Clear first, drain second: a byte that comes in between asks again. */
void mailbox_irq(void)
{
	MAILBOX->intclear = 2;
	while (MAILBOX->state & UART_RXFULL) {
		if ((MAILBOX->data & 0xff) == MBOX_SHUTDOWN) {
			trace("shutdown\n");
			mailbox_send(MBOX_READY);
		}
		mail = 1;
	}
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

void vsoc_init(void)
{
	memset((void *)TRACE_ADDRESS, 0, TRACE_SIZE);
	CONSOLE->bauddiv = MAILBOX->bauddiv = 16;
	CONSOLE->ctrl = UART_TX;
	MAILBOX->ctrl = UART_TX | UART_RX | UART_RX_IRQ;
	NVIC_ISER = 1u << MAILBOX_IRQ;
}

void vsoc_heartbeat(uint32_t period_ms)
{
	SYST_RVR = CPU_HZ / 1000 * period_ms - 1;
	SYST_CVR = 0;
	SYST_CSR = 7;
}

static void put(struct uart *uart, uint8_t byte)
{
	while (uart->state & UART_TXFULL)
		;
	uart->data = byte;
}

void mailbox_send(uint8_t byte) { put(MAILBOX, byte); }

void console_puts(const char *text)
{
	while (*text)
		put(CONSOLE, *text++);
}

/* An undefined instruction in a fault handler: the core locks up. */
void vsoc_fail(void)
{
	mailbox_send(MBOX_CRASHED);
	for (;;)
		__asm__ volatile("cpsid f\n\tudf #0");
}

/* Where the fault was: the stacked pc. */
__attribute__((used)) static void fault(const uint32_t *frame)
{
	trace_number("fault: pc 0x", frame[6]);
	trace_number("fault: cfsr 0x", SCB_CFSR);
	trace_number("fault: hfsr 0x", SCB_HFSR);
	if (SCB_CFSR & 0x8000)
		trace_number("fault: bfar 0x", SCB_BFAR);
}

/* It fails on the stack that the fault was on: a core file has one stack pointer, no PSP. */
__attribute__((naked)) void hard_fault(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\t"
		"push {r0, lr}\n\tbl fault\n\tpop {r0, lr}\n\t"
		"msr msp, r0\n\tbic lr, #4\n\tb vsoc_fail");
}
