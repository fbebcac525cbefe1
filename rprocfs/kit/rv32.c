/* SPDX-License-Identifier: MIT */
/*
 * Startup, traps, mailbox and heartbeat of vsoc/1-rv32: a 16550 as the mailbox (PLIC
 * source 10), the CLINT's timer, and a test device that ends the machine. It has no console.
 */
#include "vsoc.h"

#define UART ((volatile uint8_t *)0x10000000u)
enum { RBR = 0, THR = 0, IER = 1, FCR = 2, MCR = 4, LSR = 5 };
enum { LSR_DR = 1, LSR_THRE = 0x20, MCR_OUT2 = 8 };
#define UART_SOURCE 10
#define PLIC_PRIORITY REG(0x0c000000u + 4 * UART_SOURCE)
#define PLIC_ENABLE REG(0x0c002000u)
#define PLIC_THRESHOLD REG(0x0c200000u)
#define PLIC_CLAIM REG(0x0c200004u)
#define MTIMECMP_LOW REG(0x02004000u)
#define MTIMECMP_HIGH REG(0x02004004u)
#define MTIME_LOW REG(0x0200bff8u)
#define MTIME_HIGH REG(0x0200bffcu)
#define TICKS_PER_MS 10000u
enum { INTERRUPT = 0x80000000u, TIMER = 7, EXTERNAL = 11 };

int main(void);

static volatile uint32_t mail, ticks;
static uint32_t period;

/* The machine begins at the first byte of its RAM. */
__attribute__((naked, section(".start"), used)) void reset(void)
{
	__asm__("la sp, stack_top\n\tla t0, trap\n\tcsrw mtvec, t0\n\tcall main\n"
		"1:\twfi\n\tj 1b");
}

__attribute__((weak)) void on_tick(uint32_t count) { (void)count; }

static void next_tick(void)
{
	uint32_t low = MTIME_LOW + period * TICKS_PER_MS;
	uint32_t high = MTIME_HIGH + (low < period * TICKS_PER_MS);

	MTIMECMP_HIGH = 0xffffffffu;
	MTIMECMP_LOW = low;
	MTIMECMP_HIGH = high;
}

/* Claim first, drain second: a byte that comes in between asks again. */
static void mailbox_irq(void)
{
	uint32_t source = PLIC_CLAIM;

	while (UART[LSR] & LSR_DR) {
		if (UART[RBR] == MBOX_SHUTDOWN) {
			trace("shutdown\n");
			mailbox_send(MBOX_READY);
		}
		mail = 1;
	}
	PLIC_CLAIM = source;
}

static uint32_t csr_mcause(void)
{
	uint32_t value;

	__asm__ volatile("csrr %0, mcause" : "=r"(value));
	return value;
}

/* Where the fault was, and of what. */
static void fault(void)
{
	uint32_t epc, tval;

	__asm__ volatile("csrr %0, mepc" : "=r"(epc));
	__asm__ volatile("csrr %0, mtval" : "=r"(tval));
	trace_number("fault: pc 0x", epc);
	trace_number("fault: mcause 0x", csr_mcause());
	trace_number("fault: mtval 0x", tval);
	vsoc_fail();
}

__attribute__((interrupt("machine"), aligned(4), used)) void trap(void)
{
	switch (csr_mcause()) {
	case INTERRUPT | EXTERNAL:
		mailbox_irq();
		break;
	case INTERRUPT | TIMER:
		next_tick();
		*HEARTBEAT = ++ticks;
		on_tick(ticks);
		break;
	default:
		fault();
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
	UART[FCR] = 1;
	mail = 1; /* that emptied the FIFO: look for what came before */
	UART[MCR] = MCR_OUT2;
	UART[IER] = 1;
	PLIC_PRIORITY = 1;
	PLIC_THRESHOLD = 0;
	PLIC_ENABLE = 1u << UART_SOURCE;
	__asm__ volatile("csrs mie, %0" ::"r"(1u << EXTERNAL));
	irq_enable();
}

void vsoc_heartbeat(uint32_t period_ms)
{
	period = period_ms;
	next_tick();
	__asm__ volatile("csrs mie, %0" ::"r"(1u << TIMER));
}

void mailbox_send(uint8_t byte)
{
	while (!(UART[LSR] & LSR_THRE))
		;
	UART[THR] = byte;
}

void console_puts(const char *text) { (void)text; }

/* Say so, and stay: the host halts the core, and asks where it is. */
void vsoc_fail(void)
{
	irq_disable();
	mailbox_send(MBOX_CRASHED);
	for (;;)
		;
}
