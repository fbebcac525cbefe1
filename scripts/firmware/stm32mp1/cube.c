/* SPDX-License-Identifier: MIT */
/*
 * An image as STM32CubeMP1 and FreeRTOS make them: the same registers in the same order, from
 * the reset handler to two rpmsg-tty that echo. The trace has a line for each stage, and one
 * that begins with FAIL for whatever is not as it would be on a board.
 */
#include "cube.h"
#include "table.h"

#define IPCC_C2SR IPCC_C2TOC1SR
#define PWR_MCUCR REG(0x50001018u)
#define SCB_SCR REG(0xe000ed10u)
enum { CHANNEL_1, CHANNEL_2, CHANNEL_3 };
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
void reset(void), hang(void), sys_tick(void), svc_handler(void);
void pendsv_handler(void);
__attribute__((section(".isr_vector"), used)) static const vector vectors[16 + IRQS] = {
	[0] = (vector)stack_top,      [1] = reset,	      [2 ... 6] = hang,
	[11] = svc_handler,	      [14] = pendsv_handler,  [15] = sys_tick,
	[16 ... 15 + IRQS] = interrupt,
};

static volatile uint32_t mail, freed;
static uint32_t failures;
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

static uint32_t stops;

/* Check_Sleep() of OpenAMP_TTY_echo_wakeup: *stop is answered, and then obeyed. */
static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	if (!rpmsg_send(dst, src, data, len))
		return 0;
	stops += len > 1 && data[0] == '*' && data[1] == 's';
	return 1;
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
		rtos_delay(5);
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
	while (rtos_sleeps < 5) /* not that many yet where the host is busy */
		rtos_delay(50);
	begin = hal_ticks - begin, ticks = rtos_ticks - ticks;
	/* A tick that is stopped now and then loses time, the more the busier the host is. */
	expect("delay", begin >= 190, begin);
	expect("tick", ticks >= 200, ticks);
	expect("switches", rtos_switches > 10, rtos_switches);
	expect("float", sum > 2000.0f && (uint32_t)sum % 500 == 0, (uint32_t)sum);
	expect("freed", freed >= 2, freed);
	trace(failures ? "cube: failed\n" : "cube: good\n");
	for (;;) {
		rpmsg_receive(echo);
		if (stops) {
			stops = 0;
			hal_stop();
			trace("cube: left a stop\n");
		}
		vsoc_wait();
	}
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
	hal_pins();
	ipcc_init();
	priorities();
	rtos_task(idle_task);
	rtos_task(worker_task);
	rtos_task(echo_task);
	rtos_start(mcu_hz);
}
