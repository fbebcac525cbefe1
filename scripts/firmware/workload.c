/* SPDX-License-Identifier: MIT */
/*
 * Work for an engine, for scripts/bench: a letter on the console starts it, and a dot is the
 * answer when it is done. The letters are those of the table at the end.
 */
#include "table.h"

#define SCB_CPACR REG(0xe000ed88u)
RPMSG_TABLE(ADDR_ANY, ADDR_ANY);

enum { SIZE = 16384, SIDE = 24, REGISTER_READS = 20000 };
static uint8_t __attribute__((aligned(4096))) block[SIZE], __attribute__((aligned(4096))) copy[SIZE];
static float left[SIDE][SIDE], right[SIDE][SIDE], product[SIDE][SIDE];
static volatile uint32_t sink, ticked;

void on_tick(uint32_t ticks) { ticked = ticks; }

/* CRC-32, bit by bit: short blocks of code, no memory to speak of. */
static void compute(void)
{
	uint32_t crc = ~0u;

	for (unsigned round = 0; round < 40; round++)
		for (unsigned i = 0; i < SIZE; i++) {
			crc ^= block[i];
			for (unsigned bit = 0; bit < 8; bit++)
				crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
		}
	sink = crc;
}

static void memory(void)
{
	for (unsigned round = 0; round < 400; round++) {
		const uint32_t *from = (const uint32_t *)block;
		uint32_t *to = (uint32_t *)copy;

		for (unsigned i = 0; i < SIZE / 4; i++)
			to[i] = from[i] + round;
	}
	sink = copy[0];
}

static void fpu(void)
{
	for (unsigned round = 0; round < 40; round++)
		for (unsigned i = 0; i < SIDE; i++)
			for (unsigned j = 0; j < SIDE; j++) {
				float sum = (float)round;

				for (unsigned k = 0; k < SIDE; k++)
					sum += left[i][k] * right[k][j];
				product[i][j] = sum;
			}
	sink = (uint32_t)product[1][1];
}

/* Exceptions by software, as fast as they are taken. */
static void interrupts(void)
{
	for (unsigned i = 0; i < 2000; i++) {
		SCB_ICSR = 1u << 26; /* PENDSTSET */
		__asm__ volatile("dsb\n\tisb" ::: "memory");
	}
}

/* A second of ticks, and sleep between them. */
static void tick(uint32_t hz)
{
	uint32_t end;

	SYST_RVR = CPU_HZ / hz - 1;
	SYST_CVR = 0;
	end = ticked + hz;
	SYST_CSR = 7;
	while ((int32_t)(ticked - end) < 0)
		wfi();
	SYST_CSR = 0;
}
static void tick_1k(void) { tick(1000); }
static void tick_10k(void) { tick(10000); }

/* Wait for a flag of a peripheral that never comes. */
static void polling(void)
{
	for (unsigned i = 0; i < REGISTER_READS; i++)
		sink = MAILBOX->state & UART_TXFULL;
}

static const struct {
	char letter;
	void (*run)(void);
} works[] = {{'c', compute},  {'m', memory},	{'f', fpu},  {'i', interrupts},
	     {'t', tick_1k},  {'T', tick_10k}, {'p', polling}};

int main(void)
{
	SCB_CPACR = 0xf << 20;
	barrier();
	vsoc_init();
	CONSOLE->ctrl = UART_TX | UART_RX;
	for (unsigned i = 0; i < SIZE; i++)
		block[i] = (uint8_t)(i * 7);
	console_puts("!");
	for (;;) {
		char letter;

		while (!(CONSOLE->state & UART_RXFULL))
			;
		letter = (char)CONSOLE->data;
		for (unsigned i = 0; i < sizeof(works) / sizeof(works[0]); i++)
			if (works[i].letter == letter)
				works[i].run();
		console_puts(".");
	}
}
