/* SPDX-License-Identifier: MIT */
/*
 * Starts as a Zephyr image for kv260_r5 does, from soc_reset_hook() to openamp_rsc_table: caches by
 * CLIDR, FPU, MPU, GIC, a TTC that matches, the UART, threads with an FPU that is turned on when one
 * uses it, and an IPI to the APU. The code is in Thumb state, its exceptions are not.
 */
#include "table.h"

#define TICK (TTC_HZ / 1000u)
#define APU_BIT 0
#define STACK 256

struct table {
	uint32_t ver, num, reserved[2], offset[2];
	struct rsc_vdev vdev;
	struct rsc_trace trace;
};

char system_log_buf[TRACE_SIZE] __attribute__((section(".noinit")));
__attribute__((section(".resource_table"), used)) volatile struct table resource_table = {
	.ver = 1,
	.num = 2,
	.offset = {__builtin_offsetof(struct table, vdev), __builtin_offsetof(struct table, trace)},
	.vdev = {.type = RSC_VDEV,
		 .id = VIRTIO_ID_RPMSG,
		 .notifyid = 2,
		 .dfeatures = VIRTIO_RPMSG_F_NS,
		 .num_of_vrings = 2,
		 .vring = {{.da = ADDR_ANY, .align = 16, .num = 8, .notifyid = 0},
			   {.da = ADDR_ANY, .align = 16, .num = 8, .notifyid = 1}}},
	.trace = {.type = RSC_TRACE, .da = TRACE_ADDRESS, .len = TRACE_SIZE, .name = "Zephyr_log"},
};

struct thread {
	uint32_t *sp, until; /* the assembler knows where what is */
	uint64_t d[16];
	uint32_t fpscr;
	int asleep;
};

static struct thread threads[4]; /* the idle one, main, and two that calculate */
static uint64_t stacks[4][STACK / 2] __attribute__((section(".noinit")));
__attribute__((used)) struct thread *volatile current, *volatile next;
__attribute__((used)) volatile uint32_t nested, fpu_faults;
static volatile uint32_t kicked, last_cycles, uptime;
static volatile double sums[2];
extern uint32_t bss_start[], bss_end[];
void z_switch_to_main(void);

#define READ(op1, c, m, op2) ({ \
	uint32_t value; \
	__asm__ volatile("mrc p15, " #op1 ", %0, " #c ", " #m ", " #op2 : "=r"(value)); \
	value; \
})
#define WRITE(op1, c, m, op2, value) \
	__asm__ volatile("mcr p15, " #op1 ", %0, " #c ", " #m ", " #op2 ::"r"(value) : "memory")
static void sync(void) { __asm__ volatile("dsb\n\tisb" ::: "memory"); }

static void expect(const char *what, int good, uint32_t value)
{
	if (good)
		return;
	trace("FAIL ");
	trace(what);
	trace_number(" 0x", value);
}

__attribute__((used, noreturn)) void z_fatal(void)
{
	trace_number("fatal: dfsr 0x", READ(0, c5, c0, 0));
	for (;;)
		irq_disable();
}

void vsoc_fail(void) { z_fatal(); }

/* L1C_InvalidateDCacheAll(), and both caches on. */
__attribute__((used)) void soc_reset_hook(void)
{
	uint32_t clidr;

	WRITE(0, c1, c0, 0, READ(0, c1, c0, 0) & ~(1u << 13));
	WRITE(0, c7, c5, 0, 0);
	sync();
	WRITE(0, c1, c0, 0, READ(0, c1, c0, 0) | 1u << 12);
	clidr = READ(1, c0, c0, 1);
	for (uint32_t level = 0; level < 7; level++) {
		uint32_t type = clidr >> (3 * level) & 7, size, sets, ways, shift, way_shift;

		if (type < 2 || type > 4)
			continue;
		WRITE(2, c0, c0, 0, level << 1);
		size = READ(1, c0, c0, 0);
		sets = (size >> 13 & 0x7fff) + 1;
		ways = (size >> 3 & 0x3ff) + 1;
		shift = (size & 7) + 4;
		way_shift = ways > 1 ? (uint32_t)__builtin_clz(ways - 1) : 0;
		for (uint32_t way = 0; way < ways; way++)
			for (uint32_t set = 0; set < sets; set++)
				WRITE(0, c7, c6, 2, way << way_shift | set << shift | level << 1);
	}
	sync();
	WRITE(0, c1, c0, 0, READ(0, c1, c0, 0) | 1u << 2);
	sync();
}

static void region(uint32_t number, uint32_t base, uint32_t log2, uint32_t attributes)
{
	WRITE(0, c6, c2, 0, number);
	sync();
	WRITE(0, c6, c1, 0, base);
	WRITE(0, c6, c1, 2, log2 ? (log2 - 1) << 1 | 1 : 0);
	WRITE(0, c6, c1, 4, attributes);
	sync();
}

static void mpu_init(void)
{
	uint32_t count = READ(0, c0, c0, 4) >> 8 & 0xff;

	expect("regions", count == 16, count);
	sync();
	WRITE(0, c1, c0, 0, READ(0, c1, c0, 0) & ~1u);
	sync();
	region(0, 0xc0000000u, 25, 0x163b); /* flash: read only, not executed */
	region(1, 0x00000000u, 31, 0x1129); /* memory: of privileged code, not executed */
	region(2, 0x00000000u, 14, 0x0629); /* what is only read, as far as the image has it */
	region(3, 0xf8000000u, 27, 0x0110);
	for (uint32_t number = 4; number < count; number++)
		region(number, 0, 0, 0);
	WRITE(0, c1, c0, 0, READ(0, c1, c0, 0) | 1u);
	sync();
}

/* arm_gic_init() */
static void gic_init(void)
{
	uint32_t irqs = ((GICD_REG(4) & 0x1f) + 1) * 32, targets = 0;

	expect("GICD_TYPER", irqs == IRQS, irqs);
	GICD_REG(0) = 0;
	for (int i = 0; i < 8; i++)
		if (!(targets = GICD_REG(0x800 + 4 * i)))
			break;
	expect("GICD_ITARGETSR", targets == (1u << CORE) * 0x01010101u, targets);
	for (uint32_t irq = 32; irq < irqs; irq += 4)
		GICD_REG(0x800 + irq) = targets;
	for (uint32_t irq = 32; irq < irqs; irq += 16)
		GICD_REG(0xc00 + irq / 4) = 0;
	for (uint32_t irq = 32; irq < irqs; irq += 4)
		GICD_REG(0x400 + irq) = 0;
	for (uint32_t irq = 32; irq < irqs; irq += 32) {
		GICD_REG(0x80 + irq / 8) = 0;
		GICD_REG(0x180 + irq / 8) = 0xffffffffu;
	}
	GICD_REG(0) = 1;
	GICD_REG(0x180) = 0xffff0000u;
	GICD_REG(0x100) = 0x0000ffffu;
	for (int irq = 0; irq < 32; irq += 4)
		GICD_REG(0x400 + irq) = 0xa0a0a0a0u;
	GICC_REG(ICCPMR) = 0xf0;
	GICC_REG(ICCICR) = GICC_REG(ICCICR) | 1;
}

static void irq_connect(uint32_t irq, uint32_t priority)
{
	GICD_PRIORITY(irq) = (uint8_t)priority;
	GICD_REG(0xc00 + irq / 16 * 4) &= ~(3u << irq % 16 * 2);
	GICD_REG(0x100 + irq / 32 * 4) = 1u << irq % 32;
	expect("GICD_ISENABLER", GICD_REG(0x100 + irq / 32 * 4) >> irq % 32 & 1, irq);
}

/* sys_clock_driver_init(), without ticks */
static void timer_init(void)
{
	TTC_REG(0, TTC_CNT) = 1;
	TTC_REG(0, TTC_CNT) = 0x21;
	TTC_REG(0, TTC_CLK) = 0;
	TTC_REG(0, TTC_INTERVAL) = 0;
	for (uint32_t match = 0; match < 3; match++)
		TTC_REG(0, TTC_MATCH + 12 * match) = 0;
	TTC_REG(0, TTC_IER) = 0;
	TTC_REG(0, TTC_ISR) = 0x3f;
	TTC_REG(0, TTC_CNT) |= 0x10;
	TTC_REG(0, TTC_CNT) |= 0x08;
	TTC_REG(0, TTC_MATCH) = 0xffffffffu;
	irq_connect(TTC_IRQ(0), 0);
	TTC_REG(0, TTC_IER) |= 2;
	TTC_REG(0, TTC_CNT) &= ~1u;
}

/* sys_clock_set_timeout(): for the first that is due. */
static void set_timeout(void)
{
	uint32_t soonest = 1000, cycles = TTC_REG(0, TTC_VAL);

	for (struct thread *one = threads + 1; one < threads + 4; one++)
		if (one->asleep && one->until - uptime < soonest)
			soonest = one->until - uptime;
	TTC_REG(0, TTC_MATCH) = cycles + (soonest ? soonest * TICK : 10000);
}

/* The thread to go on with: the later ones are more urgent. */
static void schedule(void)
{
	struct thread *one = threads + 3;

	for (; one > threads; one--) {
		if (one->asleep && (int32_t)(uptime - one->until) >= 0)
			one->asleep = 0;
		if (!one->asleep)
			break;
	}
	next = one;
}

static void announce_ticks(void)
{
	uint32_t cycles, ticks;

	(void)TTC_REG(0, TTC_ISR);
	cycles = TTC_REG(0, TTC_VAL);
	ticks = (cycles - last_cycles) / TICK;
	last_cycles += ticks * TICK;
	uptime += ticks;
	set_timeout();
}

/* sys_set_bit(): a load and a store, also of what only acts. */
static void set_bit(volatile uint32_t *at, uint32_t bit) { *at = *at | 1u << bit; }

__attribute__((used)) void z_isr(uint32_t iar)
{
	uint32_t irq = iar & 0x3ff;

	if (irq == (uint32_t)TTC_IRQ(0)) {
		announce_ticks();
	} else if (irq == (uint32_t)IPI_IRQ) {
		if (IPI_REG(IPI_ISR) >> APU_BIT & 1) {
			kicked = 1;
			threads[1].asleep = 0;
			set_bit(&IPI_REG(IPI_ISR), APU_BIT);
		}
	} else if (irq < 1020) {
		expect("interrupt", 0, irq);
	}
	irq_disable();
	if (nested == 1)
		schedule();
}

static void give_way(void)
{
	schedule();
	if (next != current)
		__asm__ volatile("svc 0" ::: "memory");
}

/* Wait, with interrupts off, for at most so many ticks. */
static void pend(uint32_t ticks)
{
	current->until = uptime + ticks;
	current->asleep = 1;
	set_timeout();
	give_way();
}

static void k_sleep(uint32_t ticks)
{
	irq_disable();
	pend(ticks);
	irq_enable();
}

void vsoc_wait(void)
{
	irq_disable();
	while (!kicked)
		pend(500);
	kicked = 0;
	irq_enable();
}

/* xlnx_ipi_send(), without waiting */
void mailbox_send(uint8_t notifyid)
{
	(void)notifyid;
	set_bit(&IPI_REG(IPI_TRIG), APU_BIT);
	(void)IPI_REG(IPI_OBS);
}

static void uart_init(void)
{
	UART_REG(UART_CR) = 0x12b;
	UART_REG(4) = (UART_REG(4) & ~0xbeu) | 0x20;
	UART_REG(UART_RXWM) = 1;
	UART_REG(0xc) = 0x3fff;
	UART_REG(0x34) = 6;
	UART_REG(0x18) = 124;
	UART_REG(UART_ISR) = 0x3fff;
	UART_REG(UART_CR) = (UART_REG(UART_CR) & ~0x3cu) | 0x14;
}

static void printk(const char *text)
{
	for (; *text; text++) {
		while (UART_REG(UART_SR) & SR_TFUL)
			;
		UART_REG(UART_FIFO) = (uint8_t)*text;
	}
}

static void add(uint32_t number)
{
	double sum = 0, step = number ? 0.25 : 3;

	for (uint32_t i = 0; i < 40; i++) {
		uint32_t begin = TTC_REG(0, TTC_VAL);

		sum += step;
		while (TTC_REG(0, TTC_VAL) - begin < TICK / 10)
			;
		if (!(i & 7))
			k_sleep(1);
	}
	sums[number] = sum;
	for (;;)
		k_sleep(10000);
}

static void first(void) { add(0); }
static void second(void) { add(1); }

static void idle(void)
{
	for (;;) {
		irq_disable();
		__asm__ volatile("dsb\n\twfi" ::: "memory");
		irq_enable();
	}
}

static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	return rpmsg_send(dst, src, data, len);
}

static void main_thread(void)
{
	uart_init();
	printk("*** Booting Zephyr-like image ***\r\n");
	IPI_REG(IPI_IDR) = 0xffffffffu;
	IPI_REG(IPI_ISR) = 0xffffffffu;
	irq_connect(IPI_IRQ, 0xa0);
	set_bit(&IPI_REG(IPI_IER), APU_BIT);
	while (!sums[0] || !sums[1])
		k_sleep(2);
	expect("first thread", sums[0] == 120, (uint32_t)sums[0]);
	expect("second thread", sums[1] == 10, (uint32_t)sums[1]);
	expect("FPU of its own", fpu_faults >= 3, fpu_faults);
	while (!(resource_table.vdev.status & VIRTIO_DRIVER_OK))
		k_sleep(1);
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-client-sample", 1024);
	rpmsg_announce("rpmsg-raw", 1025);
	printk("ready\r\n");
	for (;;) {
		rpmsg_receive(echo);
		vsoc_wait();
	}
}

static void thread_create(uint32_t number, void (*function)(void))
{
	uint32_t *sp = (uint32_t *)(stacks[number] + STACK / 2);

	*--sp = 0x1f | ((uint32_t)function & 1 ? 0x20 : 0);
	*--sp = (uint32_t)function & ~1u;
	threads[number].sp = sp - 14;
}

__attribute__((used, noreturn)) void z_prep_c(void)
{
	WRITE(0, c13, c0, 3, (uint32_t)&current);
	WRITE(0, c1, c0, 2, READ(0, c1, c0, 2) | 0xfu << 20);
	__asm__ volatile("isb\n\tvmsr fpexc, %0" ::"r"(1u << 30) : "memory");
	for (uint32_t *word = bss_start; word < bss_end; word++)
		*word = 0;
	mpu_init();
	expect("TPIDRURO", READ(0, c13, c0, 3) == (uint32_t)&current, READ(0, c13, c0, 3));
	gic_init();
	timer_init();
	thread_create(0, idle);
	thread_create(1, main_thread);
	thread_create(2, first);
	thread_create(3, second);
	current = next = threads + 1;
	z_switch_to_main();
	for (;;)
		;
}
