/* SPDX-License-Identifier: MIT */
/* Startup, interrupts, console, clock and mailbox of the i.MX 8M; what vsoc.c is to vsoc/1. */
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

char system_log_buf[TRACE_SIZE];
volatile uint32_t ticks, core_hz;
static volatile uint32_t mail;

__attribute__((weak)) void sys_tick(void) { on_tick(++ticks); }

typedef void (*vector)(void);
static vector handlers[IRQS];
__attribute__((section(".isr_vector"), used)) static const vector vectors[16 + IRQS] = {
	[0] = (vector)stack_top, [1] = reset,	       [2] = unexpected,
	[3] = hard_fault,	 [4] = hard_fault,     [5] = bus_fault,
	[6] = usage_fault,	 [11] = svc_handler,   [14] = pendsv_handler,
	[15] = sys_tick,	 [16 ... 15 + IRQS] = interrupt,
};

void reset(void)
{
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

/* An integer PLL: MAIN / (PRE << POST) of 24 MHz. */
uint32_t pll_hz(uint32_t pll)
{
	uint32_t divide = REG(pll + 4);

	if (!(REG(pll) >> 31))
		return 0;
	return (uint32_t)(24000000ull * (divide >> 12 & 0x3ff) /
			  ((divide >> 4 & 0x3f) << (divide & 7)));
}

#ifdef IMX8MQ
/* One with spread spectrum: two stages of 25 MHz. */
static uint32_t sys_pll1(void)
{
	uint32_t config = REG(0x30360038u), hz = 25000000u / ((config >> 25 & 7) + 1);

	hz = hz * 2 * ((config >> 13 & 0x3f) + 1) / ((config >> 19 & 0x3f) + 1);
	return hz * ((config >> 7 & 0x3f) + 1) / ((config >> 1 & 0x3f) + 1);
}
#else
static uint32_t sys_pll1(void) { return pll_hz(PLL_SYS1); }
#endif

/* What runs the core, from the CCM's registers: only sources that boot loaders choose. */
static uint32_t clock_query(void)
{
	uint32_t root = CCM_ROOT(ROOT_CORE), hz = 24000000u;

	switch (root >> 24 & 7) {
	case 3:
		hz = sys_pll1() / 3;
		break;
	case 4:
		hz = sys_pll1();
		break;
	case 7:
		hz = pll_hz(PLL_SYS3);
		break;
	}
	return hz / ((root >> 16 & 7) + 1) / ((root & 0x3f) + 1);
}

/* A word from Linux: the number of a ring, which is not needed, as both are looked at. */
static void mu(void)
{
	if (MUB_SR & MU_RF(MU_CHANNEL))
		(void)MUB_RR(MU_CHANNEL);
	mail = 1;
}

void mailbox_send(uint8_t notifyid)
{
	while (!(MUB_SR & MU_TE(MU_CHANNEL)))
		;
	MUB_TR(MU_CHANNEL) = (uint32_t)notifyid << 16;
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

static void uart_init(void)
{
	CCM_ROOT(ROOT_UART4) = ROOT_ENABLE;
	UART_UCR2 = 0;
	while (!(UART_UCR2 & UCR2_SRST))
		;
	UART_UCR1 = UCR1_UARTEN;
	UART_UCR3 = 4; /* RXDMUXSEL */
	UART_UFCR = 2u << 10 | 5u << 7 | 1;
	UART_UBIR = 15;
	UART_UBMR = 24000000u / 115200u - 1;
	UART_UCR2 = UCR2_WS | UCR2_IRTS | UCR2_TXEN | UCR2_RXEN | UCR2_SRST;
}

void board_puts(const char *text)
{
	while (*text) {
		while (!(UART_USR1 & USR1_TRDY))
			;
		UART_UTXD = (uint8_t)*text++;
	}
	while (!(UART_USR2 & USR2_TXDC))
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
	core_hz = clock_query();
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
	irq_set(MU_IRQ, mu);
	MUB_CR |= MU_RF(MU_CHANNEL);
}

#include "armv7m_fault.h"
