/* SPDX-License-Identifier: MIT */
/* A kernel in the manner of FreeRTOS' port for the Cortex-M4F; rtos.c. */
#ifndef RTOS_H
#define RTOS_H

#include "vsoc.h"

#define TASK_STACK 512 /* words */

extern volatile uint32_t rtos_ticks, rtos_switches, rtos_sleeps;
/* The later it is made, the higher its priority; the first one is to be the idle task. */
void rtos_task(void (*function)(void));
/* Does not return; a tick of 1 kHz from a SysTick that runs at hz. */
void rtos_start(uint32_t hz);
/* Block for some ticks, or until rtos_wake() of the task with this number. */
void rtos_delay(uint32_t count);
void rtos_wake(uint32_t number);
/* For the idle task: stop the tick, and sleep for as long as nobody has anything to do. */
void rtos_sleep(void);

#endif
