/* SPDX-License-Identifier: MIT */
/*
 * OpenAMP's echo test on the vendor's BSP and FreeRTOS, from the first print to the echo: the
 * resource table with carveouts for TCM and DDR, shared memory in a region of the MPU, a doorbell
 * by IPI, and a loop that sleeps with interrupts off until that has rung.
 */
#include "bsp.h"

struct table {
	uint32_t ver, num, reserved[2], offset[4];
	struct rsc_carveout tcm, ddr;
	struct rsc_vdev vdev;
	struct rsc_trace trace;
};

__attribute__((section(".resource_table"), used)) volatile struct table resource_table = {
	.ver = 1,
	.num = 4,
	.offset = {__builtin_offsetof(struct table, tcm), __builtin_offsetof(struct table, ddr),
		   __builtin_offsetof(struct table, vdev), __builtin_offsetof(struct table, trace)},
	.tcm = {.type = RSC_CARVEOUT, .da = 0, .pa = 0xffe00000u, .len = 0x10000, .name = "TCM0_COUT"},
	.ddr = {.type = RSC_CARVEOUT, .da = RAM_BASE, .pa = RAM_BASE, .len = 0x40000,
		.name = "DDR_COUT"},
	.vdev = {.type = RSC_VDEV,
		 .id = VIRTIO_ID_RPMSG,
		 .dfeatures = VIRTIO_RPMSG_F_NS,
		 .num_of_vrings = 2,
		 .vring = {{.da = RAM_BASE + 0x40000, .align = 4096, .num = 256, .notifyid = 1},
			   {.da = RAM_BASE + 0x44000, .align = 4096, .num = 256, .notifyid = 2}}},
	.trace = {.type = RSC_TRACE, .da = TRACE_ADDRESS, .len = TRACE_SIZE, .name = "rpu_log"},
};

char system_log_buf[TRACE_SIZE];
static volatile uint32_t kicked;
static volatile double sums[2];

static void kick(void)
{
	if (!(IPI_REG(IPI_ISR) & IPI_LINUX))
		return;
	kicked = 1;
	IPI_REG(IPI_ISR) = IPI_LINUX;
	task_wake(2);
}

void mailbox_send(uint8_t notifyid)
{
	(void)notifyid;
	IPI_REG(IPI_TRIG) = IPI_LINUX;
}

/* platform_poll() */
void vsoc_wait(void)
{
	for (;;) {
		irq_disable();
		if (kicked)
			break;
		wfi();
		irq_enable();
	}
	kicked = 0;
	irq_enable();
}

void vsoc_fail(void)
{
	say("failed\r\n");
	for (;;)
		irq_disable();
}

static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	return rpmsg_send(dst, src, data, len);
}

static void idle(void)
{
	for (;;)
		;
}

/* Two tasks that calculate, and are interrupted and changed at any instruction. */
static void add(uint32_t number)
{
	double sum = 0, step = number ? 0.25 : 3;

	for (uint32_t i = 0; i < 50; i++) {
		sum += step;
		usleep(50);
		if (!(i & 7))
			task_delay(1);
	}
	sums[number] = sum;
	for (;;)
		task_delay(1000);
}

static void first(void) { add(0); }
static void second(void) { add(1); }

static void rpmsg_task(void)
{
	map((uint32_t)&resource_table, 8, 0x308);
	map(RAM_BASE + 0x40000, 20, 0x308);
	map((uint32_t)&IPI_REG(0), 12, 0x310);
	gic_connect(IPI_IRQ, 1, kick);
	IPI_REG(IPI_IER) = IPI_LINUX;
	while (!sums[0] || !sums[1])
		task_delay(1);
	expect("first task", sums[0] == 150, (uint32_t)sums[0]);
	expect("second task", sums[1] == 12.5, (uint32_t)sums[1]);
	while (!(resource_table.vdev.status & VIRTIO_DRIVER_OK))
		task_delay(1);
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-openamp-demo-channel", 1024);
	rpmsg_announce("rpmsg-raw", 1025);
	say("openamp: ready\r\n");
	for (;;) {
		rpmsg_receive(echo);
		vsoc_wait();
	}
}

int main(void)
{
	say("openamp: starts\r\n");
	bsp_drivers();
	task_create(idle, 0);
	task_create(rpmsg_task, 0);
	task_create(first, 1);
	task_create(second, 1);
	scheduler_start();
	return 0;
}
