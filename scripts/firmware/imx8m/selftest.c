/* SPDX-License-Identifier: MIT */
/*
 * What the start-up code of MCUXpresso, FreeRTOS and Zephyr relies on, checked on the
 * processor: clocks, ticks, semaphores, the messaging unit, caches, the MPU, masked and nested
 * interrupts, faults, and three threads that PendSV switches with their floating point registers.
 * Says `ok NAME` or `FAIL NAME VALUE` for each on its UART, then `done`. It has no resource table.
 */
#include "vsoc.h"
#include "armv7m_checks.h"

#ifndef M7
static volatile uint32_t *volatile reset_vector = (volatile uint32_t *)4;
#endif

static volatile uint32_t gpt_ticks, nested, nested_seen;

static void gpt(void)
{
	GPT1_SR = 1;
	gpt_ticks++;
}

static void timers(void)
{
	uint32_t counted;

	DEMCR |= 1u << 24;
	DWT_CYCCNT = 0;
	DWT_CTRL |= 1;
	counted = ticks_of(core_hz / 2, &ticks);
	check("systick-1kHz", near(counted, 500, 3), counted);
	irq_set(GPT1_IRQ, gpt);
	CCM_ROOT(ROOT_GPT1) = ROOT_ENABLE;
	GPT1_CR = GPT_SWR;
	while (GPT1_CR & GPT_SWR)
		;
	GPT1_PR = 0;
	GPT1_OCR1 = 24000 - 1;
	GPT1_IR = 1;
	GPT1_CR = GPT_EN | GPT_ENMOD | GPT_CLKSRC_ROOT;
	SYST_CSR = 0;
	counted = ticks_of(core_hz / 5, &gpt_ticks);
	check("gpt-1kHz", near(counted, 200, 4), counted);
	GPT1_CR = 0;
	SYST_CSR = 7;
}

static void registers(void)
{
	uint32_t value;

	check("clock", near(core_hz, CORE_HZ, 1), core_hz);
	check("mpu", MPU_TYPE == MPU_REGIONS << 8, MPU_TYPE);
	check("fpccr", FPU_FPCCR >> 30 == 3, FPU_FPCCR);
	NVIC_IPR_OF(127) = 0xff;
	check("priority-bits", NVIC_IPR_OF(127) == 0xf0, NVIC_IPR_OF(127));
	CCM_CCGR(73) = 0;
	CCM_CCGR_SET(73) = 0x3333;
	check("ccm-set", CCM_CCGR(73) == 0x3333, CCM_CCGR(73));
	value = RDC_STAT & 0xf;
	RDC_MDA(1) = 1;
	check("rdc-domain", value == 0 && (RDC_STAT & 0xf) == 1, RDC_STAT);
	SEMA4_GATE(3) = 2;
	check("sema4-take", SEMA4_GATE(3) == 2, SEMA4_GATE(3));
	SEMA4_GATE(3) = 0;
	check("sema4-free", SEMA4_GATE(3) == 0, SEMA4_GATE(3));
	check("mu-empty", (MUB_SR >> 20 & 0xf) == 0xf, MUB_SR);
	REG(0x30be0000u) = 0x12345678; /* ENET1, of which there is no model */
	check("unmodelled", REG(0x30be0000u) == 0x12345678, REG(0x30be0000u));
	REG(0x40001000u) = 0xa5a5a5a5;
	check("ddr-alias", REG(0x10001000u) == 0xa5a5a5a5, REG(0x10001000u));
	REG(0x20200010u) = 0x5a5a5a5a;
	check("ocram-alias", REG(0x00900010u) == 0x5a5a5a5a, REG(0x00900010u));
	REG(0x20180010u) = 0xc3c3c3c3;
	check("ocram-s-alias", REG(0x00180010u) == 0xc3c3c3c3, REG(0x00180010u));
#ifndef M7
	check("tcml-alias", *reset_vector == REG(0x1ffe0004u), *reset_vector);
#endif
}

#ifdef M7
/* As CMSIS turns them on and off: every set and way. */
static void caches(void)
{
	uint32_t sets, ways;

	SCB_ICIALLU = 0;
	SCB_CCR |= 1u << 17;
	SCB_CSSELR = 0;
	__asm__ volatile("dsb" ::: "memory");
	sets = SCB_CCSIDR >> 13 & 0x7fff;
	ways = SCB_CCSIDR >> 3 & 0x3ff;
	check("dcache-lines", (sets + 1) * (ways + 1) * 32 == CACHE_SIZE, sets);
	for (uint32_t set = 0; set <= sets; set++)
		for (uint32_t way = 0; way <= ways; way++)
			SCB_DCISW = set << 5 | way << 30;
	SCB_CCR |= 1u << 16;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	check("caches", (SCB_CCR >> 16 & 7) == 7, SCB_CCR);
}

static void doubles(void)
{
	volatile double one = 1.0, three = 3.0;
	double third = one / three;

	check("double", third * three == one && third > 0.333 && third < 0.334, 0);
}
#else
static void caches(void)
{
	LMEM_PCCCR |= 1u << 26 | 1u << 24 | 1u << 31;
	while (LMEM_PCCCR >> 31)
		;
	LMEM_PSCCR |= 1u << 26 | 1u << 24 | 1u << 31;
	while (LMEM_PSCCR >> 31)
		;
	LMEM_PCCCR |= 3;
	LMEM_PSCCR |= 1;
	check("caches", (LMEM_PCCCR & LMEM_PSCCR) == 1, LMEM_PCCCR);
}

static void doubles(void) {}
#endif

static void inner(void) { nested_seen = nested; }

static void outer(void)
{
	nested = 1;
	NVIC_ISPR_OF(41) = 1u << (41 % 32);
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	nested = 2;
}

static void nesting(void)
{
	irq_set(40, outer);
	irq_set(41, inner);
	NVIC_IPR_OF(40) = 0x80;
	NVIC_IPR_OF(41) = 0x40;
	NVIC_ISPR_OF(40) = 1u << (40 % 32);
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	check("nested", nested_seen == 1 && nested == 2, nested_seen);
	NVIC_IPR_OF(41) = 0xc0;
	NVIC_ISPR_OF(40) = 1u << (40 % 32);
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	check("tail-chained", nested_seen == 2, nested_seen);
	__asm__ volatile("msr basepri, %0" ::"r"(0x80) : "memory");
	nested = 3;
	NVIC_ISPR_OF(40) = 1u << (40 % 32);
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	check("basepri-masks", nested == 3, nested);
	__asm__ volatile("msr basepri, %0" ::"r"(0) : "memory");
	check("basepri-lets", nested == 2, nested);
}

static void holes(void)
{
	static const uint32_t addresses[] = {0x28000000, 0x20800000, 0x08000000, 0xc0000000};

	SCB_SHCSR |= 1u << 17;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t before = bus_faults;

		(void)REG(addresses[i]);
		check("hole", bus_faults == before + 1 && fault_address == addresses[i],
		      fault_address);
	}
}

/* A division by zero that is trapped, and goes on behind it. */
static volatile uint32_t usage_faults;

__attribute__((used)) static void pass(uint32_t *frame)
{
	usage_faults = SCB_CFSR;
	SCB_CFSR = usage_faults;
	frame[6] += 4;
}

__attribute__((naked)) void usage_fault(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb pass");
}

static void division(void)
{
	SCB_SHCSR |= 1u << 18;
	SCB_CCR |= 0x10;
	__asm__ volatile("mov r1, #1\n\tmov r2, #0\n\tudiv r1, r1, r2" ::: "r1", "r2", "memory");
	check("divide-by-zero", usage_faults == 1u << 25, usage_faults);
	SCB_CCR &= ~0x10u;
}

#define TICKS_OF_A_SLICE 2
#define CORE_HZ_NOW core_hz
#include "armv7m_threads.h"

int main(void)
{
	board_init(1000);
	registers();
	caches();
	doubles();
	nesting();
	holes();
	division();
	timers();
	threads();
	board_puts("done\n");
	for (;;)
		vsoc_wait();
}
