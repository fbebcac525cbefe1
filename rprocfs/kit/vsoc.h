/* SPDX-License-Identifier: MIT */
/*
 * vsoc/1 for firmware: mailbox, console, trace, heartbeat and rpmsg, without a libc.
 *
 * An image defines resource_table, gives it a trace and, for rpmsg, a vdev; calls
 * vsoc_init() and rpmsg_start(), and then vsoc_wait() and rpmsg_receive() in a loop.
 */
#ifndef VSOC_H
#define VSOC_H

#include <stdint.h>

#if defined(MACHINE_H) /* another machine: RAM_BASE, RAM_SIZE and TRACE_ADDRESS are there */
#include MACHINE_H
#elif defined(STM32MP1) /* with its own stm32mp1.c */
#include "stm32mp1.h"
#elif defined(__linux__) /* vsoc/1-native */
#include <string.h>
#define RAM_BASE 0x80000000ul
#elif defined(__riscv) /* vsoc/1-rv32 */
#define RAM_BASE 0x80000000u
#else
#define RAM_BASE 0x21000000u
#endif
#if !defined(STM32MP1) && !defined(MACHINE_H)
#define RAM_SIZE 0x01000000u
#define CARVEOUTS (RAM_BASE + 0x100000u)
#define VRINGS (RAM_BASE + 0x200000u)
#define HEARTBEAT ((volatile uint32_t *)(RAM_BASE + 0xff0000u))
#define TRACE_ADDRESS CARVEOUTS
#endif

#define REG(address) (*(volatile uint32_t *)(address))
#if defined(__linux__) /* has nothing of that kind */
#elif defined(__riscv)
#define TEST_DEVICE REG(0x100000u)
enum { TEST_FAIL = 0x13333, TEST_PASS = 0x5555, TEST_RESET = 0x7777 };
#else
#define SYST_CSR REG(0xe000e010u)
#define SYST_RVR REG(0xe000e014u)
#define SYST_CVR REG(0xe000e018u)
#define NVIC_ISER REG(0xe000e100u)
#define SCB_ICSR REG(0xe000ed04u)
#define SCB_VTOR REG(0xe000ed08u)
#define SCB_AIRCR REG(0xe000ed0cu)
#define SCB_CFSR REG(0xe000ed28u)
#define SCB_HFSR REG(0xe000ed2cu)
#define SCB_BFAR REG(0xe000ed38u)
#define CPU_HZ 25000000u

/* A CMSDK UART. */
struct uart {
	volatile uint32_t data, state, ctrl, intclear, bauddiv;
};
#define CONSOLE ((struct uart *)0x40004000u)
#define MAILBOX ((struct uart *)0x40005000u)
#define MAILBOX_IRQ 2
enum { UART_TXFULL = 1, UART_RXFULL = 2 };
enum { UART_TX = 1, UART_RX = 2, UART_RX_IRQ = 8 };
#endif
enum { MBOX_SHUTDOWN = 0xf0, MBOX_READY = 0xf1, MBOX_CRASHED = 0xff };

/* The resource table, include/linux/remoteproc.h. */
enum { RSC_CARVEOUT = 0, RSC_TRACE = 2, RSC_VDEV = 3 };
#define ADDR_ANY 0xffffffffu
#define VIRTIO_ID_RPMSG 7
#define VIRTIO_RPMSG_F_NS 1
#define VIRTIO_DRIVER_OK 4

struct rsc_carveout {
	uint32_t type, da, pa, len, flags, reserved;
	char name[32];
};
struct rsc_trace {
	uint32_t type, da, len, reserved;
	char name[32];
};
struct rsc_vring {
	uint32_t da, align, num, notifyid, pa;
};
struct rsc_vdev {
	uint32_t type, id, notifyid, dfeatures, gfeatures, config_len;
	uint8_t status, num_of_vrings, reserved[2];
	struct rsc_vring vring[2];
};

#define TRACE_SIZE 0x1000u

/* Empty the trace, switch the mailbox, its interrupt and the console on. Call it first, once. */
void vsoc_init(void);
/* Change the heartbeat word every period_ms (1 to 600), and call on_tick(), in an interrupt. */
void vsoc_heartbeat(uint32_t period_ms);
/* An image may define it; ticks counts from 1 and wraps. */
void on_tick(uint32_t ticks);
/*
 * Sleep until a mailbox byte came since the last call. One call stands for any number of
 * bytes: look at everything. A request to shut down is answered by the library.
 */
void vsoc_wait(void);
/* Ring: a vring's notifyid, or MBOX_*. Waits while the mailbox is full. */
void mailbox_send(uint8_t byte);
/* Text to the console; waits while it is full. Nothing where the machine has no console. */
void console_puts(const char *text);
/* Append text to the trace, TRACE_SIZE bytes that begin anew when full. Not for two at once. */
void trace(const char *text);
/* The same for text, value in hex, newline. */
void trace_number(const char *text, uint32_t value);
/* Say that we crashed, and come to an end. */
__attribute__((noreturn)) void vsoc_fail(void);

/*
 * Wait until the host's driver is there, and take the two vrings of vdev. Vrings that are
 * not in RAM end it with a trace line, by vsoc_fail().
 */
void rpmsg_start(volatile struct rsc_vdev *vdev);
/*
 * Tell the host of a service, of eight at most; name stays yours to keep, and is cut to 31
 * bytes. Waits for a buffer. rpmsg_receive() tells again when the host's driver was bound
 * again, or attached again: its vrings are new ones then.
 */
void rpmsg_announce(const char *name, uint32_t address);
/*
 * One message to the host, cut to what a buffer holds (496 bytes of Linux's 512). 0 when the
 * host has no buffer for it now; try again after vsoc_wait().
 */
int rpmsg_send(uint32_t src, uint32_t dst, const void *data, uint32_t len);
/*
 * Give every message that is there to handle(), which returns 0 to see it again in the next
 * rpmsg_receive() (when rpmsg_send() returned 0). data is aligned to 4, is the host's to change,
 * and valid during the call only; len is that of the message and fits its buffer. Buffers
 * that are not in RAM and lengths that do not fit are passed over with a trace line.
 */
void rpmsg_receive(int (*handle)(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len));

#ifndef __linux__ /* there they come from its libc */
void *memcpy(void *to, const void *from, unsigned size);
void *memset(void *to, int byte, unsigned size);
#endif

#if defined(__linux__)
void irq_disable(void);
void irq_enable(void);
static inline void barrier(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#elif defined(__riscv)
static inline void irq_disable(void) { __asm__ volatile("csrci mstatus, 8" ::: "memory"); }
static inline void irq_enable(void) { __asm__ volatile("csrsi mstatus, 8" ::: "memory"); }
static inline void wfi(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline void barrier(void) { __asm__ volatile("fence rw, rw" ::: "memory"); }
#else
static inline void irq_disable(void) { __asm__ volatile("cpsid i" ::: "memory"); }
static inline void irq_enable(void) { __asm__ volatile("cpsie i" ::: "memory"); }
static inline void wfi(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline void barrier(void) { __asm__ volatile("dmb" ::: "memory"); }
#endif

#endif
