/* Start-up, mailbox and timer of the DS2, and an echo for rpmsg. */
#include "vsoc.h"

#define MBOX ((volatile uint32_t *)0x40000000u) /* status, channel, data */
#define TIMER ((volatile uint32_t *)0x40001000u) /* load, control, status */
enum { ARRIVED = 1, FULL = 2, VRING = 0, CONTROL = 1 };
#define SHUTDOWN (1u << 31)
#define DELAY (1u << 30)

char log_buffer[TRACE_SIZE];
__attribute__((section(".resource_table"), used)) volatile struct {
	uint32_t ver, num, reserved[2], offset[2];
	struct rsc_trace trace;
	struct rsc_vdev vdev;
} resource_table = {
	1, 2, {0, 0}, {24, 24 + sizeof(struct rsc_trace)},
	{.type = RSC_TRACE, .da = (uint32_t)log_buffer, .len = TRACE_SIZE, .name = "trace0"},
	{.type = RSC_VDEV, .id = VIRTIO_ID_RPMSG, .dfeatures = VIRTIO_RPMSG_F_NS,
	 .num_of_vrings = 2,
	 .vring = {{ADDR_ANY, 16, 32, ADDR_ANY, 0}, {ADDR_ANY, 16, 32, ADDR_ANY, 0}}},
};

static volatile uint32_t mail, told, delay, ticks;

static void send(uint32_t channel, uint32_t word)
{
	while (MBOX[0] & FULL)
		;
	MBOX[2] = word;
	MBOX[1] = channel;
}

static void mailbox_irq(void)
{
	while (MBOX[0] & ARRIVED) {
		uint32_t channel = MBOX[1], word = MBOX[2];

		if (channel == VRING)
			mail = 1;
		else if (word & SHUTDOWN)
			send(CONTROL, word);
		else
			told = 1, delay = word & ~DELAY;
	}
}

static void timer_irq(void)
{
	TIMER[2] = 0;
	ticks++;
}

/* The kit's: a vring's number to the host, and the end, by a fault that cannot be handled. */
void mailbox_send(uint8_t byte) { send(VRING, byte); }
void vsoc_fail(void)
{
	for (;;)
		__asm__ volatile("cpsid f\n\tudf #0");
}

static void wait_until(volatile uint32_t *what, uint32_t value)
{
	irq_disable();
	while (*what < value) {
		wfi();
		irq_enable();
		irq_disable();
	}
	irq_enable();
}

void vsoc_wait(void)
{
	wait_until(&mail, 1);
	mail = 0;
}

static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	return rpmsg_send(dst, src, data, len);
}

void reset(void)
{
	NVIC_ISER = 3;
	wait_until(&told, 1);
	TIMER[0] = 1000;
	TIMER[1] = delay != 0;
	wait_until(&ticks, delay);
	TIMER[1] = 0;
	trace_number("acme: ticks 0x", ticks);
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-raw", 1024);
	for (;;) {
		rpmsg_receive(echo);
		vsoc_wait();
	}
}

extern char stack_top[];
__attribute__((section(".vectors"), used)) static void (*const vectors[16 + 2])(void) = {
	[0] = (void (*)(void))stack_top, [1] = reset, [2] = vsoc_fail, [3] = vsoc_fail,
	[16] = mailbox_irq, [17] = timer_irq,
};
