/* SPDX-License-Identifier: MIT */
/* What STM32CubeMP1's HAL_Init() and the first calls after it do with the processor. */
#include "cube.h"

#define RCC(offset) REG(0x50000000u + (offset))
#define TIM6(offset) REG(0x40004000u + (offset))
#define SCB_SCR REG(0xe000ed10u)
#define PWR_MCUCR REG(0x50001018u)
enum { TIM6_IRQ = 54, RCC_WAKEUP_IRQ = 145 };

volatile uint32_t hal_ticks, mcu_hz;
static volatile uint32_t wakeups;
static void (*handlers[IRQS])(void);

void interrupt(void)
{
	uint32_t number;

	__asm__ volatile("mrs %0, ipsr" : "=r"(number));
	handlers[number - 16]();
}

/* HAL_NVIC_SetPriority(), HAL_NVIC_EnableIRQ() */
void irq_handler(int irq, uint32_t priority, void (*handler)(void))
{
	handlers[irq] = handler;
	NVIC_IPR_OF(irq) = (uint8_t)(priority << 4);
	NVIC_ISER_OF(irq) = 1u << (irq % 32);
}

int hal_wait(uint32_t address, uint32_t mask, uint32_t value, uint32_t milliseconds)
{
	uint32_t begin = hal_ticks;

	while ((REG(address) & mask) != value)
		if (hal_ticks - begin > milliseconds)
			return 0;
	return 1;
}

/* SystemCoreClockUpdate(), with floating point as it is done there. */
static uint32_t core_clock(void)
{
	static const uint32_t sources[] = {64000000u, 24000000u, 4000000u, 0};
	uint32_t m = (RCC_PLL3CFGR1 >> 16 & 0x3f) + 1, enabled = RCC_PLL3FRACR >> 16 & 1;
	float fraction = (float)(enabled * (RCC_PLL3FRACR >> 3 & 0x1fff));
	float vco = (float)((RCC_PLL3CFGR1 & 0x1ff) + 1) + fraction / (float)0x1fff;

	expect("clock-source", (RCC_MSSCKSELR & 3) == 3, RCC_MSSCKSELR);
	vco *= (float)(sources[RCC_RCK3SELR & 3] / m);
	return (uint32_t)(vco / (float)((RCC_PLL3CFGR2 & 0x7f) + 1)) >> (RCC_MCUDIVR & 0xf);
}

static void hal_tick(void)
{
	TIM6(0x10) = ~1u;
	hal_ticks++;
}

/* HAL_Init(), and HAL_InitTick() by a timer, as SysTick is the kernel's. */
void hal_init(void)
{
	uint32_t divider = RCC(0x834) & 7;

	REG(0xe000ed0cu) = 0x05fa0300u;
	expect("priority-group", (REG(0xe000ed0cu) >> 8 & 7) == 3, REG(0xe000ed0cu));
	mcu_hz = core_clock();
	expect("core-clock", mcu_hz / 1000000 == 208, mcu_hz);
	RCC(0xa80) = 1u << 4;
	(void)RCC(0xa80);
	TIM6(0x28) = (mcu_hz >> divider) * (divider ? 2 : 1) / 1000000 - 1;
	TIM6(0x2c) = 999;
	TIM6(0x14) = 1;
	TIM6(0x10) = 0;
	TIM6(0x0c) |= 1;
	TIM6(0x00) |= 1;
	irq_handler(TIM6_IRQ, 15, hal_tick);
	RCC_MC_AHB3ENSETR = 1u << 11; /* HSEM */
}

/* PERIPH_LOCK() and PERIPH_UNLOCK() */
static void lock(uint32_t semaphore)
{
	uint32_t begin = hal_ticks;

	while (HSEM_RLR(semaphore) != HSEM_MINE)
		if (hal_ticks - begin > 100) {
			expect("semaphore", 0, HSEM_R(semaphore));
			return;
		}
}

static void unlock(uint32_t semaphore) { HSEM_R(semaphore) = HSEM_MINE & 0xffff; }

/* BSP_LED_Init(), and HAL_EXTI_SetConfigLine() of the button and of the mailbox. */
void hal_pins(void)
{
	RCC_MC_AHB4ENSETR = 1u << 7 | 1;
	lock(0);
	GPIO_MODER(GPIOH) = (GPIO_MODER(GPIOH) & ~(3u << 14)) | 1u << 14;
	GPIO_BSRR(GPIOH) = 1u << 7;
	unlock(0);
	expect("led", GPIO_IDR(GPIOH) >> 7 & 1, GPIO_IDR(GPIOH));
	lock(1);
	EXTI(0x04) |= 1u << 14;
	EXTI(0x6c) &= ~(0xffu << 16);
	EXTI(0xc0) |= 1u << 14;
	EXTI(0xd0) |= 1u << 30;
	unlock(1);
}

/* vPortValidateInterruptPriority(): how many bits of priority there are. */
void priorities(void)
{
	uint8_t before = NVIC_IPR_OF(0), bits;

	NVIC_IPR_OF(0) = 0xff;
	bits = NVIC_IPR_OF(0);
	NVIC_IPR_OF(0) = before;
	expect("priority-bits", bits == 0xf0, bits);
}

/* HAL_RCC_WAKEUP_IRQHandler() */
static void rcc_wakeup(void)
{
	if (RCC(0xc18) >> 20 & 1) {
		RCC(0xc18) = 1u << 20;
		wakeups++;
	}
}

/* HAL_PWR_EnterSTOPMode(), with nothing that could interrupt but the RCC as it wakes up. */
void hal_stop(void)
{
	uint32_t begin = hal_ticks;

	irq_handler(RCC_WAKEUP_IRQ, 0, rcc_wakeup);
	wakeups = 0;
	while (hal_ticks - begin < 20) /* the A7 takes what we have sent */
		;
	__asm__ volatile("msr basepri, %0\n\tisb" ::"r"(1u << 4) : "memory");
	trace("cube: stops\n"); /* whatever comes from now on wakes it up */
	PWR_MCUCR |= 1u << 9;
	PWR_MCUCR &= ~1u;
	SCB_SCR |= 4;
	wfi();
	SCB_SCR &= ~4u;
	expect("stop-flag", !(PWR_MCUCR >> 5 & 1), PWR_MCUCR);
	__asm__ volatile("msr basepri, %0\n\tisb" ::"r"(0) : "memory");
	expect("wakeups", wakeups == 1, wakeups);
}
