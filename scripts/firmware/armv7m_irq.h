/* SPDX-License-Identifier: MIT */
/* Interrupts of a board with Armv7-M: each has the handler that irq_set() gave it in `handlers`. */
#ifndef ARMV7M_IRQ_H
#define ARMV7M_IRQ_H

void interrupt(void)
{
	uint32_t number;

	__asm__ volatile("mrs %0, ipsr" : "=r"(number));
	if (!handlers[number - 16])
		unexpected();
	handlers[number - 16]();
}

void irq_set(int irq, vector handler)
{
	handlers[irq] = handler;
	NVIC_ISER_OF(irq) = 1u << (irq % 32);
}

#endif
