/* SPDX-License-Identifier: MIT */
/*
 * The Cortex-M4F of an AM62x: addresses, registers and interrupts as in TI's reference manual
 * (SPRUIV7), for what the kit's rpmsg.c and log.c do not know.
 */
#ifndef AM62X_H
#define AM62X_H

#include <stdint.h>

/* Linux's reserved memories: rings and buffers, then those of the image. */
#define RAM_BASE 0x9cb00000u
#define RAM_SIZE 0xf00000u

#define LOG_ADDRESS 0x9cc01000u /* system_log_buf, see am62x.ld */
#define TRACE_ADDRESS LOG_ADDRESS

#define IRQS 64
#define TIMER0_IRQ 4
#define UART_IRQ 24
#define MAILBOX_IRQ_OF_M4F 50

#define NVIC_ISER_OF(irq) REG(0xe000e100u + 4 * ((irq) / 32))
#define NVIC_ISPR_OF(irq) REG(0xe000e200u + 4 * ((irq) / 32))
#define NVIC_IPR_OF(irq) (*(volatile uint8_t *)(0xe000e400u + (irq)))
#define SCB_SHPR_OF(exception) (*(volatile uint8_t *)(0xe000ed14u + (exception))) /* from 4 on */
#define SCB_CCR REG(0xe000ed14u)
#define SCB_SHCSR REG(0xe000ed24u)
#define SCB_CPACR REG(0xe000ed88u)
#define FPU_FPCCR REG(0xe000ef34u)
#define MPU_TYPE REG(0xe000ed90u)
#define MPU_CTRL REG(0xe000ed94u)
#define MPU_RBAR REG(0xe000ed9cu)
#define MPU_RASR REG(0xe000eda0u)
#define DEMCR REG(0xe000edfcu)
#define DWT_CTRL REG(0xe0001000u)
#define DWT_CYCCNT REG(0xe0001004u)

/* The translation that the vendor's examples for Linux set up: eight regions of 256 MiB. */
#define RAT_CONFIG REG(0x44200004u)
#define RAT_CTRL(i) REG(0x44200020u + 16 * (i))
#define RAT_BASE(i) REG(0x44200024u + 16 * (i))
#define RAT_TRANS_L(i) REG(0x44200028u + 16 * (i))
#define RAT_TRANS_U(i) REG(0x4420002cu + 16 * (i))
#define LOW(bus) (0x80000000u + (bus))	 /* 0x00000000 on the bus */
#define AT_20(bus) (0x90000000u + (bus)) /* 0x20000000, at 0xb0000000 */
#define AT_40(bus) (0x90000000u + (bus)) /* 0x40000000, at 0xd0000000 */

#define MAILBOX_BASE AT_20(0x29000000u)
#define MAILBOX_MESSAGE(fifo) REG(MAILBOX_BASE + 0x40 + 4 * (fifo))
#define MAILBOX_FIFOSTATUS(fifo) REG(MAILBOX_BASE + 0x80 + 4 * (fifo))
#define MAILBOX_MSGSTATUS(fifo) REG(MAILBOX_BASE + 0xc0 + 4 * (fifo))
#define MAILBOX_IRQSTATUS_CLR(user) REG(MAILBOX_BASE + 0x104 + 16 * (user))
#define MAILBOX_IRQENABLE_SET(user) REG(MAILBOX_BASE + 0x108 + 16 * (user))
#define NEW_MSG(fifo) (1u << (2 * (fifo)))
enum { TO_LINUX = 0, FROM_LINUX = 1, USER_M4F = 2 };

/* enum omap_rp_mbox_messages */
#define RP_MBOX_READY 0xffffff00u
#define RP_MBOX_CRASH 0xffffff02u
#define RP_MBOX_ECHO_REQUEST 0xffffff03u
#define RP_MBOX_ECHO_REPLY 0xffffff04u
#define RP_MBOX_ABORT_REQUEST 0xffffff05u
#define RP_MBOX_SHUTDOWN 0xffffff14u
#define RP_MBOX_SHUTDOWN_ACK 0xffffff15u

#define UART_BASE LOW(0x04a00000u) /* MCU_UART0 */
#define UART_THR REG(UART_BASE + 0x00)
#define UART_IER REG(UART_BASE + 0x04)
#define UART_FCR REG(UART_BASE + 0x08)
#define UART_LCR REG(UART_BASE + 0x0c)
#define UART_LSR REG(UART_BASE + 0x14)
#define UART_MDR1 REG(UART_BASE + 0x20)
#define UART_SYSC REG(UART_BASE + 0x54)
#define UART_SYSS REG(UART_BASE + 0x58)
enum { LSR_DR = 1, LSR_THRE = 1 << 5, LSR_TEMT = 1 << 6 };

#define TIMER_BASE LOW(0x04800000u) /* MCU_TIMER0, 25 MHz */
#define TIMER_IRQSTATUS REG(TIMER_BASE + 0x28)
#define TIMER_IRQENABLE_SET REG(TIMER_BASE + 0x2c)
#define TIMER_IRQENABLE_CLR REG(TIMER_BASE + 0x30)
#define TIMER_TCLR REG(TIMER_BASE + 0x38)
#define TIMER_TCRR REG(TIMER_BASE + 0x3c)
#define TIMER_TLDR REG(TIMER_BASE + 0x40)
#define TIMER_TWPS REG(TIMER_BASE + 0x48)
#define TIMER_OVF 2

#define SEC_PROXY_CONFIG REG(AT_40(0x48250004u))
#define SEC_PROXY_DATA(thread) AT_40(0x4d000000u + 0x1000u * (thread))
#define SEC_PROXY_STATUS(thread) REG(AT_40(0x4a600000u + 0x1000u * (thread)))
enum { THREAD_RESPONSE = 16, THREAD_REQUEST = 17, HOST_M4_0 = 30 };
enum { DEV_M4F = 9, DEV_MCU_UART0 = 149 };

extern volatile uint32_t ticks, core_hz;
/* Set up MPU and RAT, ask the system firmware for clocks, turn on the console. */
void board_console(void);
void board_init(uint32_t tick_hz);
void irq_set(int irq, void (*handler)(void));
void board_puts(const char *text);
void board_number(uint32_t value);
void mailbox_word(uint32_t word);

/* The system firmware: 0 if it refuses. */
struct tisci_header {
	uint16_t type;
	uint8_t host, seq;
	uint32_t flags;
};
int tisci_version(char *description, uint32_t *abi);
int tisci_module_on(uint32_t device);
int tisci_get_hz(uint32_t device, uint8_t clock, uint64_t *hz);
int tisci_set_hz(uint32_t device, uint8_t clock, uint64_t hz);

#endif
