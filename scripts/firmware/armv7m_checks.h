/* SPDX-License-Identifier: MIT */
/* A line for each check, and a fault that is passed over: for the self-tests of Armv7-M. */
#ifndef ARMV7M_CHECKS_H
#define ARMV7M_CHECKS_H

#include "check.h"

static int near(uint32_t value, uint32_t wanted, uint32_t percent)
{
	return value >= wanted / 100 * (100 - percent) && value <= wanted / 100 * (100 + percent);
}

/* Ticks while the cycle counter counts a number of cycles, asleep between two. */
static uint32_t ticks_of(uint32_t cycles, volatile uint32_t *counter)
{
	uint32_t begin = DWT_CYCCNT, before = *counter;

	while (DWT_CYCCNT - begin < cycles)
		wfi();
	return *counter - before;
}

/* A load from where nothing is. */
static volatile uint32_t bus_faults, fault_address;

__attribute__((used)) static void skip(uint32_t *frame)
{
	bus_faults++;
	fault_address = SCB_BFAR;
	SCB_CFSR = SCB_CFSR;
	frame[6] += (*(uint16_t *)frame[6] >> 11) >= 0x1d ? 4 : 2;
}

__attribute__((naked)) void bus_fault(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb skip");
}

#endif
