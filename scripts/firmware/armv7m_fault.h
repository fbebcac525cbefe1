/* SPDX-License-Identifier: MIT */
/* The end of a board's code for Armv7-M: a fault is told in the trace buffer, then locks up. */
#ifndef ARMV7M_FAULT_H
#define ARMV7M_FAULT_H

void vsoc_fail(void)
{
	for (;;)
		__asm__ volatile("cpsid f\n\tudf #0");
}

__attribute__((used, noreturn)) static void fault(const uint32_t *frame)
{
	trace_number("fault: pc 0x", frame[6]);
	trace_number("fault: cfsr 0x", SCB_CFSR);
	vsoc_fail();
}

__attribute__((naked)) void hard_fault(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb fault");
}

#endif
