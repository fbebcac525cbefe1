/* SPDX-License-Identifier: MIT */
/*
 * The order in which images of NXP's MCUXpresso SDK start, with FreeRTOS and rpmsg-lite: caches,
 * MPU, RDC, clocks (with the asserts of a debug build), console, a copy of the resource table, and
 * a remote that waits for the first word of Linux before it looks at its rings. Those are where
 * VRING_BASE says, 256 buffers each. Announces rpmsg-virtual-tty-channel-1 and echoes; it prints
 * what it receives.
 *
 * With ZEPHYR it is the order of Zephyr instead: an audio PLL is started, words of all four
 * channels are listened to, DRIVER_OK in the table is waited for, and what is rung is the channel
 * of a ring's number, if that is free.
 */
#include "rtos.h"

#define NUM 256u
#define ALIGN 4096u
#define EPT 30u
#define NS 53u
#define NAME "rpmsg-virtual-tty-channel-1"

struct table {
	uint32_t ver, num, reserved[2], offset[1];
	struct rsc_vdev vdev;
};

__attribute__((section(".resource_table"), used)) const struct table resource_table = {
	.ver = 1,
	.num = 1,
	.offset = {__builtin_offsetof(struct table, vdev)},
	.vdev = {.type = RSC_VDEV,
		 .id = VIRTIO_ID_RPMSG,
		 .notifyid = 2,
		 .dfeatures = VIRTIO_RPMSG_F_NS,
		 .num_of_vrings = 2,
		 .vring = {{.da = VRING_BASE, .align = ALIGN, .num = NUM, .notifyid = 0},
			   {.da = VRING_BASE + VRING_SIZE, .align = ALIGN, .num = NUM,
			    .notifyid = 1}}},
};

static void say(const char *text) { board_puts(text); }

static void need(int good, const char *what)
{
	if (good)
		return;
	say("ASSERT: ");
	say(what);
	say("\r\n");
	vsoc_fail();
}

/* SystemInit(): the FPU is on; the caches of a Cortex-M4 are invalidated, and turned on. */
static void system_init(void)
{
#ifndef M7
	LMEM_PCCCR |= 1u << 26 | 1u << 24 | 1u << 31;
	while (LMEM_PCCCR >> 31)
		;
	LMEM_PCCCR |= 2;
	LMEM_PCCCR |= 1;
	LMEM_PSCCR |= 1u << 26 | 1u << 24 | 1u << 31;
	while (LMEM_PSCCR >> 31)
		;
	LMEM_PSCCR |= 1;
#endif
}

/*
 * BOARD_InitMemory(): a Cortex-M7 has its TCMs and DDR behind a region that nothing is executed
 * from; a Cortex-M4 the 384 MiB above its own SRAM as a device, by subregions, and DDR.
 */
static void init_memory(void)
{
#ifdef M7
	static const uint32_t regions[][2] = {
		{0x00000000u, 0x1301003bu}, {0x00000000u, 0x03080021u}, {0x08000000u, 0x030b0035u},
		{0x20000000u, 0x03080021u}, {0x40000000u, 0x0308003bu}, {0x80000000u, 0x0308003bu},
	};
	const uint32_t ctrl = 7;
#else
	static const uint32_t regions[][2] = {
		{0x20000000u, 0x13100339u}, {0x40000000u, 0x0301003bu}, {0x80000000u, 0x0301003bu},
	};
	const uint32_t ctrl = 5;
#endif

	MPU_CTRL = 0;
	for (uint32_t i = 0; i < sizeof(regions) / sizeof(*regions); i++) {
		MPU_RBAR = regions[i][0] | 0x10 | i;
		MPU_RASR = regions[i][1];
	}
	MPU_CTRL = ctrl;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	need(MPU_CTRL == ctrl, "MPU");
#ifdef M7
	SCB_ICIALLU = 0;
	SCB_CCR |= 1u << 17;
	SCB_CSSELR = 0;
	for (uint32_t size = SCB_CCSIDR, set = 0; set <= (size >> 13 & 0x7fff); set++)
		for (uint32_t way = 0; way <= (size >> 3 & 0x3ff); way++)
			SCB_DCISW = set << 5 | way << 30;
	SCB_CCR |= 1u << 16;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
}

/* BOARD_RdcInit() */
static void rdc_init(void)
{
	uint32_t domain = RDC_STAT & 0xf;

	if (RDC_PDAP(20) >> (2 * domain) & 1)
		RDC_MDA(1) = 1;
	for (uint32_t gate = 73; gate < 77; gate++)
		CCM_CCGR_SET(gate) = 0x3333;
	for (uint32_t pll = 0; pll < 9; pll++)
		REG(0x30380800u + 16 * pll) = 0x3333;
}

static void root_mux(uint32_t root, uint32_t mux)
{
	CCM_ROOT(root) = (CCM_ROOT(root) & ~(7u << 24)) | mux << 24;
}

static void root_divider(uint32_t root, uint32_t pre, uint32_t post)
{
	CCM_ROOT(root) = (CCM_ROOT(root) & ~(7u << 16 | 0x3fu)) | (pre - 1) << 16 | (post - 1);
}

/* BOARD_BootClockRUN() */
static void boot_clock(void)
{
	root_mux(ROOT_AHB, 0);
	root_mux(ROOT_CORE, 0);
#ifdef ZEPHYR
	REG(PLL_AUDIO1) &= ~(1u << 4);
	REG(PLL_AUDIO1) &= ~(1u << 9);
	REG(PLL_AUDIO1 + 4) = 655u << 12 | 5u << 4 | 2u;
	REG(PLL_AUDIO1 + 8) = 23593;
	REG(PLL_AUDIO1) |= 1u << 9;
	REG(PLL_AUDIO1) |= 1u << 13;
	while (!(REG(PLL_AUDIO1) >> 31))
		;
#endif
#ifdef M7
	root_divider(ROOT_CORE, 1, 1);
#else
	root_divider(ROOT_CORE, 1, 2);
#endif
	root_mux(ROOT_CORE, 4);
	root_divider(ROOT_AHB, 1, 1);
	root_mux(ROOT_AHB, 1);
	root_mux(ROOT_UART4, 1);
	root_divider(ROOT_UART4, 1, 1);
	need(pll_hz(PLL_SYS1) == 800000000u, "SYSTEM PLL1");
	need(pll_hz(PLL_SYS2) == 1000000000u, "SYSTEM PLL2");
	need(pll_hz(PLL_SYS3) != 0, "SYSTEM PLL3");
}

/* The remote of rpmsg-lite: ring 0 is for what it sends. */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
struct avail {
	uint16_t flags, idx, ring[NUM];
};
struct used {
	uint16_t flags, idx;
	struct {
		uint32_t id, len;
	} ring[NUM];
};
struct vq {
	volatile struct desc *desc;
	volatile struct avail *avail;
	volatile struct used *used;
	uint16_t seen;
};
struct header {
	uint32_t src, dst, reserved;
	uint16_t len, flags;
	uint8_t data[496];
};

static struct vq tx, rx;
static volatile uint32_t link_up, rung;

static void vq_init(struct vq *vq, uint32_t base)
{
	vq->desc = (void *)base;
	vq->avail = (void *)(base + 16 * NUM);
	vq->used = (void *)((base + 16 * NUM + 6 + 2 * NUM + ALIGN - 1) & ~(ALIGN - 1));
	vq->seen = 0;
}

static void mu_handler(void)
{
#ifdef ZEPHYR
	for (uint32_t n = 0; n < 4; n++)
		if (MUB_SR & MU_RF(n))
			(void)MUB_RR(n);
#else
	if (MUB_SR & MU_RF(MU_CHANNEL))
		rung |= 1u << (MUB_RR(MU_CHANNEL) >> 16);
#endif
	link_up = 1;
	__asm__ volatile("dsb" ::: "memory");
}

static void notify(uint32_t queue)
{
#ifdef ZEPHYR
	if (MUB_SR & MU_TE(queue)) /* ipm_send(), else EBUSY: what was rung has not been heard yet */
		MUB_TR(queue) = 0;
#else
	while (!(MUB_SR & MU_TE(MU_CHANNEL)))
		;
	MUB_TR(MU_CHANNEL) = queue << 16;
#endif
}

static struct header *take(struct vq *vq, uint32_t *head)
{
	if (vq->seen == vq->avail->idx)
		return 0;
	barrier();
	*head = vq->avail->ring[vq->seen++ % NUM];
	return (struct header *)(uint32_t)vq->desc[*head].addr;
}

static void give(struct vq *vq, uint32_t head, uint32_t len, uint32_t queue)
{
	uint16_t idx = vq->used->idx;

	vq->used->ring[idx % NUM].id = head;
	vq->used->ring[idx % NUM].len = len;
	barrier();
	vq->used->idx = idx + 1;
	barrier();
	if (!(vq->avail->flags & 1))
		notify(queue);
}

static void send(uint32_t dst, const void *data, uint32_t len)
{
	uint32_t head;
	struct header *to;

	while (!(to = take(&tx, &head)))
		rtos_delay(1);
	to->src = EPT;
	to->dst = dst;
	to->reserved = 0;
	to->len = (uint16_t)len;
	to->flags = 0;
	memcpy(to->data, data, len);
	give(&tx, head, 16 + len, 0);
}

static void announce(void)
{
	struct {
		char name[32];
		uint32_t addr, flags;
	} message = {NAME, EPT, 0};

	send(NS, &message, sizeof(message));
	say("Nameservice sent, ready for incoming messages...\r\n");
}

static void app_task(void)
{
	say("\r\nRPMSG String Echo FreeRTOS RTOS API Demo...\r\n");
	irq_set(MU_IRQ, mu_handler);
	NVIC_IPR_OF(MU_IRQ) = 3 << 4;
	vq_init(&tx, VRING_BASE);
	vq_init(&rx, VRING_BASE + VRING_SIZE);
#ifdef ZEPHYR
	MUB_CR |= 0xfu << 24;
	while (!(((volatile struct table *)RSC_TABLE)->vdev.status & VIRTIO_DRIVER_OK))
		rtos_delay(1);
#else
	MUB_CR |= MU_RF(MU_CHANNEL);
	while (!link_up)
		rtos_delay(1);
#endif
	say("Link is up!\r\n");
	announce();
	for (;;) {
		uint32_t head;
		struct header *from = take(&rx, &head);
		char line[497];

		if (!from) {
			rtos_delay(1);
			continue;
		}
		memcpy(line, from->data, from->len);
		line[from->len] = 0;
		say("Get Message From Master Side : \"");
		say(line);
		say("\"\r\n");
		send(from->src, line, from->len);
		give(&rx, head, 16 + from->len, 1);
	}
}

static void idle_task(void)
{
	for (;;)
		wfi();
}

/* copyResourceTable(): to the place of the table, and, as older SDKs do, to the first ring. */
static void copy_table(void)
{
	memcpy((void *)VRING_BASE, &resource_table, sizeof(resource_table));
	memcpy((void *)RSC_TABLE, &resource_table, sizeof(resource_table));
}

int main(void)
{
	system_init();
	init_memory();
	rdc_init();
	boot_clock();
	board_console();
	copy_table();
	rtos_task(idle_task);
	rtos_task(app_task);
	rtos_start(core_hz);
	return 0;
}
