/* SPDX-License-Identifier: MIT */
/* cube.c's parts. */
#ifndef CUBE_H
#define CUBE_H

#include "rtos.h"

#define EXTI(offset) REG(0x5000d000u + (offset))

extern volatile uint32_t hal_ticks; /* milliseconds */
void interrupt(void);
void irq_handler(int irq, uint32_t priority, void (*handler)(void));
/* A line in the trace where it is not good; cube.c counts them. */
void expect(const char *name, int good, uint32_t value);
/* Go on when *address & mask is value; 0 after some milliseconds, as HAL drivers have it. */
int hal_wait(uint32_t address, uint32_t mask, uint32_t value, uint32_t milliseconds);

void hal_init(void);
/* The LED, the button, and what ends a stop, under the semaphores that guard them. */
void hal_pins(void);
void priorities(void);
/* Sleep deeply until a message comes. */
void hal_stop(void);

/* cube_drivers.c: one after the other, as the examples of STM32CubeMP1 use them. */
void drivers(void);

#endif
