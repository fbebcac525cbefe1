/* SPDX-License-Identifier: MIT */
/* Threads and time as Zephyr has them, zephyr_kernel.c, and what the others share. */
#ifndef ZEPHYR_KERNEL_H
#define ZEPHYR_KERNEL_H

#include "vsoc.h"

#define IRQ_PRIORITY 0x10u /* that irq_lock() masks */
#define FPCCR REG(0xe000ef34u)
#define FPCAR REG(0xe000ef38u)
enum { ASPEN = 1u << 31, LSPEN = 1 << 30, LSPACT = 1 };
enum { CYCLES_PER_TICK = 20900, TICKS_PER_SECOND = 10000 };
#define PENDSVSET (1u << 28)

struct thread {
	uint32_t callee[8], psp; /* zephyr_kernel.c's assembler knows these offsets */
	float callee_fp[16];
	uint32_t basepri;
	int8_t exc_return;
	int priority, asleep, dead;
	uint32_t wake, turn;
};

extern struct thread *kernel[2]; /* the one that runs, and the one that is to run */
extern volatile uint32_t uptime; /* ticks that were announced */

static inline uint32_t irq_lock(void)
{
	uint32_t key;

	__asm__ volatile("mrs %0, basepri\n\tmsr basepri_max, %1\n\tisb"
			 : "=&r"(key)
			 : "r"(IRQ_PRIORITY)
			 : "memory");
	return key;
}

static inline void irq_unlock(uint32_t key)
{
	__asm__ volatile("msr basepri, %0\n\tisb" ::"r"(key) : "memory");
}

void thread_start(struct thread *, uint32_t *stack_end, int priority, void (*)(uint32_t), uint32_t);
void thread_abort(struct thread *);
void k_yield(void);
void k_sleep(uint32_t ticks);
uint32_t k_cycles(void);
void clock_start(void);
void cpu_idle(void);
void int_exit(void);
void sys_tick(void);
void pendsv_handler(void);

enum { STACK = 256 };
extern uint32_t stacks[6][STACK];
extern struct thread main_thread, workers[4];
void expect(const char *name, int good, uint32_t value);
void unexpected(void);
__attribute__((noreturn)) void end(uint32_t number);

/* zephyr_exceptions.c */
void fault_handler(void);
void svc_handler(void);
void interrupt(void);
void priorities(void);
void lazy(void);
void unshared(void);
void faults(void);

#endif
