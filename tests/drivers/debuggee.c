/* What test_gdb.py debugs. */
#include "table.h"

RPMSG_TABLE(ADDR_ANY, ADDR_ANY);

#define NOWHERE 0x30000000u
#define PENDSTSET (1u << 26)

static volatile uint32_t counter, interrupts;

void on_tick(uint32_t count) { interrupts = count; }

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
	SCB_ICSR = PENDSTSET;
	counter += 2;
	counter = twice(counter);
}

static uint32_t broken(void) { return REG(NOWHERE); }

int main(void)
{
	vsoc_init();
	for (uint32_t sensor = 5;; sensor++) {
		measure(sensor);
		if (sensor == 7)
			counter = broken();
	}
}
