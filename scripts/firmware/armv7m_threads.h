/* SPDX-License-Identifier: MIT */
/*
 * Three threads that PendSV switches with their floating point registers, as an RTOS does.
 * The self-test says how many ticks a slice has, TICKS_OF_A_SLICE, and how fast the core is,
 * CORE_HZ_NOW.
 */
#ifndef ARMV7M_THREADS_H
#define ARMV7M_THREADS_H

/* Three threads: two give way by themselves, the third one never does. */
#define THREADS 3
#define ROUNDS 200
static uint32_t stacks[THREADS + 1][256] __attribute__((aligned(8)));
static uint32_t *saved[THREADS + 1];
static volatile uint32_t current, finished, switches, slicing;
static volatile float sums[THREADS];

static void yield(void)
{
	SCB_ICSR = 1u << 28;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

void on_tick(uint32_t count)
{
	if (slicing && count % TICKS_OF_A_SLICE == 0)
		SCB_ICSR = 1u << 28;
}

static void thread(uint32_t number)
{
	float step = (float)(number + 1) * 0.5f, sum = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		sum += step;
		if (number < 2)
			yield();
		else
			for (uint32_t begin = DWT_CYCCNT; DWT_CYCCNT - begin < CORE_HZ_NOW / 10000;)
				;
	}
	sums[number] = sum;
	finished |= 1u << number;
	for (;;)
		yield();
}

__attribute__((used)) static uint32_t *schedule(uint32_t *sp)
{
	saved[current] = sp;
	switches++;
	if (finished == (1u << THREADS) - 1)
		current = THREADS; /* back to main */
	else
		current = (current + 1) % THREADS;
	return saved[current];
}

/* As an RTOS does it: what the processor has not stacked, with the upper half of the FPU. */
__attribute__((naked)) void pendsv_handler(void)
{
	__asm__("mrs r0, psp\n\t"
		"tst lr, #16\n\tit eq\n\tvstmdbeq r0!, {s16-s31}\n\t"
		"stmdb r0!, {r4-r11, lr}\n\t"
		"bl schedule\n\t"
		"ldmia r0!, {r4-r11, lr}\n\t"
		"tst lr, #16\n\tit eq\n\tvldmiaeq r0!, {s16-s31}\n\t"
		"msr psp, r0\n\tbx lr");
}

static volatile uint32_t calls;

void svc_handler(void) { calls++; }

static void threads(void)
{
	for (uint32_t number = 0; number < THREADS; number++) {
		uint32_t *sp = stacks[number] + 256;

		*--sp = 1u << 24;
		*--sp = (uint32_t)thread & ~1u;
		*--sp = 0;
		sp -= 4;
		*--sp = number;
		*--sp = 0xfffffffd; /* no floating point yet */
		saved[number] = sp - 8;
	}
	SCB_SHPR_OF(14) = 0xf0;
	__asm__ volatile("svc 0" ::: "memory");
	check("svc", calls == 1, calls);
	current = THREADS;
	slicing = 1;
	__asm__ volatile("msr psp, %0\n\tmov r1, sp\n\tmov r2, #2\n\tmsr control, r2\n\tisb\n\t"
			 "mov r4, r1\n\tldr r2, =0x10000000\n\tstr r2, [%1]\n\tdsb\n\tisb\n\t"
			 "mov r2, #0\n\tmsr control, r2\n\tisb\n\tmov sp, r4"
			 ::"r"(stacks[THREADS] + 200), "r"(&SCB_ICSR)
			 : "r1", "r2", "r3", "r4", "memory");
	slicing = 0;
	check("threads", finished == 7, finished);
	check("switches", switches > 2 * ROUNDS, switches);
	check("preempted", sums[2] == 300.0f, (uint32_t)sums[2]);
	check("float", sums[0] == 100.0f && sums[1] == 200.0f, (uint32_t)(sums[0] + sums[1]));
}

#endif
