/* SPDX-License-Identifier: MIT */
/*
 * What the start-up code of Zephyr, FreeRTOS and STM32Cube relies on, checked on the
 * processor: clocks, ticks, semaphores, masked interrupts, faults, and three threads that
 * PendSV switches with their floating point registers. Says `ok NAME` or `FAIL NAME VALUE`
 * for each on its UART, then `done`. It has no resource table.
 */
#include "vsoc.h"
#include "armv7m_checks.h"

static volatile uint32_t tim7_ticks, exti_hits;

static void tim7(void)
{
	TIM7_SR = 0;
	tim7_ticks++;
}

static void exti0(void)
{
	EXTI_RPR1 = 1;
	exti_hits++;
}

static void timers(void)
{
	uint32_t counted;

	DEMCR |= 1u << 24;
	DWT_CYCCNT = 0;
	DWT_CTRL |= 1;
	counted = ticks_of(mcu_hz / 2, &ticks);
	check("systick-10kHz", near(counted, 5000, 2), counted);
	irq_set(TIM7_IRQ, tim7);
	TIM7_PSC = mcu_hz / 1000000 - 1;
	TIM7_ARR = 999;
	TIM7_EGR = 1;
	TIM7_SR = 0;
	TIM7_DIER = 1;
	TIM7_CR1 = 1;
	SYST_CSR = 0;
	counted = ticks_of(mcu_hz / 5, &tim7_ticks);
	check("tim7-1kHz", near(counted, 200, 3), counted);
	TIM7_CR1 = 0;
	TIM7_DIER = 0;
	SYST_CSR = 7;
}

static volatile uint32_t *volatile reset_vector = (volatile uint32_t *)4;

static void registers(void)
{
	uint32_t value;

	check("clock", near(mcu_hz, 209000000, 1), mcu_hz);
	check("dbgmcu", (DBGMCU_IDC & 0xfff) == 0x500, DBGMCU_IDC);
	check("boot-mode", (REG(0x50020000u) & 7) != 4, REG(0x50020000u));
	check("ipcc-channels", (IPCC_HWCFGR & 0xff) == 6, IPCC_HWCFGR);
	check("mpu", MPU_TYPE == 8 << 8, MPU_TYPE);
	check("fpccr", FPU_FPCCR >> 30 == 3, FPU_FPCCR);
	NVIC_IPR_OF(149) = 0xff;
	check("priority-bits", NVIC_IPR_OF(149) == 0xf0, NVIC_IPR_OF(149));
	RCC_MC_AHB4ENSETR = 0x81;
	RCC_MC_AHB4ENCLRR = 0x01;
	check("rcc-set-clear", (RCC_MC_AHB4ENSETR & 0x81) == 0x80, RCC_MC_AHB4ENSETR);
	value = HSEM_RLR(3);
	check("hsem-take", value == HSEM_MINE && HSEM_RLR(3) == value, value);
	HSEM_R(3) = HSEM_MINE & 0xffff;
	check("hsem-free", HSEM_R(3) == 0, HSEM_R(3));
	GPIO_MODER(GPIOH) = (GPIO_MODER(GPIOH) & ~(3u << 14)) | 1u << 14;
	GPIO_BSRR(GPIOH) = 1u << 7;
	check("gpio", GPIO_IDR(GPIOH) >> 7 & 1, GPIO_IDR(GPIOH));
	REG(0x4400a000u) = 0x12345678; /* SAI1, of which there is no model */
	check("unmodelled", REG(0x4400a000u) == 0x12345678, REG(0x4400a000u));
	REG(0x1003f000u) = 0xa5a5a5a5;
	check("sram-alias", REG(0x3003f000u) == 0xa5a5a5a5, REG(0x3003f000u));
	check("retram-alias", REG(0x38000004u) == *reset_vector, REG(0x38000004u));
}

static void masking(void)
{
	uint32_t word = 1, failed, old;

	irq_set(EXTI0_IRQ, exti0);
	NVIC_IPR_OF(EXTI0_IRQ) = 0x50;
	EXTI_C2IMR1 |= 1;
	__asm__ volatile("msr basepri, %0" ::"r"(0x50) : "memory");
	EXTI_SWIER1 = 1;
	check("basepri-masks", exti_hits == 0, exti_hits);
	__asm__ volatile("msr basepri, %0" ::"r"(0x60) : "memory");
	check("basepri-lets", exti_hits == 1, exti_hits);
	__asm__ volatile("msr basepri, %0" ::"r"(0) : "memory");
	__asm__ volatile("1: ldrex %0, [%3]\n\tadd %0, %0, #1\n\tstrex %1, %0, [%3]\n\t"
			 "cmp %1, #0\n\tbne 1b\n\tldr %2, [%3]"
			 : "=&r"(old), "=&r"(failed), "=&r"(word)
			 : "r"(&exti_hits)
			 : "memory", "cc");
	check("ldrex-strex", word == 2, word);
}

static void holes(void)
{
	static const uint32_t addresses[] = {0x60000000, 0x43000000, 0x10060000, 0x00010000};

	REG(0xe000ed24u) |= 1u << 17;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t before = bus_faults;

		(void)REG(addresses[i]);
		check("hole", bus_faults == before + 1 && fault_address == addresses[i],
		      fault_address);
	}
}

#define TICKS_OF_A_SLICE 10
#define CORE_HZ_NOW mcu_hz
#include "armv7m_threads.h"

int main(void)
{
	board_init(10000);
	registers();
	masking();
	holes();
	timers();
	threads();
	board_puts("done\n");
	for (;;)
		vsoc_wait();
}
