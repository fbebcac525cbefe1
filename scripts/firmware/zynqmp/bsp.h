/* SPDX-License-Identifier: MIT */
/* What bsp.c, freertos.c and openamp.c share: a replay of the vendor's BSP, FreeRTOS and OpenAMP. */
#ifndef BSP_H
#define BSP_H

#include "table.h"

#define cp15_read(c, m, o) ({ \
	uint32_t value; \
	__asm__ volatile("mrc p15, 0, %0, " #c ", " #m ", " #o : "=r"(value)); \
	value; \
})
#define cp15_write(c, m, o, value) \
	__asm__ volatile("mcr p15, 0, %0, " #c ", " #m ", " #o ::"r"(value) : "memory")
#define sync() __asm__ volatile("dsb\n\tisb" ::: "memory")

/* A line on the console if something is not as it should be. */
void expect(const char *what, int good, uint32_t value);
void say(const char *text);
void bsp_drivers(void);
void usleep(uint32_t us);
/* As metal_io_mem_map(): one more region of the MPU. */
void map(uint32_t address, uint32_t bits, uint32_t attributes);
void gic_init(void);
void gic_connect(int irq, int trigger, void (*handler)(void));

/* Tasks: the first is the idle one. */
extern uint32_t critical, uses_fpu, nesting, yield_wanted, ticks_seen;
void task_create(void (*function)(void), int fpu);
void scheduler_start(void);
void task_delay(uint32_t count);
void task_wake(uint32_t number);
void enter_critical(void);
void exit_critical(void);
/* portASSERT_IF_INTERRUPT_PRIORITY_INVALID() */
void from_isr(void);

#endif
