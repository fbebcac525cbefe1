/* SPDX-License-Identifier: MIT */
/*
 * What start-up code, operating systems and their ports rely on. A line on the console for each
 * thing that is not as it should be, and "selftest: N failures" at the end.
 */
#include "trace_table.h"
#include "checks.h"

static volatile uint32_t taken, spsr, lr, order[4], count;

/* Each fault is counted, and its instruction passed over. */
#define HANDLER(name, back, number) \
	__attribute__((naked)) void name(void) \
	{ \
		__asm__("push {r0, r1}\n\tldr r0, =taken\n\tmov r1, #" #number "\n\tstr r1, [r0]\n\t" \
			"mrs r1, spsr\n\tldr r0, =spsr\n\tstr r1, [r0]\n\t" \
			"ldr r0, =lr\n\tstr lr, [r0]\n\tpop {r0, r1}\n\tsubs pc, lr, #" #back); \
	}
HANDLER(undefined_entry, 0, 1)
HANDLER(data_entry, 4, 4)
__attribute__((naked)) void prefetch_entry(void) /* back to the caller, or behind a BKPT */
{
	__asm__("push {r0, r1}\n\tldr r0, =taken\n\tmov r1, #3\n\tstr r1, [r0]\n\t"
		"mrc p15, 0, r1, c5, c0, 1\n\tcmp r1, #2\n\tpop {r0, r1}\n\t"
		"moveqs pc, lr\n\tldr lr, =resume\n\tldr lr, [lr]\n\tmovs pc, lr");
}
__attribute__((naked)) void svc_entry(void)
{
	__asm__("push {r0, r1}\n\tldr r0, =taken\n\tmov r1, #2\n\tstr r1, [r0]\n\t"
		"ldr r0, [lr, #-4]\n\tbic r0, r0, #0xff000000\n\tldr r1, =lr\n\tstr r0, [r1]\n\t"
		"pop {r0, r1}\n\tmovs pc, lr");
}
volatile uint32_t resume;

static uint32_t cp15_dfsr(void)
{
	uint32_t value;

	__asm__ volatile("mrc p15, 0, %0, c5, c0, 0" : "=r"(value));
	return value;
}

static uint32_t cp15_dfar(void)
{
	uint32_t value;

	__asm__ volatile("mrc p15, 0, %0, c6, c0, 0" : "=r"(value));
	return value;
}

static uint32_t cpsr(void)
{
	uint32_t value;

	__asm__ volatile("mrs %0, cpsr" : "=r"(value));
	return value;
}

static void faults(void)
{
	uint32_t before = cpsr() & 0xff;

	__asm__ volatile("udf #1");
	check(taken == 1 && (spsr & 0xff) == before, "undefined instruction");
	__asm__ volatile("svc #0x1234");
	check(taken == 2 && lr == 0x1234, "supervisor call");
	(void)REG(0xf8f00008u);
	check(taken == 4 && (cp15_dfsr() & 0xc0f) == 8 && cp15_dfar() == 0xf8f00008u, "external abort");
	REG(0x7fd00020u) = 5;
	check(taken == 4 && (cp15_dfsr() & 0xc0f) == 0x80d && cp15_dfar() == 0x7fd00020u, "read only");
	taken = 0;
	(void)REG(0x7fd00020u);
	check(taken == 0, "what is read only can be read");
	(void)REG(0x7fe00040u);
	check(taken == 4 && (cp15_dfsr() & 0xc0f) == 0xd && cp15_dfar() == 0x7fe00040u, "no access");
	taken = 0;
	__asm__ volatile("bkpt #1");
	check(taken == 3, "breakpoint");
	taken = 0;
	__asm__ volatile("adr r0, 1f\n\tldr r1, =resume\n\tstr r0, [r1]\n\t"
			 "ldr r0, =0xff000000\n\tbx r0\n1:" ::: "r0", "r1", "memory");
	check(taken == 3, "execute never");
	check((cpsr() & 0xff) == before, "mode and masks behind faults");
}

__attribute__((naked, target("thumb"))) static void thumb_faults(void)
{
	__asm__("push {r4, lr}\n\tldr r4, =0xf8f00010\n\tldr.w r1, [r4]\n\tudf #5\n\tsvc #3\n\t"
		"pop {r4, pc}\n\t.ltorg");
}

static uint32_t trapped(uint32_t set)
{
	uint32_t sctlr;

	__asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(sctlr));
	sctlr = (sctlr & ~(1u << 19)) | set << 19;
	__asm__ volatile("mcr p15, 0, %0, c1, c0, 0\n\tisb" ::"r"(sctlr));
	__asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(sctlr));
	return sctlr >> 19 & 1;
}

static uint32_t divide(uint32_t a, uint32_t b)
{
	uint32_t quotient = 77;

	taken = 0;
	__asm__ volatile("cmp %2, #1\n\tudivne %0, %1, %2\n\tsdivls lr, %1, %2"
			 : "+r"(quotient) : "r"(a), "r"(b) : "cc", "lr");
	return quotient;
}

/* SCTLR.DZ: what divides by zero is undefined; the handler goes on behind it. */
static void divisions(void)
{
	check(divide(21, 0) == 0 && !taken, "division by zero");
	check(trapped(1) == 1, "SCTLR.DZ");
	check(divide(21, 7) == 3 && !taken, "division while zero is trapped");
	check(divide(21, 1) == 77 && !taken, "a division that is not executed");
	check(divide(21, 0) == 77 && taken == 1, "a trapped division by zero");
	check(trapped(0) == 0 && divide(21, 0) == 0 && !taken, "a division that is no longer trapped");
}

static void cp15(void)
{
	uint32_t ctr, ccsidr, clidr, mpidr, mpuir, sctlr, first, second;

	__asm__ volatile("mrc p15, 0, %0, c0, c0, 1" : "=r"(ctr));
	__asm__ volatile("mrc p15, 1, %0, c0, c0, 0" : "=r"(ccsidr));
	__asm__ volatile("mrc p15, 1, %0, c0, c0, 1" : "=r"(clidr));
	__asm__ volatile("mrc p15, 0, %0, c0, c0, 5" : "=r"(mpidr));
	__asm__ volatile("mrc p15, 0, %0, c0, c0, 4" : "=r"(mpuir));
	__asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(sctlr));
	check(ctr == 0x8003c003u, "CTR");
	check((ccsidr & 7) == 1 && (ccsidr >> 3 & 0x3ff) == 3, "CCSIDR");
	check(clidr == 0x09200003u, "CLIDR");
	check((mpidr & 0xff) == CORE, "MPIDR");
	check(mpuir == 0x1000, "MPUIR");
	check((sctlr & 0x3005) == 0x1005, "SCTLR");
	__asm__ volatile("mcr p15, 0, %0, c9, c12, 0\n\tmcr p15, 0, %1, c9, c12, 1" ::"r"(5),
			 "r"(0x80000000u));
	__asm__ volatile("mrc p15, 0, %0, c9, c13, 0" : "=r"(first));
	for (volatile int i = 0; i < 1000; i++)
		;
	__asm__ volatile("mrc p15, 0, %0, c9, c13, 0" : "=r"(second));
	check(second - first > 0 && second - first < 500000000u, "PMCCNTR");
}

static void inner(void)
{
	order[count++] = 2;
	(void)TTC_REG(0, TTC_ISR);
	TTC_REG(0, TTC_CNT) = 1;
}

/* Of lower priority: what it makes due is taken inside of it. */
static void outer(void)
{
	double x = 0.5;

	order[count++] = 1;
	TTC_REG(0, TTC_INTERVAL) = 200000;
	TTC_REG(0, TTC_IER) = 1;
	TTC_REG(0, TTC_CNT) = 0x32;
	while (!count || order[count - 1] != 2)
		x *= 1.5;
	order[count++] = x > 0 ? 3 : 4;
}

static void interrupts(void)
{
	uint32_t before, seen;
	double kept;

	irq_set(TTC_IRQ(0), 0x40, inner);
	irq_set(1, 0x80, outer);
	/* What an interrupt's handler changes in d7 is not seen here. */
	__asm__ volatile("vmov.f64 d7, #1.25\n\tstr %3, [%2]\n"
			 "1:\tldr %1, [%4]\n\tcmp %1, #3\n\tblo 1b\n\tvmov.f64 %P0, d7"
			 : "=w"(kept), "=&r"(seen)
			 : "r"(0xf9000f00u), "r"(2u << 24 | 1), "r"(&count)
			 : "d7", "cc", "memory");
	check(order[0] == 1 && order[1] == 2 && order[2] == 3, "nested interrupts");
	check(kept == 1.25, "FPU context");
	count = 0;
	irq_disable();
	GICD_REG(0xf00) = 2u << 24 | 1;
	before = count;
	check(before == 0, "interrupts off");
	irq_enable();
	check(count > 0, "an interrupt is taken where it is unmasked");
	GICC_REG(ICCPMR) = 0x40;
	count = 0;
	GICD_REG(0xf00) = 2u << 24 | 1;
	check(count == 0, "masked by priority");
	GICC_REG(ICCPMR) = 0xf8;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	check(count > 0, "unmasked by priority");
	GICD_PRIORITY(100) = 0xff;
	check(GICD_PRIORITY(100) == 0xf8, "five bits of priority");
	GICD_PRIORITY(100) = 0;
}

static void clocks(void)
{
	uint32_t before, at;

	before = ticks;
	TTC_REG(1, TTC_CNT) = 0x10;
	at = TTC_REG(1, TTC_VAL);
	while (ticks - before < 50)
		wfi();
	at = TTC_REG(1, TTC_VAL) - at;
	check(at > TTC_HZ / 1000 * 45 && at < TTC_HZ / 1000 * 55, "50 ticks are 50 ms");
}

int main(void)
{
	board_init(1000);
	faults();
	taken = 0;
	thumb_faults();
	check(taken == 2, "faults in Thumb state");
	divisions();
	cp15();
	interrupts();
	clocks();
	board_puts("selftest: ");
	board_puts(failures ? "failed\r\n" : "passed\r\n");
	for (;;)
		wfi();
}
