/* SPDX-License-Identifier: MIT */
/*
 * Startup, interrupts, console, clock and mailbox of the AM62x's Cortex-M4F, in the order of the
 * vendor's SDK; what vsoc.c is to vsoc/1.
 */
#include "vsoc.h"

extern uint32_t stack_top[], bss_start[], bss_end[];
int main(void);
void reset(void);
void hard_fault(void);
__attribute__((weak, alias("hard_fault"))) void bus_fault(void);
__attribute__((weak, alias("hard_fault"))) void usage_fault(void);
void interrupt(void);
void unexpected(void);
__attribute__((weak)) void svc_handler(void) { unexpected(); }
__attribute__((weak)) void pendsv_handler(void) { unexpected(); }
__attribute__((weak)) void on_tick(uint32_t count) { (void)count; }

__attribute__((section(".log"), used)) char system_log_buf[TRACE_SIZE];
volatile uint32_t ticks, core_hz;
static volatile uint32_t mail, shutdown;

__attribute__((weak)) void sys_tick(void) { on_tick(++ticks); }

typedef void (*vector)(void);
static vector handlers[IRQS];
__attribute__((section(".vectors"), used)) static const vector vectors[16 + IRQS] = {
	[0] = (vector)stack_top, [1] = reset,	       [2] = unexpected,
	[3] = hard_fault,	 [4] = hard_fault,     [5] = bus_fault,
	[6] = usage_fault,	 [11] = svc_handler,   [14] = pendsv_handler,
	[15] = sys_tick,	 [16 ... 15 + IRQS] = interrupt,
};

void reset(void)
{
	__asm__ volatile("mrs r1, control\n\tbic r1, r1, #2\n\tmsr control, r1\n\tisb" ::: "r1",
			 "memory");
	SCB_CPACR |= 0xfu << 20;
	SCB_VTOR = (uint32_t)vectors;
	barrier();
	for (uint32_t *word = bss_start; word < bss_end; word++)
		*word = 0;
	main();
	for (;;)
		wfi();
}

void unexpected(void)
{
	trace("unexpected exception\n");
	vsoc_fail();
}

#include "armv7m_irq.h"

/* All of memory is strongly ordered, but for the internal memories. */
static void mpu_init(void)
{
	MPU_CTRL = 0;
	MPU_RBAR = 0x10;
	MPU_RASR = 1u << 28 | 3u << 24 | 31 << 1 | 1;
	MPU_RBAR = 0x11;
	MPU_RASR = 3u << 24 | 1u << 19 | 3u << 16 | 17 << 1 | 1;
	MPU_CTRL = 7;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

static void rat_init(void)
{
	static const uint32_t regions[][2] = {
		{0x80000000u, 0x00000000u}, {0x90000000u, 0x90000000u}, {0xa0000000u, 0xa0000000u},
		{0xb0000000u, 0x20000000u}, {0xc0000000u, 0x30000000u}, {0xd0000000u, 0x40000000u},
		{0x60000000u, 0x60000000u}, {0x70000000u, 0x70000000u},
	};

	for (uint32_t i = 0; i < 8; i++) {
		RAT_CTRL(i) = 0;
		RAT_BASE(i) = regions[i][0];
		RAT_TRANS_L(i) = regions[i][1];
		RAT_TRANS_U(i) = 0;
		RAT_CTRL(i) = 1u << 31 | 28;
	}
}

void mailbox_word(uint32_t word)
{
	while (MAILBOX_FIFOSTATUS(TO_LINUX) & 1)
		;
	MAILBOX_MESSAGE(TO_LINUX) = word;
}

void mailbox_send(uint8_t notifyid) { mailbox_word(notifyid); }

/* A word from Linux: the number of a ring, which is not needed, as both are looked at. */
static void received(uint32_t word)
{
	switch (word) {
	case RP_MBOX_ECHO_REQUEST:
		mailbox_word(RP_MBOX_ECHO_REPLY);
		break;
	case RP_MBOX_SHUTDOWN:
		shutdown = 1;
		break;
	case RP_MBOX_ABORT_REQUEST:
		mailbox_word(RP_MBOX_CRASH);
		vsoc_fail();
	default:
		break;
	}
	mail = 1;
}

static void mailbox(void)
{
	MAILBOX_IRQSTATUS_CLR(USER_M4F) = NEW_MSG(FROM_LINUX);
	for (uint32_t count = MAILBOX_MSGSTATUS(FROM_LINUX) & 7; count; count--)
		received(MAILBOX_MESSAGE(FROM_LINUX));
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
	if (!shutdown)
		return;
	trace("shutdown\n");
	mailbox_word(RP_MBOX_SHUTDOWN_ACK);
	for (;;)
		wfi();
}

static void uart_init(void)
{
	uint32_t divisor = 48000000u / 16 / 115200u;

	UART_SYSC = 2;
	while (!(UART_SYSS & 1))
		;
	UART_MDR1 = 7;
	UART_LCR = 0xbf;
	UART_THR = divisor & 0xff;
	UART_IER = divisor >> 8;
	UART_LCR = 3;
	UART_FCR = 7;
	UART_IER = 0;
	UART_MDR1 = 0;
}

void board_puts(const char *text)
{
	while (*text) {
		while (!(UART_LSR & LSR_THRE))
			;
		UART_THR = (uint8_t)*text++;
	}
	while (!(UART_LSR & LSR_TEMT))
		;
}

void board_number(uint32_t value)
{
	char digits[12], *p = digits + 11;

	*p = 0;
	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	board_puts(p);
}

void board_console(void)
{
	uint64_t hz = 0;

	mpu_init();
	rat_init();
	if (!tisci_module_on(DEV_MCU_UART0) || !tisci_set_hz(DEV_MCU_UART0, 0, 48000000u) ||
	    !tisci_get_hz(DEV_M4F, 0, &hz)) {
		trace("the system firmware refuses\n");
		vsoc_fail();
	}
	core_hz = (uint32_t)hz;
	uart_init();
}

void board_init(uint32_t tick_hz)
{
	board_console();
	if (tick_hz) {
		SYST_RVR = core_hz / tick_hz - 1;
		SYST_CVR = 0;
		SYST_CSR = 7;
	}
	MAILBOX_IRQSTATUS_CLR(USER_M4F) = NEW_MSG(FROM_LINUX);
	MAILBOX_IRQENABLE_SET(USER_M4F) = NEW_MSG(FROM_LINUX);
	irq_set(MAILBOX_IRQ_OF_M4F, mailbox);
}

#include "armv7m_fault.h"
