/* SPDX-License-Identifier: MIT */
/*
 * An image as STM32CubeMP1 and FreeRTOS make them: the same registers in the same order, from
 * the reset handler to two rpmsg-tty that echo. The trace has a line for each stage, and one
 * that begins with FAIL for whatever is not as it would be on a board.
 */
#include "cube.h"
#include "table.h"

#define RCC(offset) REG(0x50000000u + (offset))
#define EXTI(offset) REG(0x5000d000u + (offset))
#define IPCC_C2SR IPCC_C2TOC1SR
#define TIM6(offset) REG(0x40004000u + (offset))
#define PWR_MCUCR REG(0x50001018u)
#define SCB_SCR REG(0xe000ed10u)
enum { CHANNEL_1, CHANNEL_2, CHANNEL_3 };
enum { TIM6_IRQ = 54 };
enum { IDLE, WORKER, ECHO };

struct table {
	uint32_t ver, num, reserved[2], offset[2];
	struct rsc_vdev vdev;
	struct rsc_trace trace;
};

char system_log_buf[TRACE_SIZE];
__attribute__((section(".resource_table"), used)) volatile struct table resource_table = {
	.ver = 1,
	.num = 2,
	.offset = {__builtin_offsetof(struct table, vdev), __builtin_offsetof(struct table, trace)},
	.vdev = {.type = RSC_VDEV,
		 .id = VIRTIO_ID_RPMSG,
		 .dfeatures = VIRTIO_RPMSG_F_NS,
		 .num_of_vrings = 2,
		 .vring = {{.da = ADDR_ANY, .align = 16, .num = 16, .notifyid = 0},
			   {.da = ADDR_ANY, .align = 16, .num = 16, .notifyid = 1}}},
	.trace = {.type = RSC_TRACE, .da = TRACE_ADDRESS, .len = TRACE_SIZE, .name = "cm4_log"},
};

extern uint32_t stack_top[], bss_start[], bss_end[];
typedef void (*vector)(void);
void reset(void), hang(void), interrupt(void), sys_tick(void), svc_handler(void);
void pendsv_handler(void);
__attribute__((section(".isr_vector"), used)) static const vector vectors[16 + IRQS] = {
	[0] = (vector)stack_top,      [1] = reset,	      [2 ... 6] = hang,
	[11] = svc_handler,	      [14] = pendsv_handler,  [15] = sys_tick,
	[16 ... 15 + IRQS] = interrupt,
};

volatile uint32_t hal_ticks, mcu_hz;
static volatile uint32_t mail, freed;
static uint32_t failures;
static vector handlers[IRQS];
static volatile float sum;

__attribute__((used)) static void fault(const uint32_t *frame)
{
	trace_number("FAIL fault: pc 0x", frame[6]);
	trace_number("FAIL fault: bfar 0x", SCB_BFAR);
	vsoc_fail();
}

__attribute__((naked)) void hang(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb fault");
}

void vsoc_fail(void)
{
	for (;;)
		__asm__ volatile("cpsid f\n\tudf #0");
}

void expect(const char *name, int good, uint32_t value)
{
	if (good)
		return;
	failures++;
	trace("FAIL ");
	trace(name);
	trace_number(" 0x", value);
}

void interrupt(void)
{
	uint32_t number;

	__asm__ volatile("mrs %0, ipsr" : "=r"(number));
	handlers[number - 16]();
}

/* HAL_NVIC_SetPriority(), HAL_NVIC_EnableIRQ() */
void irq_handler(int irq, uint32_t priority, vector handler)
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
static void hal_init(void)
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
static void pins(void)
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

/* HAL_IPCC_RX_IRQHandler() and what it calls. */
static void ipcc_rx(void)
{
	uint32_t channels = ~IPCC_C2MR & 0x3f & IPCC_C1TOC2SR;

	for (uint32_t channel = 0; channel < 6; channel++) {
		if (!(channels >> channel & 1))
			continue;
		IPCC_C2MR |= 1u << channel;
		mail |= 1u << channel;
		IPCC_C2SCR |= 1u << channel;
		IPCC_C2MR &= ~(1u << channel);
		if (channel == CHANNEL_3) { /* CoproSync_ShutdownCb() */
			trace("cube: shutdown\n");
			PWR_MCUCR &= ~1u;
			SCB_SCR |= 4;
			__asm__ volatile("dsb\n\tisb" ::: "memory");
			wfi();
			SCB_SCR &= ~4u;
		}
	}
	rtos_wake(ECHO);
}

/* HAL_IPCC_TX_IRQHandler() */
static void ipcc_tx(void)
{
	uint32_t channels = ~IPCC_C2MR & 0x3f0000 & ~(IPCC_C2SR << 16);

	expect("tx-free", channels != 0, IPCC_C2MR);
	for (uint32_t bit = 1u << 16; channels; bit <<= 1) {
		if (!(channels & bit))
			continue;
		IPCC_C2MR |= bit;
		freed++;
		channels &= ~bit;
	}
}

/* MX_IPCC_Init(), MAILBOX_Init() and CoproSync_Init() */
static void ipcc_init(void)
{
	RCC_MC_AHB3ENSETR = 1u << 12;
	irq_handler(IPCC_RX_IRQ, 6, ipcc_rx);
	irq_handler(IPCC_TX_IRQ, 6, ipcc_tx);
	IPCC_C2CR = 0;
	IPCC_C2MR = 0x3f003f;
	IPCC_C2SCR = 0x3f;
	IPCC_C2CR |= 1u << 16 | 1;
	IPCC_C2MR &= ~(1u << CHANNEL_1);
	IPCC_C2MR &= ~(1u << CHANNEL_2);
	IPCC_C2MR &= ~(1u << CHANNEL_3);
}

/* MAILBOX_Notify() */
void mailbox_send(uint8_t notifyid)
{
	while (IPCC_C2SR & 1u << notifyid)
		;
	IPCC_C2SCR |= 1u << (16 + notifyid);
	irq_disable();
	IPCC_C2MR &= ~(1u << (16 + notifyid));
	irq_enable();
}

/* OPENAMP_check_for_message() polls; here a task blocks. */
void vsoc_wait(void)
{
	if (!mail)
		rtos_delay(10);
	mail = 0;
}

static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	return rpmsg_send(dst, src, data, len);
}

static void idle_task(void)
{
	for (;;)
		rtos_sleep();
}

static void worker_task(void)
{
	for (float step = 0.5f;; step = 0.5f) {
		float next = sum;

		for (int round = 0; round < 1000; round++)
			next += step;
		sum = next;
		rtos_delay(2);
	}
}

static void echo_task(void)
{
	uint32_t begin = hal_ticks, ticks;

	drivers();
	trace("cube: drivers\n");
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-tty", 1024);
	rpmsg_announce("rpmsg-tty", 1025);
	begin = hal_ticks, ticks = rtos_ticks;
	while (rtos_ticks - ticks < 200)
		rtos_delay(200 - (rtos_ticks - ticks));
	begin = hal_ticks - begin, ticks = rtos_ticks - ticks;
	/* A tick that is stopped now and then loses time, the more the busier the host is. */
	expect("delay", begin >= 190, begin);
	expect("tick", ticks >= 200 && ticks <= 205, ticks);
	expect("sleeps", rtos_sleeps > 5, rtos_sleeps);
	expect("switches", rtos_switches > 10, rtos_switches);
	expect("float", sum > 2000.0f && (uint32_t)sum % 500 == 0, (uint32_t)sum);
	expect("freed", freed >= 2, freed);
	trace(failures ? "cube: failed\n" : "cube: good\n");
	for (;;) {
		rpmsg_receive(echo);
		vsoc_wait();
	}
}

/* vPortValidateInterruptPriority(): how many bits of priority there are. */
static void priorities(void)
{
	uint8_t before = NVIC_IPR_OF(0), bits;

	NVIC_IPR_OF(0) = 0xff;
	bits = NVIC_IPR_OF(0);
	NVIC_IPR_OF(0) = before;
	expect("priority-bits", bits == 0xf0, bits);
}

/* Reset_Handler(), SystemInit() and main() */
void reset(void)
{
	for (uint32_t *word = bss_start; word < bss_end; word++)
		*word = 0;
	SCB_CPACR |= 0xfu << 20;
	for (uint32_t offset = 0xc0; offset < 0xf0; offset += 0x10)
		EXTI(offset) = EXTI(offset + 4) = 0;
	hal_init();
	expect("boot-mode", (REG(0x50020000u) & 7) != 4, REG(0x50020000u));
	trace("cube: boot\n");
	pins();
	ipcc_init();
	priorities();
	rtos_task(idle_task);
	rtos_task(worker_task);
	rtos_task(echo_task);
	rtos_start(mcu_hz);
}
