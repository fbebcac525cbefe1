/* SPDX-License-Identifier: MIT */
/*
 * The Cortex-M of an i.MX 8M: addresses, registers and interrupts as in NXP's reference manuals,
 * for what the kit's rpmsg.c and log.c do not know.
 */
#ifndef IMX8M_H
#define IMX8M_H

#include <stdint.h>

/* Linux's reserved memories: two rings, the resource table, the buffers. */
#ifndef VRING_BASE
#define VRING_BASE 0xb8000000u
#endif
#define VRING_SIZE 0x8000u
#define RSC_TABLE (VRING_BASE + 0xff000u)
#define RAM_BASE VRING_BASE
#define RAM_SIZE 0x500000u

extern char system_log_buf[];
#define TRACE_ADDRESS ((uint32_t)system_log_buf)

#define IRQS 128
#define UART4_IRQ 29
#define GPT1_IRQ 55
#define MU_IRQ 97

#define NVIC_ISER_OF(irq) REG(0xe000e100u + 4 * ((irq) / 32))
#define NVIC_ISPR_OF(irq) REG(0xe000e200u + 4 * ((irq) / 32))
#define NVIC_IPR_OF(irq) (*(volatile uint8_t *)(0xe000e400u + (irq)))
#define SCB_SHPR_OF(exception) (*(volatile uint8_t *)(0xe000ed14u + (exception)) /* from 4 on */)
#define SCB_CCR REG(0xe000ed14u)
#define SCB_SHCSR REG(0xe000ed24u)
#define SCB_CPACR REG(0xe000ed88u)
#define SCB_CCSIDR REG(0xe000ed80u)
#define SCB_CSSELR REG(0xe000ed84u)
#define SCB_ICIALLU REG(0xe000ef50u)
#define SCB_DCISW REG(0xe000ef60u)
#define SCB_DCCISW REG(0xe000ef74u)
#define FPU_FPCCR REG(0xe000ef34u)
#define MPU_TYPE REG(0xe000ed90u)
#define MPU_CTRL REG(0xe000ed94u)
#define MPU_RBAR REG(0xe000ed9cu)
#define MPU_RASR REG(0xe000eda0u)
#define DEMCR REG(0xe000edfcu)
#define DWT_CTRL REG(0xe0001000u)
#define DWT_CYCCNT REG(0xe0001004u)
#define LMEM_PCCCR REG(0xe0082000u)
#define LMEM_PCCSAR REG(0xe0082008u)
#define LMEM_PSCCR REG(0xe0082800u)

#define CCM_CCGR(n) REG(0x30384000u + 16 * (n))
#define CCM_CCGR_SET(n) REG(0x30384004u + 16 * (n))
#define CCM_ROOT(n) REG(0x30388000u + 128 * (n))
#define CCM_ROOT_SET(n) REG(0x30388004u + 128 * (n))
enum { ROOT_CORE = 1, ROOT_AHB = 32, ROOT_UART4 = 97, ROOT_GPT1 = 107 };
#define ROOT_ENABLE (1u << 28)
#define PLL_SYS1 0x30360094u
#define PLL_SYS2 0x30360104u
#define PLL_SYS3 0x30360114u
#define PLL_AUDIO1 0x30360000u

#define RDC_STAT REG(0x303d0024u)
#define RDC_MDA(n) REG(0x303d0200u + 4 * (n))
#define RDC_PDAP(n) REG(0x303d0400u + 4 * (n))
#define SEMA4_GATE(n) (*(volatile uint8_t *)(0x30ac0000u + (n)))
#define TMU_TER REG(0x30260000u)
#define TMU_TRITSR REG(0x30260020u)

#define MUB_TR(n) REG(0x30ab0000u + 4 * (n))
#define MUB_RR(n) REG(0x30ab0010u + 4 * (n))
#define MUB_SR REG(0x30ab0020u)
#define MUB_CR REG(0x30ab0024u)
#define MU_RF(n) (1u << (27 - (n))) /* RIE, in CR */
#define MU_TE(n) (1u << (23 - (n)))
#define MU_GIP(n) (1u << (31 - (n)))
#define MU_GIR(n) (1u << (19 - (n)))
#define MU_CHANNEL 1 /* mboxes of the devicetree */

#ifndef UART_BASE
#define UART_BASE 0x30a60000u /* UART4 */
#endif
#define UART_URXD REG(UART_BASE + 0x00)
#define UART_UTXD REG(UART_BASE + 0x40)
#define UART_UCR1 REG(UART_BASE + 0x80)
#define UART_UCR2 REG(UART_BASE + 0x84)
#define UART_UCR3 REG(UART_BASE + 0x88)
#define UART_UCR4 REG(UART_BASE + 0x8c)
#define UART_UFCR REG(UART_BASE + 0x90)
#define UART_USR1 REG(UART_BASE + 0x94)
#define UART_USR2 REG(UART_BASE + 0x98)
#define UART_UBIR REG(UART_BASE + 0xa4)
#define UART_UBMR REG(UART_BASE + 0xa8)
enum { UCR1_UARTEN = 1, UCR1_RRDYEN = 1 << 9, UCR2_SRST = 1, UCR2_RXEN = 2, UCR2_TXEN = 4 };
enum { UCR2_WS = 1 << 5, UCR2_IRTS = 1 << 14, USR1_TRDY = 1 << 13, USR2_TXDC = 8, USR2_RDR = 1 };

#define GPT1_CR REG(0x302d0000u)
#define GPT1_PR REG(0x302d0004u)
#define GPT1_SR REG(0x302d0008u)
#define GPT1_IR REG(0x302d000cu)
#define GPT1_OCR1 REG(0x302d0010u)
#define GPT1_CNT REG(0x302d0024u)
enum { GPT_EN = 1, GPT_ENMOD = 2, GPT_CLKSRC_ROOT = 1 << 6, GPT_FRR = 1 << 9, GPT_SWR = 1 << 15 };

#define WDOG1_WCR (*(volatile uint16_t *)0x30280000u)
enum { WCR_WDE = 4, WCR_SRS = 0x10, WCR_WDA = 0x20 };

extern volatile uint32_t ticks, core_hz;
/* Find the clock, turn on the console. */
void board_console(void);
void board_init(uint32_t tick_hz);
void irq_set(int irq, void (*handler)(void));
void board_puts(const char *text);
void board_number(uint32_t value);
uint32_t pll_hz(uint32_t pll);

#endif
