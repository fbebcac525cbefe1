/* SPDX-License-Identifier: MIT */
/*
 * What the start-up code of Zephyr, FreeRTOS and STM32Cube relies on, checked on the
 * processor: clocks, ticks, semaphores, masked interrupts, faults, and three threads that
 * PendSV switches with their floating point registers. Says `ok NAME` or `FAIL NAME VALUE`
 * for each on its UART, then `done`. It has no resource table.
 */
#include "vsoc.h"

static void check(const char *name, int good, uint32_t value)
{
	board_puts(good ? "ok " : "FAIL ");
	board_puts(name);
	if (!good) {
		board_puts(" ");
		board_number(value);
	}
	board_puts("\n");
}

static int near(uint32_t value, uint32_t wanted, uint32_t percent)
{
	return value >= wanted / 100 * (100 - percent) && value <= wanted / 100 * (100 + percent);
}

/* Ticks while the cycle counter counts a number of cycles, asleep between two. */
static uint32_t ticks_of(uint32_t cycles, volatile uint32_t *counter)
{
	uint32_t begin = DWT_CYCCNT, before = *counter;

	while (DWT_CYCCNT - begin < cycles)
		wfi();
	return *counter - before;
}

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

/* A load from where nothing is. */
static volatile uint32_t bus_faults, fault_address;

__attribute__((used)) static void skip(uint32_t *frame)
{
	bus_faults++;
	fault_address = SCB_BFAR;
	SCB_CFSR = SCB_CFSR;
	frame[6] += (*(uint16_t *)frame[6] >> 11) >= 0x1d ? 4 : 2;
}

__attribute__((naked)) void bus_fault(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb skip");
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

/* Three threads: two give way by themselves, the third one never does. */
#define THREADS 3
#define ROUNDS 200
static uint32_t stacks[THREADS + 1][256] __attribute__((aligned(8)));
static uint32_t *saved[THREADS + 1];
static volatile uint32_t current, finished, switches, slicing;
static volatile float sums[THREADS];

static void yield(void)
{
	SCB_ICSR = 1u << 28;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

void on_tick(uint32_t count)
{
	if (slicing && count % 10 == 0)
		SCB_ICSR = 1u << 28;
}

static void thread(uint32_t number)
{
	float step = (float)(number + 1) * 0.5f, sum = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		sum += step;
		if (number < 2)
			yield();
		else
			for (uint32_t begin = DWT_CYCCNT; DWT_CYCCNT - begin < mcu_hz / 10000;)
				;
	}
	sums[number] = sum;
	finished |= 1u << number;
	for (;;)
		yield();
}

__attribute__((used)) static uint32_t *schedule(uint32_t *sp)
{
	saved[current] = sp;
	switches++;
	if (finished == (1u << THREADS) - 1)
		current = THREADS; /* back to main */
	else
		current = (current + 1) % THREADS;
	return saved[current];
}

/* As an RTOS does it: what the processor has not stacked, with the upper half of the FPU. */
__attribute__((naked)) void pendsv_handler(void)
{
	__asm__("mrs r0, psp\n\t"
		"tst lr, #16\n\tit eq\n\tvstmdbeq r0!, {s16-s31}\n\t"
		"stmdb r0!, {r4-r11, lr}\n\t"
		"bl schedule\n\t"
		"ldmia r0!, {r4-r11, lr}\n\t"
		"tst lr, #16\n\tit eq\n\tvldmiaeq r0!, {s16-s31}\n\t"
		"msr psp, r0\n\tbx lr");
}

static volatile uint32_t calls;

void svc_handler(void) { calls++; }

static void threads(void)
{
	for (uint32_t number = 0; number < THREADS; number++) {
		uint32_t *sp = stacks[number] + 256;

		*--sp = 1u << 24;
		*--sp = (uint32_t)thread & ~1u;
		*--sp = 0;
		sp -= 4;
		*--sp = number;
		*--sp = 0xfffffffd; /* no floating point yet */
		saved[number] = sp - 8;
	}
	SCB_SHPR_OF(14) = 0xf0;
	__asm__ volatile("svc 0" ::: "memory");
	check("svc", calls == 1, calls);
	current = THREADS;
	slicing = 1;
	__asm__ volatile("msr psp, %0\n\tmov r1, sp\n\tmov r2, #2\n\tmsr control, r2\n\tisb\n\t"
			 "mov r4, r1\n\tldr r2, =0x10000000\n\tstr r2, [%1]\n\tdsb\n\tisb\n\t"
			 "mov r2, #0\n\tmsr control, r2\n\tisb\n\tmov sp, r4"
			 ::"r"(stacks[THREADS] + 200), "r"(&SCB_ICSR)
			 : "r1", "r2", "r3", "r4", "memory");
	slicing = 0;
	check("threads", finished == 7, finished);
	check("switches", switches > 2 * ROUNDS, switches);
	check("preempted", sums[2] == 300.0f, (uint32_t)sums[2]);
	check("float", sums[0] == 100.0f && sums[1] == 200.0f, (uint32_t)(sums[0] + sums[1]));
}

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
