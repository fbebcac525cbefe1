/* SPDX-License-Identifier: MIT */
/*
 * The exceptions of an image like Zephyr's: interrupts that interrupt each other, calls of the
 * kernel, registers of the FPU that are kept lazily or not at all, faults that end a thread.
 */
#include "zephyr_kernel.h"

/* Faults: that of a thread ends it, as z_fatal_error() does. */
static volatile uint32_t fault_number, fault_cfsr, fault_hfsr, fault_return, fault_based;

__attribute__((used)) static void fault(const uint32_t *frame, uint32_t exc_return)
{
	fault_number = SCB_ICSR & 0x1ff;
	fault_cfsr = SCB_CFSR;
	fault_hfsr = SCB_HFSR;
	fault_return = exc_return;
	fault_based = SCB_ICSR >> 11 & 1;
	if (fault_number == 3) { /* as it looks for the SVC that became a HardFault */
		REG(0xe000ed14u) |= 1u << 8;
		__asm__ volatile("dsb\n\tisb");
		(void)REG(0x60000000u);
		REG(0xe000ed14u) &= ~(1u << 8);
		expect("ignored", SCB_BFAR == 0x60000000u, SCB_BFAR);
		SCB_CFSR = ~fault_cfsr;
	}
	__asm__ volatile("msr basepri, %0\n\tcpsie i\n\tisb" ::"r"(0) : "memory");
	SCB_CFSR |= fault_cfsr;
	SCB_HFSR |= fault_hfsr;
	if (kernel[0] == &main_thread || !kernel[0]) {
		trace_number("FAIL fault: pc 0x", frame[6]);
		trace_number("FAIL fault: cfsr 0x", fault_cfsr);
		vsoc_fail();
	}
	thread_abort(kernel[0]);
}

__attribute__((naked)) void fault_handler(void)
{
	__asm__("mrs r0, msp\n\tmrs r1, psp\n\ttst lr, #4\n\tit ne\n\tmovne r0, r1\n\tmov r1, lr\n\t"
		"push {r0, lr}\n\tbl fault\n\tpop {r0, pc}");
}

/* SVC 1 is irq_offload(), SVC 2 the end of a thread. */
static volatile uint32_t svc_return, svc_fpccr, svc_fpcar, svc_stacked, svc_after, offloads;

static void offloaded(void)
{
	offloads++;
	svc_fpccr = FPCCR;
	svc_fpcar = FPCAR;
	__asm__ volatile("vmov.f32 s1, #7.0" ::: "s1");
	svc_after = FPCCR;
	svc_stacked = REG(svc_fpcar);
}

__attribute__((used)) static void service(const uint32_t *frame, uint32_t exc_return)
{
	uint8_t number = *(uint8_t *)(frame[6] - 2);

	svc_return = exc_return;
	if (number == 1)
		offloaded();
	else
		thread_abort(kernel[0]);
	int_exit();
}

__attribute__((naked)) void svc_handler(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tmov r1, lr\n\t"
		"push {r0, lr}\n\tbl service\n\tpop {r0, pc}");
}

/* Interrupts of several priorities that pend each other: who was in which order. */
enum { LOW = 6, MIDDLE = 7, HIGH = 8 };
static volatile uint32_t order;
#define NVIC_PEND(irq) (REG(0xe000e200u + 4 * ((irq) / 32)) = 1u << ((irq) % 32))

void interrupt(void)
{
	uint32_t number;

	__asm__ volatile("mrs %0, ipsr" : "=r"(number));
	number -= 16;
	order = order << 4 | number;
	if (number == LOW) {
		NVIC_PEND(MIDDLE);
		__asm__ volatile("dsb\n\tisb");
		NVIC_PEND(HIGH);
		__asm__ volatile("dsb\n\tisb");
		order = order << 4 | 1;
	}
	int_exit();
}

static uint32_t interrupts(uint32_t grouping, uint32_t middle)
{
	SCB_AIRCR = 0x05fa0000u | grouping << 8;
	NVIC_IPR_OF(LOW) = 0x60;
	NVIC_IPR_OF(MIDDLE) = (uint8_t)middle;
	NVIC_IPR_OF(HIGH) = 0x20;
	order = 0;
	NVIC_PEND(LOW);
	__asm__ volatile("dsb\n\tisb");
	return order;
}

void priorities(void)
{
	uint32_t key, seen;

	REG(0xe000e100u) = 7u << LOW;
	seen = interrupts(0, 0x40); /* each interrupts the one before */
	expect("nested", seen == 0x6781, seen);
	seen = interrupts(0, 0x60); /* HIGH interrupts LOW, MIDDLE is tail-chained */
	expect("tail-chained", seen == 0x6817, seen);
	seen = interrupts(5, 0x40); /* LOW and MIDDLE are of one group */
	expect("grouped", seen == 0x6817, seen);
	seen = interrupts(7, 0x40); /* all are */
	expect("one-group", seen == 0x6187, seen);
	SCB_AIRCR = 0x05fa0000u;
	key = irq_lock();
	seen = interrupts(0, 0x40);
	expect("locked", seen == 0, seen);
	irq_unlock(key);
	expect("unlocked", order == 0x6781, order);
	trace("zephyr: priorities\n");
}

void lazy(void)
{
	uint32_t psp, first, flags;

	FPCCR |= LSPEN;
	__asm__ volatile("vmov.f32 s0, #3.0\n\tvmov.f32 s1, #2.0\n\tvmov.f32 s2, #5.0\n\t"
			 "vcmp.f32 s0, s2\n\tmrs %0, psp\n\tsvc 1\n\tvmrs %2, fpscr\n\tvmov %1, s1"
			 : "=&r"(psp), "=r"(first), "=&r"(flags)
			 :
			 : "s0", "s1", "s2", "memory");
	expect("fpscr", flags >> 28 == 8, flags);
	expect("offload", offloads == 1, offloads);
	expect("extended-frame", svc_return == 0xffffffed, svc_return);
	expect("restored", first == 0x40000000, first);
	expect("lspact", svc_fpccr & LSPACT, svc_fpccr);
	expect("fpcar", (svc_fpcar & 7) == 0 && psp - svc_fpcar - 0x48 <= 4, svc_fpcar);
	expect("stacked", svc_stacked == 0x40400000, svc_stacked);
	expect("preserved", !(svc_after & LSPACT), svc_after);
	expect("lspact-cleared", !(FPCCR & LSPACT), FPCCR);
	trace("zephyr: lazy\n");
}

/* Without ASPEN, as with CONFIG_FPU and no CONFIG_FPU_SHARING. */
void unshared(void)
{
	uint32_t flags, kept;

	FPCCR &= ~(uint32_t)(ASPEN | LSPEN);
	__asm__ volatile("dsb\n\tisb\n\tvmov.f32 s0, #3.0\n\tvmov.f32 s2, #5.0\n\t"
			 "vcmp.f32 s0, s2\n\tsvc 1\n\tvmrs %0, fpscr\n\tvmov %1, s1"
			 : "=&r"(flags), "=r"(kept)
			 :
			 : "s0", "s1", "s2", "memory");
	expect("basic-frame", svc_return == 0xfffffffd, svc_return);
	expect("not-lazy", !(svc_fpccr & LSPACT), svc_fpccr);
	expect("fpscr-kept", flags >> 28 == 8, flags);
	expect("not-restored", kept == 0x40e00000, kept);
	FPCCR |= ASPEN | LSPEN;
	trace("zephyr: unshared\n");
}

/* Faults */

static volatile uint32_t zero;

static void faulty(uint32_t kind)
{
	if (kind == 0)
		zero = 100 / zero;
	else if (kind == 1)
		(void)REG(0x60000000u);
	else if (kind == 2)
		__asm__ volatile("udf #0");
	else if (kind == 3)
		__asm__ volatile("cpsid i\n\tudf #0");
	else
		__asm__ volatile("cpsid i\n\tsvc 2");
	expect("went on", 0, kind);
	end(0);
}

void faults(void)
{
	static const struct {
		uint32_t number, cfsr, hfsr;
	} wanted[] = {
		{6, 1u << 25, 0}, {5, 0x8200, 0}, {6, 1u << 16, 0},
		{3, 1u << 16, 1u << 30}, {3, 0, 1u << 30},
	};

	for (uint32_t kind = 0; kind < 5; kind++) {
		workers[0].dead = 0;
		workers[0].psp = (uint32_t)(stacks[1] - 8);
		workers[0].exc_return = -3;
		REG(workers[0].psp) = kind;
		REG(workers[0].psp + 24) = (uint32_t)faulty & ~1u;
		REG(workers[0].psp + 28) = 1u << 24;
		k_yield();
		expect("fault", fault_number == wanted[kind].number, fault_number);
		expect("cfsr", fault_cfsr == wanted[kind].cfsr, fault_cfsr);
		expect("hfsr", fault_hfsr == wanted[kind].hfsr, fault_hfsr);
		expect("fault-return", (fault_return | 0x10) == 0xfffffffd, fault_return);
		expect("rettobase", fault_based, fault_based);
		expect("aborted", workers[0].dead, kind);
	}
	trace("zephyr: faults\n");
}
