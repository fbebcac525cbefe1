/* SPDX-License-Identifier: MIT */
/* Startup, interrupts, console, clock and mailbox of the STM32MP157; what vsoc.c is to vsoc/1. */
#include "vsoc.h"

extern uint32_t stack_top[];
int main(void);
void reset(void);
void hard_fault(void);
__attribute__((weak, alias("hard_fault"))) void bus_fault(void);
void sys_tick(void);
void interrupt(void);
void unexpected(void);
__attribute__((weak)) void svc_handler(void) { unexpected(); }
__attribute__((weak)) void pendsv_handler(void) { unexpected(); }

typedef void (*vector)(void);
__attribute__((section(".isr_vector"), used)) static const vector vectors[16 + IRQS] = {
	[0] = (vector)stack_top, [1] = reset,	       [2] = unexpected,
	[3] = hard_fault,	 [4] = hard_fault,     [5] = bus_fault,
	[6] = hard_fault,	 [11] = svc_handler,   [14] = pendsv_handler,
	[15] = sys_tick,	 [16 ... 15 + IRQS] = interrupt,
};

char system_log_buf[TRACE_SIZE];
volatile uint32_t ticks, mcu_hz, tx_interrupts;
static volatile uint32_t mail;
static vector handlers[IRQS];

void reset(void)
{
	SCB_CPACR |= 0xfu << 20;
	barrier();
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

void sys_tick(void) { on_tick(++ticks); }

#include "armv7m_irq.h"

/* What runs the core, from the RCC's registers. */
static uint32_t clock_query(void)
{
	static const uint32_t sources[] = {64000000u, 24000000u, 4000000u, 0};
	uint32_t select = RCC_MSSCKSELR & 3, hz = sources[select];

	if (select == 0)
		hz >>= RCC_HSICFGR & 3;
	if (select == 3) {
		uint32_t config = RCC_PLL3CFGR1, fraction = RCC_PLL3FRACR;
		uint64_t vco = sources[RCC_RCK3SELR & 3] / ((config >> 16 & 0x3f) + 1);

		vco = vco * (((config & 0x1ff) + 1) * 8192 +
			     (fraction >> 16 & 1) * (fraction >> 3 & 0x1fff)) >> 13;
		hz = (uint32_t)vco / ((RCC_PLL3CFGR2 & 0x7f) + 1);
	}
	return hz >> (RCC_MCUDIVR & 0xf);
}

/* A message from the A7: vq0 and vq1 are for rpmsg, and freed at once. */
static void ipcc_rx(void)
{
	uint32_t channels = IPCC_C1TOC2SR & ~IPCC_C2MR & 0x3f;

	if (channels & 1u << CHANNEL_SHUTDOWN)
		trace("shutdown\n");
	if (channels & 1u << CHANNEL_DETACH)
		trace("detach\n");
	IPCC_C2SCR = channels;
	mail = 1;
}

/* The A7 has taken what we sent. */
static void ipcc_tx(void)
{
	uint32_t channels = ~IPCC_C2TOC1SR & ~(IPCC_C2MR >> 16) & 0x3f;

	IPCC_C2MR |= channels << 16;
	tx_interrupts++;
}

static void ipcc_init(void)
{
	RCC_MC_AHB3ENSETR = 1u << 12;
	IPCC_C2CR = 0;
	IPCC_C2MR = 0x3f003fu;
	irq_set(IPCC_RX_IRQ, ipcc_rx);
	irq_set(IPCC_TX_IRQ, ipcc_tx);
	IPCC_C2CR = 1u << 16 | 1u;
	IPCC_C2MR &= ~0xfu;
}

void mailbox_send(uint8_t notifyid)
{
	while (IPCC_C2TOC1SR & 1u << notifyid)
		;
	irq_disable();
	IPCC_C2SCR = 1u << (16 + notifyid);
	IPCC_C2MR &= ~(1u << (16 + notifyid));
	irq_enable();
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
	RCC_MC_APB1ENSETR = 1u << 16;
	UART4_BRR = 104438964u / 115200u;
	UART4_CR1 = CR1_UE | CR1_TE | CR1_RE;
	while ((UART4_ISR & ISR_ACKS) != ISR_ACKS)
		;
}

void board_puts(const char *text)
{
	while (*text) {
		while (!(UART4_ISR & ISR_TXE))
			;
		UART4_TDR = (uint8_t)*text++;
	}
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

void board_init(uint32_t tick_hz)
{
	mcu_hz = clock_query();
	uart_init();
	SYST_RVR = mcu_hz / tick_hz - 1;
	SYST_CVR = 0;
	SYST_CSR = 7;
	ipcc_init();
}

#include "armv7m_fault.h"
