/* SPDX-License-Identifier: MIT */
/*
 * The STM32MP157's Cortex-M4: addresses, registers and interrupts as in ST's reference
 * manual RM0436, for what the kit's rpmsg.c and log.c do not know.
 */
#ifndef STM32MP1_H
#define STM32MP1_H

#include <stdint.h>

#define RAM_BASE 0x10000000u /* MCU SRAM, of which Linux has the part from 0x10040000 on */
#define RAM_SIZE 0x00060000u

extern char system_log_buf[];
#define TRACE_ADDRESS ((uint32_t)system_log_buf)

#define IRQS 150
#define UART4_IRQ 52
#define TIM7_IRQ 55
#define IPCC_RX_IRQ 103
#define IPCC_TX_IRQ 104
#define EXTI0_IRQ 6

#define NVIC_ISER_OF(irq) REG(0xe000e100u + 4 * ((irq) / 32))
#define NVIC_IPR_OF(irq) (*(volatile uint8_t *)(0xe000e400u + (irq)))
#define SCB_SHPR_OF(exception) (*(volatile uint8_t *)(0xe000ed14u + (exception)) /* from 4 on */)
#define SCB_CPACR REG(0xe000ed88u)
#define FPU_FPCCR REG(0xe000ef34u)
#define MPU_TYPE REG(0xe000ed90u)
#define DEMCR REG(0xe000edfcu)
#define DWT_CTRL REG(0xe0001000u)
#define DWT_CYCCNT REG(0xe0001004u)

#define RCC_MSSCKSELR REG(0x50000048u)
#define RCC_HSICFGR REG(0x50000018u)
#define RCC_RCK3SELR REG(0x50000820u)
#define RCC_MCUDIVR REG(0x50000830u)
#define RCC_PLL3CFGR1 REG(0x50000884u)
#define RCC_PLL3CFGR2 REG(0x50000888u)
#define RCC_PLL3FRACR REG(0x5000088cu)
#define RCC_MC_APB1ENSETR REG(0x50000a80u)
#define RCC_MC_AHB3ENSETR REG(0x50000aa0u)
#define RCC_MC_AHB4ENSETR REG(0x50000aa8u)
#define RCC_MC_AHB4ENCLRR REG(0x50000aacu)

#define HSEM_R(n) REG(0x4c000000u + 4 * (n))
#define HSEM_RLR(n) REG(0x4c000080u + 4 * (n))
#define HSEM_MINE 0x80000200u

#define GPIOH 0x50009000u
#define GPIO_MODER(port) REG((port) + 0x00)
#define GPIO_IDR(port) REG((port) + 0x10)
#define GPIO_BSRR(port) REG((port) + 0x18)

#define EXTI_SWIER1 REG(0x5000d008u)
#define EXTI_RPR1 REG(0x5000d00cu)
#define EXTI_C2IMR1 REG(0x5000d0c0u)

#define UART4_CR1 REG(0x40010000u)
#define UART4_BRR REG(0x4001000cu)
#define UART4_ISR REG(0x4001001cu)
#define UART4_RDR REG(0x40010024u)
#define UART4_TDR REG(0x40010028u)
enum { CR1_UE = 1, CR1_RE = 4, CR1_TE = 8, CR1_RXNEIE = 0x20, ISR_RXNE = 0x20, ISR_TXE = 0x80 };
#define ISR_ACKS 0x600000u

#define IPCC_C1TOC2SR REG(0x4c00100cu)
#define IPCC_C2CR REG(0x4c001010u)
#define IPCC_C2MR REG(0x4c001014u)
#define IPCC_C2SCR REG(0x4c001018u)
#define IPCC_C2TOC1SR REG(0x4c00101cu)
#define IPCC_HWCFGR REG(0x4c0013f0u)
enum { CHANNEL_SHUTDOWN = 2, CHANNEL_DETACH = 3 };

#define TIM7_CR1 REG(0x40005000u)
#define TIM7_DIER REG(0x4000500cu)
#define TIM7_SR REG(0x40005010u)
#define TIM7_EGR REG(0x40005014u)
#define TIM7_PSC REG(0x40005028u)
#define TIM7_ARR REG(0x4000502cu)

#define DBGMCU_IDC REG(0x50081000u)

extern volatile uint32_t ticks, mcu_hz, tx_interrupts;
void board_init(uint32_t tick_hz);
void irq_set(int irq, void (*handler)(void));
void board_puts(const char *text);
void board_number(uint32_t value);

#endif
