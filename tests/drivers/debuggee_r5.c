/* What test_gdb_r5.py debugs: debuggee.c for an RPU, in ARM or Thumb state. */
#include "vsoc.h"

#define NOWHERE 0xf8f00000u
#define SGI 5
#ifndef ROUNDS
#define ROUNDS 3
#endif

static volatile uint32_t counter, interrupts;

static void on_sgi(void) { interrupts++; }

static uint32_t twice(uint32_t value)
{
	uint32_t sum = value;

	for (uint32_t i = 0; i < 1; i++)
		sum += value;
	return sum;
}

static void measure(uint32_t sensor)
{
	counter = sensor;
	GICD_REG(0xf00) = 1u << (16 + CORE) | SGI;
	counter += 2;
	counter = twice(counter);
}

static uint32_t broken(void) { return REG(NOWHERE); }

int main(void)
{
	board_init(0);
	irq_set(SGI, 0xa0, on_sgi);
	board_puts("debuggee: ready\r\n");
	for (uint32_t sensor = 5;; sensor++) {
		measure(sensor);
		if (sensor == 4 + ROUNDS)
			counter = broken();
	}
}
