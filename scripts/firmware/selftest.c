/* SPDX-License-Identifier: MIT */
/*
 * What firmware may rely on of an Armv7-M core, as a test of the engines: one line
 * "ok NAME" or "FAIL NAME" on the console for each, and "done" at the end. The trace has
 * what happened in which order, and is the same on every engine.
 */
#include "table.h"

__attribute__((section(".resource_table"), used)) volatile struct trace_table resource_table = {
	.ver = 1, .num = 2,
	.offset = {__builtin_offsetof(struct trace_table, log),
		   __builtin_offsetof(struct trace_table, trace)},
	TRACE_TABLE};

#define NVIC_ISPR REG(0xe000e200u)
#define NVIC_IABR REG(0xe000e300u)
#define NVIC_IPR ((volatile uint8_t *)0xe000e400u)
#define SHPR ((volatile uint8_t *)0xe000ed14u) /* by exception number, from 4 on */
#define SHCSR REG(0xe000ed24u)
#define SCB_SCR REG(0xe000ed10u)
#define SCB_CCR REG(0xe000ed14u)
#define CPACR REG(0xe000ed88u)
#define FPCCR REG(0xe000ef34u)
#define FPCAR REG(0xe000ef38u)
#define ICSR_PENDSV 0x10000000u
#define NOWHERE 0x30000000u
enum { A = 8, B = 9, C = 10, D = 11 }; /* interrupts that only software makes pending */

extern uint32_t stack_top[];
static void check(const char *name, int ok)
{
	const char *parts[] = {ok ? "ok " : "FAIL ", name, "\n"};

	for (unsigned i = 0; i < 3; i++)
		for (const char *p = parts[i]; *p; p++)
			CONSOLE->data = (uint8_t)*p;
}

/* The order of events, as letters. */
static volatile char events[64];
static volatile unsigned used;
static void event(char letter) { events[used++ % sizeof(events)] = letter; }
static int order(const char *expected)
{
	unsigned i = 0;

	events[used % sizeof(events)] = 0;
	trace("events ");
	trace((const char *)events);
	trace("\n");
	while (expected[i] && i < used && events[i] == expected[i])
		i++;
	i = !expected[i] && i == used;
	used = 0;
	return (int)i;
}

static void pend(unsigned irq) { NVIC_ISPR = 1u << irq; }
static void barriers(void) { __asm__ volatile("dsb\n\tisb" ::: "memory"); }
static void priorities(uint8_t a, uint8_t b, uint8_t c)
{
	NVIC_IPR[A] = a;
	NVIC_IPR[B] = b;
	NVIC_IPR[C] = c;
}

static volatile uint32_t pend_in_a, lr_of_a, ipsr_of_a;
__attribute__((used)) static void handle_a(uint32_t lr)
{
	uint32_t ipsr;

	__asm__ volatile("mrs %0, ipsr" : "=r"(ipsr));
	lr_of_a = lr;
	ipsr_of_a = ipsr;
	event('a');
	NVIC_ISPR = pend_in_a;
	barriers();
	event('A');
}
__attribute__((naked)) static void irq_a(void)
{
	__asm__("mov r0, lr\n\tpush {r0, lr}\n\tbl handle_a\n\tpop {r0, pc}");
}
static void irq_b(void) { event('b'); event('B'); }
static void irq_c(void) { event('c'); event('C'); }

static volatile uint32_t ticks;
static volatile int nesting;
static void use_fpu(void)
{
#ifdef __ARM_FP
	if (nesting) /* lazy stacking: this is the first use in the handler */
		__asm__ volatile("vmov s0, %0\n\tvmov s15, %0\n\tvadd.f32 s7, s0, s15\n\t"
				 "vmov s31, s31" ::"r"(0xdead0000));
#endif
}
static void sys_tick(void)
{
	ticks++;
	if (!nesting)
		return;
	SYST_CSR = 0;
	SCB_ICSR = 1u << 25; /* a tick that came before it was off */
	event('t');
	use_fpu();
	SCB_ICSR = ICSR_PENDSV; /* lower: tail-chained */
	pend(C);		/* lower than this, higher than PendSV: tail-chained first */
	pend(A);		/* higher: nested, with B nested in it */
	barriers();
	event('T');
}
static void pend_sv_event(void)
{
	event('p');
	use_fpu();
	event('P');
}

/* SVC: gives back twice what the caller had in r0. */
__attribute__((naked)) static void sv_call(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r1, msp\n\tmrsne r1, psp\n\t"
		"ldr r0, [r1]\n\tlsls r0, r0, #1\n\tstr r0, [r1]\n\tbx lr");
}
static uint32_t svc(uint32_t value)
{
	register uint32_t r0 __asm__("r0") = value;

	__asm__ volatile("svc #0" : "+r"(r0)::"memory", "r1");
	return r0;
}

/* A fault is noted, and attempt() returns. */
static volatile uint32_t fault_ipsr, fault_cfsr, fault_hfsr, fault_bfar, fault_pc, faults;
uint32_t attempt_sp;
void attempt_resume(void);
__attribute__((used)) static void note_fault(uint32_t *frame)
{
	uint32_t ipsr;

	__asm__ volatile("mrs %0, ipsr" : "=r"(ipsr));
	fault_ipsr = ipsr;
	fault_cfsr = SCB_CFSR;
	fault_hfsr = SCB_HFSR;
	fault_bfar = SCB_BFAR;
	fault_pc = frame[6];
	SCB_CFSR = fault_cfsr;
	SCB_HFSR = fault_hfsr;
	frame[6] = (uint32_t)attempt_resume & ~1u;
	frame[7] = 0x01000000;
	faults++;
}
__attribute__((naked)) static void any_fault(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb note_fault");
}
__attribute__((naked, noinline)) static void attempt(void (*function)(void))
{
	__asm__("push {r4-r11, lr}\n\tldr r1, =attempt_sp\n\tstr sp, [r1]\n\tblx r0\n"
		".global attempt_resume\n.thumb_func\nattempt_resume:\n\t"
		"ldr r1, =attempt_sp\n\tldr sp, [r1]\n\tpop {r4-r11, pc}\n\t.ltorg");
}
static int faulted(void (*function)(void), uint32_t ipsr, uint32_t cfsr, uint32_t hfsr)
{
	uint32_t before = faults;

	attempt(function);
	trace_number("ipsr ", fault_ipsr);
	trace_number("cfsr ", fault_cfsr);
	return faults == before + 1 && fault_ipsr == ipsr && fault_cfsr == cfsr &&
	       fault_hfsr == hfsr;
}

static void undef(void) { __asm__ volatile("udf #0"); }
static void unmapped_read(void) { (void)REG(NOWHERE); }
static void unmapped_write(void) { REG(NOWHERE + 4) = 1; }
static void jump(void) { ((void (*)(void))(NOWHERE | 1))(); }
static void jump_xn(void) { ((void (*)(void))0x40004001u)(); }
static void arm_state(void) { ((void (*)(void))((uint32_t)undef & ~1u))(); }
static void bkpt(void) { __asm__ volatile("bkpt #0"); }
static void coprocessor(void) { __asm__ volatile(".inst.w 0xee010f10"); } /* mcr p15 */
static volatile uint32_t zero;
static void divide(void) { zero = 7 / zero; }
static void unaligned(void) { (void)REG((uint32_t)events + 1); }
static void bad_return(void) { pend(D); barriers(); }
__attribute__((naked)) static void irq_d(void)
{
	__asm__("mvn lr, #0xc\n\tbx lr"); /* EXC_RETURN 0xfffffff3: no such thing */
}
/* Returns right, however the handler before it did. */
__attribute__((naked)) static void usage_fault(void)
{
	__asm__("mvn lr, #6\n\tmrs r0, msp\n\tb note_fault");
}

static void test_priorities(void)
{
	NVIC_ISER = 1u << A | 1u << B | 1u << C | 1u << D;
	priorities(0x80, 0x40, 0xc0);
	pend_in_a = 1u << B;
	pend(A);
	barriers();
	check("preemption", order("abBA"));
	check("ipsr", ipsr_of_a == 16 + A);
	pend_in_a = 1u << C;
	pend(A);
	barriers();
	check("tail-chaining", order("aAcC"));
	pend_in_a = 1u << B | 1u << C;
	pend(A);
	barriers();
	check("preemption and tail-chaining", order("abBAcC"));
	priorities(0x80, 0x80, 0x80);
	pend_in_a = 0;
	NVIC_ISPR = 1u << C | 1u << A | 1u << B;
	barriers();
	check("equal priorities by number", order("aAbBcC"));
	pend_in_a = 1u << B;
	pend(A);
	barriers();
	check("equal priority does not preempt", order("aAbB"));
	SCB_AIRCR = 0x05fa0000 | 6 << 8; /* only bit 7 preempts */
	priorities(0xc0, 0x80, 0x40);
	pend_in_a = 1u << B | 1u << C;
	pend(A);
	barriers();
	check("priority grouping", order("acCAbB"));
	SCB_AIRCR = 0x05fa0000;
	check("nothing active", NVIC_IABR == 0);
}

static void test_masks(void)
{
	pend_in_a = 0;
	priorities(0x80, 0x40, 0xc0);
	irq_disable();
	pend(A);
	barriers();
	check("primask masks", order(""));
	irq_enable();
	barriers();
	check("cpsie unmasks at once", order("aA"));
	__asm__ volatile("msr basepri, %0" ::"r"(0x80));
	NVIC_ISPR = 1u << A | 1u << B | 1u << C;
	barriers();
	check("basepri masks", order("bB"));
	__asm__ volatile("msr basepri, %0\n\tisb" ::"r"(0));
	check("basepri unmasks at once", order("aAcC"));
	__asm__ volatile("cpsid f");
	pend(A);
	barriers();
	check("faultmask masks", order(""));
	__asm__ volatile("cpsie f\n\tisb");
	check("faultmask unmasks at once", order("aA"));
	irq_disable();
	pend(A);
	wfi();
	check("wfi ends by a masked interrupt", order(""));
	irq_enable();
	barriers();
	check("and it is taken after cpsie", order("aA"));
	/* A short window between two long masked stretches must not be missed for ever. */
	unsigned rounds = 0;
	pend_in_a = 0;
	irq_disable();
	pend(A);
	for (; rounds < 100000 && !used; rounds++) {
		irq_enable();
		irq_disable();
	}
	irq_enable();
	check("window of unmasking", rounds < 1000 && order("aA"));
}

static void test_systick(void)
{
	uint32_t busy = 0;

	SYST_RVR = CPU_HZ / 1000 - 1;
	SYST_CVR = 0;
	SYST_CSR = 7;
	while (ticks < 5)
		wfi();
	check("systick ends wfi", ticks >= 5);
	for (uint32_t start = ticks; ticks < start + 3;)
		busy++;
	check("systick interrupts a busy loop", busy > 0);
	SYST_CSR = 5;
	SYST_RVR = CPU_HZ / 1000 * 50 - 1;
	SYST_CVR = 0;
	while (!(SYST_CSR & 0x10000))
		busy++;
	check("countflag", !(SYST_CSR & 0x10000));
	SYST_CSR = 0;
}

static void test_svc_and_stack(void)
{
	uint32_t r;

	check("svc", svc(21) == 42);
	__asm__ volatile("sub sp, #4\n\tmov r0, #4\n\tmov r4, sp\n\tsvc #0\n\t"
			 "mov r1, sp\n\tcmp r1, r4\n\tit ne\n\tmovne r0, #0\n\tadd sp, #4\n\t"
			 "mov %0, r0" : "=r"(r)::"r0", "r1", "r4", "memory", "cc");
	check("stack alignment", r == 8);
	pend_in_a = 0;
	pend(A);
	barriers();
	check("exc_return of msp", lr_of_a == 0xfffffff9);
	check("svc in a handler", order("aA"));
}

static void test_faults(void)
{
	const uint32_t forced = 0x40000000;

	SHCSR = 0;
	check("undefined, escalated", faulted(undef, 3, 0x10000, forced));
	check("its pc", fault_pc == ((uint32_t)undef & ~1u));
	check("unmapped read, escalated", faulted(unmapped_read, 3, 0x8200, forced));
	check("its address", fault_bfar == NOWHERE);
	SHCSR = 7 << 16;
	check("undefined", faulted(undef, 6, 0x10000, 0));
	check("unmapped read", faulted(unmapped_read, 5, 0x8200, 0));
	check("unmapped write", faulted(unmapped_write, 5, 0x8200, 0) && fault_bfar == NOWHERE + 4);
	check("jump to unmapped", faulted(jump, 5, 0x100, 0) && fault_pc == NOWHERE);
	check("jump to execute never", faulted(jump_xn, 4, 0x1, 0) && fault_pc == 0x40004000);
	check("not in thumb state", faulted(arm_state, 6, 0x20000, 0));
	check("no coprocessor", faulted(coprocessor, 6, 0x80000, 0));
	check("illegal exception return", faulted(bad_return, 6, 0x40000, 0));
	check("breakpoint", faulted(bkpt, 3, 0, 0x80000000));
	attempt(divide);
	check("division by zero gives zero", zero == 0);
	SCB_CCR |= 0x10;
	check("division by zero traps", faulted(divide, 6, 0x2000000, 0));
	SCB_CCR &= ~0x10u;
	SCB_CCR |= 8;
	check("unaligned access traps", faulted(unaligned, 6, 0x1000000, 0));
	SCB_CCR &= ~8u;
	attempt(unaligned);
	check("or works", 1);
	SHCSR = 0;
}

/* Two threads on process stacks, switched by PendSV. */
static uint32_t stacks[2][128], *saved[2], current;
static volatile uint32_t turns[2], switching, spoilt;
__attribute__((used)) static uint32_t *switch_stacks(uint32_t *sp)
{
	saved[current] = sp;
	current ^= 1;
	return saved[current];
}
__attribute__((naked)) static void pend_sv(void)
{
	__asm__("mrs r0, psp\n\tstmdb r0!, {r4-r11}\n\tpush {r3, lr}\n\tbl switch_stacks\n\t"
		"pop {r3, lr}\n\tldmia r0!, {r4-r11}\n\tmsr psp, r0\n\tbx lr");
}
static void thread(void)
{
	uint32_t self = current, pattern = 0x1000 + self;

	while (switching) {
		uint32_t seen;

		__asm__ volatile("mov r8, %1\n\tmov r11, %1\n\tstr %2, [%3]\n\tdsb\n\tisb\n\t"
				 "sub %0, r8, r11\n\teor r8, %1\n\torr %0, r8"
				 : "=&r"(seen) : "r"(pattern), "r"(ICSR_PENDSV), "r"(&SCB_ICSR)
				 : "r8", "r11", "memory");
		spoilt |= seen;
		if (++turns[self] == 200)
			switching = 0;
	}
	for (;;) {
		spoilt |= svc(1) != 2;
		SCB_ICSR = ICSR_PENDSV;
		barriers();
	}
}
__attribute__((naked)) static void start_threads(uint32_t *psp, void (*entry)(void))
{
	__asm__("push {r4-r11, lr}\n\tldr r2, =attempt_sp\n\tstr sp, [r2]\n\tmsr psp, r0\n\t"
		"mov r2, #2\n\tmsr control, r2\n\tisb\n\tblx r1\n\t.ltorg");
}
static void thread0(void)
{
	uint32_t control;

	__asm__ volatile("mrs %0, control" : "=r"(control));
	spoilt |= control != 2;
	current = 0;
	while (switching) {
		SCB_ICSR = ICSR_PENDSV;
		barriers();
		turns[0]++;
	}
	/* Back to the main stack. */
	__asm__ volatile("msr control, %0\n\tisb\n\tb attempt_resume" ::"r"(0));
}
static void test_threads(void)
{
	uint32_t *frame = stacks[1] + 128 - 8;

	SHPR[14] = 0xff;
	frame[6] = (uint32_t)thread & ~1u;
	frame[7] = 0x01000000;
	saved[1] = frame - 8;
	switching = 1;
	start_threads(stacks[0] + 128, thread0);
	check("threads on psp", turns[1] == 200 && turns[0] >= 199);
	check("registers across pendsv", !spoilt);
}

/* Unprivileged code: no access to the NVIC, no masking; svc comes back to it. */
static volatile uint32_t after;
static void drop_privilege(void)
{
	__asm__ volatile("msr control, %0\n\tisb" ::"r"(1));
	irq_disable(); /* has no effect */
	after = svc(4);
	(void)REG(0xe000ed00u);
}
__attribute__((used)) static void privileged_fault(uint32_t *frame)
{
	/* A handler may write CONTROL. */
	__asm__ volatile("msr control, %0\n\tisb" ::"r"(0));
	note_fault(frame);
}
__attribute__((naked)) static void bus_fault(void)
{
	__asm__("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb privileged_fault");
}
static void test_unprivileged(void)
{
	uint32_t primask;

	SHCSR = 7 << 16;
	check("unprivileged access to the nvic", faulted(drop_privilege, 5, 0x8200, 0));
	__asm__ volatile("mrs %0, primask" : "=r"(primask));
	check("unprivileged cpsid", after == 8 && !primask);
	SHCSR = 0;
}

#ifdef __ARM_FP
static void fp_insn(void) { __asm__ volatile("vmov s0, %0" ::"r"(0x3f800000)); }
static void fill(uint32_t first)
{
	uint32_t values[32], *p = values;

	for (unsigned i = 0; i < 32; i++)
		values[i] = first + i;
	__asm__ volatile("vldmia %0!, {s0-s15}\n\tvldmia %0, {s16-s31}" : "+r"(p)::"memory");
}
static uint32_t fp_mismatches(uint32_t first)
{
	uint32_t values[32], bad = 0, *p = values;

	__asm__ volatile("vstmia %0!, {s0-s15}\n\tvstmia %0, {s16-s31}" : "+r"(p)::"memory");
	for (unsigned i = 0; i < 32; i++)
		bad += values[i] != first + i;
	return bad;
}
static void irq_fp(void)
{
	uint32_t control;

	__asm__ volatile("mrs %0, control" : "=r"(control));
	event(control & 4 ? 'x' : 'f'); /* FPCA is clear on entry */
	for (unsigned i = 0; i < 16; i++)
		__asm__ volatile("vmov s0, %0\n\tvmov s1, %0\n\tvmov s15, %0\n\tvadd.f32 s7, s0, s1"
				 ::"r"(0xdead0000));
}
static void test_fpu(void)
{
	uint32_t control;

	SHCSR = 7 << 16;
	CPACR = 0;
	barriers();
	check("fpu is off at first", faulted(fp_insn, 6, 0x80000, 0));
	CPACR = 0xf << 20;
	barriers();
	attempt(fp_insn);
	check("cpacr turns it on", CPACR == 0xf << 20 && fault_cfsr == 0x80000);
	__asm__ volatile("mrs %0, control" : "=r"(control));
	check("fpca", control & 4);
	check("fpccr", (FPCCR & 0xc0000001) == 0xc0000000);
	fill(0x40000000);
	pend_in_a = 0;
	pend(A);
	barriers();
	check("exc_return of an extended frame", lr_of_a == 0xffffffe9);
	used = 0;
	pend(D);
	barriers();
	check("fpca in a handler", order("f"));
	check("fpu registers across an interrupt", fp_mismatches(0x40000000) == 0);
	check("fpcar", FPCAR > RAM_BASE && FPCAR < (uint32_t)stack_top);
	SHCSR = 0;
}
#define IRQ_D_LATER irq_fp
#else
static void fp_insn(void) { __asm__ volatile(".inst.w 0xee000a10"); } /* vmov s0, r0 */
static void test_fpu(void)
{
	SHCSR = 7 << 16;
	CPACR = 0xf << 20;
	barriers();
	check("no fpu", CPACR == 0 && faulted(fp_insn, 6, 0x80000, 0));
	SHCSR = 0;
}
#define IRQ_D_LATER irq_d
#endif

static void test_sleep(void)
{
	ticks = 0;
	SYST_RVR = CPU_HZ / 1000 - 1;
	SYST_CVR = 0;
	SYST_CSR = 7;
	for (unsigned i = 0; i < 3; i++)
		__asm__ volatile("wfe" ::: "memory");
	check("wfe", 1);
	__asm__ volatile("sev\n\twfe" ::: "memory");
	check("sev", 1);
	while (ticks < 3)
		wfi();
	check("wfi in a loop", ticks >= 3);
	pend_in_a = 0;
	__asm__ volatile("str %0, [%1]\n\twfi" ::"r"(1u << A), "r"(&NVIC_ISPR) : "memory");
	check("a store in front of wfi is done once", order("aA"));
	SYST_RVR = CPU_HZ / 1000 * 50 - 1;
	SYST_CVR = 0;
	ticks = 0;
	__asm__ volatile("wfi\n\tnop\n\tcpsie i" ::: "memory");
	check("one tick is one wake-up", ticks == 1);
	SYST_CSR = 0;
}

typedef void (*vector)(void);
static vector table[64] __attribute__((aligned(256)));
/* SysTick by time, A nested in it and B in that, C and PendSV after it, three times. */
static void test_nesting(void)
{
	uint32_t shown[4] = {0};

	table[14] = pend_sv_event;
	SHPR[14] = 0xff;
	SHPR[15] = 0xa0;
	priorities(0x80, 0x40, 0xc0);
	pend_in_a = 1u << B;
#ifdef __ARM_FP
	fill(0x40000000);
#endif
	nesting = 1;
	for (unsigned i = 0; i < 3; i++) {
		SYST_RVR = CPU_HZ / 1000 - 1;
		SYST_CVR = 0;
		SYST_CSR = 7;
		while (used < 10)
			;
		check("nesting in systick", order("tabBATcCpP"));
		trace_number("exc_return ", lr_of_a);
		shown[i] = lr_of_a;
	}
	nesting = 0;
	check("every round returns alike", shown[0] == shown[1] && shown[1] == shown[2]);
#ifdef __ARM_FP
	check("fpu registers across nested interrupts", fp_mismatches(0x40000000) == 0);
#endif
}

/* A page that was data, then code, then other code, whoever writes it: "movs r0, #n; bx lr". */
#define PAGE ((volatile uint16_t *)(0x21000000u + 0x80000u))
#define FRESH ((const uint32_t *)(0x21000000u + 0x90000u))
typedef uint32_t (*function)(void);
static void write_code(unsigned index, uint16_t n)
{
	PAGE[index] = 0x2000 | n;
	PAGE[index + 1] = 0x4770;
	barriers();
}
__attribute__((naked)) static void raise_privilege(void)
{
	__asm__("mov r0, #0\n\tmsr control, r0\n\tbx lr");
}
static uint32_t call(unsigned index) { return ((function)((uintptr_t)&PAGE[index] | 1))(); }
/* An IT block is over behind it, also if its load is the first that reaches a page. */
static void test_fresh_page(void)
{
	uint32_t loaded = 42, moved = 0;

	__asm__ volatile("cmp %2, #0\n\tit eq\n\tldreq %0, [%3]\n\tcmp %2, #1\n\tb 1f\n"
			 "1:\tmov %1, #1"
			 : "+r"(loaded), "+r"(moved)
			 : "r"(0), "r"(FRESH)
			 : "cc");
	check("the first load of a page in an it block", !loaded && moved);
}
static void test_code_in_data(void)
{
	uint32_t sum = 0;

	table[11] = raise_privilege;
	for (unsigned i = 0; i < 2048; i++)
		PAGE[i] = (uint16_t)i;
	__asm__ volatile("msr control, %0\n\tisb" ::"r"(1));
	for (unsigned i = 0; i < 2048; i++) /* the modes of a core may see memory by tables each */
		PAGE[i] = (uint16_t)i;
	svc(5);
	for (uint16_t n = 1; n < 4; n++) {
		write_code(8, n);
		sum = 16 * sum + call(8);
	}
	check("code written over", sum == 0x123);
	write_code(512, 1);
	sum = call(512);
	__asm__ volatile("msr control, %0\n\tisb" ::"r"(1));
	write_code(8, 4);
	write_code(512, 6);
	svc(5);
	check("code written over by unprivileged code", 16 * call(8) + call(512) == 0x46);
	sum = call(512);
	write_code(512, 7);
	PAGE[8]++;
	barriers();
	check("code beside data", 256 * sum + 16 * call(512) + call(8) == 0x675);
	table[11] = sv_call;
}
void reset(void);
__attribute__((section(".vectors"), used)) static const vector vectors[16 + 32] = {
	[0] = (vector)stack_top, [1] = reset, [3] = any_fault,	[4] = any_fault,
	[5] = bus_fault, [6] = usage_fault, [11] = sv_call, [14] = pend_sv, [15] = sys_tick,
	[16 + A] = irq_a, [16 + B] = irq_b, [16 + C] = irq_c, [16 + D] = irq_d,
};

void reset(void)
{
	CONSOLE->bauddiv = 16;
	CONSOLE->ctrl = UART_TX;
	for (unsigned i = 0; i < 48; i++)
		table[i] = vectors[i];
	SCB_VTOR = (uint32_t)table;
	check("vtor", SCB_VTOR == (uint32_t)table);
	test_priorities();
	test_masks();
	test_systick();
	test_svc_and_stack();
	test_faults();
	table[16 + D] = IRQ_D_LATER;
	test_threads();
	test_unprivileged();
	test_fresh_page();
	test_code_in_data();
	test_fpu();
	test_sleep();
	test_nesting();
	check("done", 1);
	for (;;)
		wfi();
}
