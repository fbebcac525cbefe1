/* SPDX-License-Identifier: MIT */
/*
 * The order in which MCUXpresso's SDMA driver works: a reset, the context of a channel by channel 0,
 * then memory to memory, and a line to the UART. The descriptors are in DTCM, which the SDMA has
 * elsewhere.
 */
#include "vsoc.h"
#include "drivers.h"

#define SDMA1 0x30bd0000u
enum { SDMA1_IRQ = 2, UART4_TX = 29, COPY = 1, SEND = 3 };
#define ON_THE_BUS(pointer) ((uint32_t)(pointer) - 0x20000000u + 0x800000u)

struct descriptor {
	uint16_t count;
	uint8_t status, command;
	uint32_t buffer, extended;
};
struct control {
	uint32_t current, base, unused[2];
};

static volatile struct control controls[32];
static volatile struct descriptor descriptors[32];
static volatile uint32_t context[32], done;
static const char line[] = "ok sdma-uart\n";
static volatile char from[64], to[64];

static void handler(void)
{
	uint32_t channels;

	REG(SDMA1 + 4) = 1;
	channels = REG(SDMA1 + 4);
	REG(SDMA1 + 4) = channels;
	done |= channels;
	if (channels >> SEND & 1)
		UART_UCR1 &= ~8u;
	barrier();
}

static void init(void)
{
	REG(SDMA1) = 0;
	REG(SDMA1 + 4) = REG(SDMA1 + 4);
	REG(SDMA1 + 8) = REG(SDMA1 + 8);
	REG(SDMA1 + 0x10) = 0;
	REG(SDMA1 + 0x14) = 0xffffffffu;
	REG(SDMA1 + 0x18) = 0;
	REG(SDMA1 + 0x1c) = REG(SDMA1 + 0x1c);
	REG(SDMA1 + 0x2c) = 0;
	for (uint32_t event = 0; event < 48; event++)
		REG(SDMA1 + 0x200 + 4 * event) = 0;
	for (uint32_t channel = 0; channel < 32; channel++)
		REG(SDMA1 + 0x100 + 4 * channel) = 0;
	controls[0].current = controls[0].base = ON_THE_BUS(descriptors);
	REG(SDMA1 + 0x100) = 7;
	REG(SDMA1 + 0x18) = 0;
	REG(SDMA1 + 0x10) = 1;
	REG(SDMA1 + 0x38) &= ~0x1010u;
	REG(SDMA1 + 0x3c) |= 2;
	REG(SDMA1 + 0x5c) = 0x4050;
	REG(SDMA1) = ON_THE_BUS(controls);
}

/* SDMA_LoadContext() */
static void load(uint32_t channel, uint32_t script, uint32_t event, uint32_t address)
{
	for (uint32_t i = 0; i < 32; i++)
		context[i] = 0;
	context[0] = script;
	context[3] = 1u << event;
	context[4] = context[8] = address;
	context[9] = 1;
	descriptors[0] = (struct descriptor){32, 0xb, 1, ON_THE_BUS(context), 2048 + 32 * channel};
	REG(SDMA1 + 0xc) = 1;
	while (REG(SDMA1 + 8) & 1)
		;
	REG(SDMA1 + 4) = 1;
	REG(SDMA1 + 0x38) |= 3;
}

static void submit(uint32_t channel, uint32_t count, uint32_t buffer, uint32_t extended)
{
	controls[channel].current = controls[channel].base = ON_THE_BUS(descriptors + channel);
	descriptors[channel] = (struct descriptor){(uint16_t)count, 0x29, 1, buffer, extended};
}

void sdma(void)
{
	uint32_t good = 0;

	init();
	irq_set(SDMA1_IRQ, handler);
	for (uint32_t i = 0; i < 64; i++)
		from[i] = (char)(i * 3);
	REG(SDMA1 + 0x14) |= 1u << COPY;
	REG(SDMA1 + 0x10) |= 1u << COPY;
	REG(SDMA1 + 0x18) &= ~(1u << COPY);
	submit(COPY, 64, ON_THE_BUS(from), ON_THE_BUS(to));
	load(COPY, 644, 0, 0);
	REG(SDMA1 + 0x100 + 4 * COPY) = 2;
	REG(SDMA1 + 0xc) = 1u << COPY;
	while (!(done >> COPY & 1))
		;
	for (uint32_t i = 0; i < 64; i++)
		good += to[i] == (char)(i * 3);
	check("sdma-copy", good == 64, good);

	for (uint32_t i = 0; i < sizeof(line) - 1; i++)
		from[i] = line[i];
	REG(SDMA1 + 0x200 + 4 * UART4_TX) |= 1u << SEND;
	REG(SDMA1 + 0x10) &= ~(1u << SEND);
	REG(SDMA1 + 0x18) |= 1u << SEND;
	submit(SEND, sizeof(line) - 1, ON_THE_BUS(from), UART_BASE + 0x40);
	load(SEND, 749, UART4_TX, UART_BASE + 0x40);
	REG(SDMA1 + 0x100 + 4 * SEND) = 3;
	REG(SDMA1 + 0x1c) = 1u << SEND;
	UART_UCR1 |= 8;
	while (!(done >> SEND & 1))
		;
	check("sdma-over", !(descriptors[SEND].status & 1), descriptors[SEND].status);
}
