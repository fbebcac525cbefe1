/* SPDX-License-Identifier: MIT */
/*
 * The Cortex-R5Fs of a Zynq UltraScale+: addresses, registers and interrupts as in UG1085 and
 * UG1087, for what the kit's rpmsg.c and log.c do not know.
 */
#ifndef ZYNQMP_H
#define ZYNQMP_H

#include <stdint.h>

#ifndef CORE
#define CORE 0
#endif
/* What Linux reserves for the core: code, two rings, buffers. */
#define RAM_BASE (0x3ed00000u + CORE * 0x200000u)
#define RAM_SIZE 0x00148000u

extern char system_log_buf[];
#define TRACE_ADDRESS ((uint32_t)system_log_buf)

#define UART REG(CORE ? 0xff010000u : 0xff000000u)
#define UART_BASE (CORE ? 0xff010000u : 0xff000000u)
#define UART_REG(offset) REG(UART_BASE + (offset))
enum { UART_CR = 0, UART_IER = 8, UART_ISR = 0x14, UART_RXWM = 0x20, UART_SR = 0x2c, UART_FIFO = 0x30 };
enum { SR_REMPTY = 2, SR_TFUL = 16, IXR_RTRIG = 1 };
#define UART_IRQ (CORE ? 54 : 53)

/* Timer 0 of TTC0 is Zephyr's, that of TTC3 the vendor's BSP's. */
#define TTC_REG(ttc, offset) REG(0xff110000u + 0x10000u * (ttc) + (offset))
enum { TTC_CLK = 0, TTC_CNT = 0xc, TTC_VAL = 0x18, TTC_INTERVAL = 0x24, TTC_MATCH = 0x30,
       TTC_ISR = 0x54, TTC_IER = 0x60 };
#define TTC_IRQ(ttc) (68 + 3 * (ttc))
#define TTC_HZ 100000000u

#define GICD REG(0xf9000000u)
#define GICD_REG(offset) REG(0xf9000000u + (offset))
#define GICD_PRIORITY(irq) (*(volatile uint8_t *)(0xf9000400u + (irq)))
#define GICD_TARGET(irq) (*(volatile uint8_t *)(0xf9000800u + (irq)))
#define GICC_REG(offset) REG(0xf9001000u + (offset))
enum { ICCICR = 0, ICCPMR = 4, ICCBPR = 8, ICCIAR = 0xc, ICCEOIR = 0x10 };
#define IRQS 192

/* The channel of this core, and Linux's. */
#define IPI_REG(offset) REG((CORE ? 0xff320000u : 0xff310000u) + (offset))
enum { IPI_TRIG = 0, IPI_OBS = 4, IPI_ISR = 0x10, IPI_IMR = 0x14, IPI_IER = 0x18, IPI_IDR = 0x1c };
#define IPI_LINUX 0x01000000u
#define IPI_OTHER (CORE ? 0x100u : 0x200u)
#define IPI_IRQ (CORE ? 66 : 65)

#define RPU_GLBL_CNTL REG(0xff9a0000u)
#define RST_LPD_TOP REG(0xff5e023cu)
#define OCM_WORD(n) REG(0xfffc0000u + 4 * (n))

extern volatile uint32_t ticks, faults_left, fault_address;
void board_init(uint32_t tick_hz);
void irq_set(int irq, int priority, void (*handler)(void));
void board_puts(const char *text);
void other_core(void); /* an image may define it: the other core has rung */

#endif
