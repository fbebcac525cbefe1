/* SPDX-License-Identifier: MIT */
/*
 * Executes instructions that tests/engines/differential.py places, over random operands, and
 * folds what they did into a sum for each of them: both engines have to come to the same.
 *
 * The test writes, before the start, at PARAMS: count of cases, rounds, seed, CCR, CPACR, SHCSR,
 * CONTROL, MPU_CTRL, and RBAR and RASR of eight regions, and
 * at CASES for each one 32 bytes of code, which ends with a branch to "after" (word 15 of the
 * vectors). Words 8 to 10 of the vectors are PARAMS, CASES, RESULTS. A result is 80 words: the
 * sum, the operands of the last round (16) and what it left behind (see "record").
 * r7 points into SCRATCH, by a random number of bytes from 0 to 7; r6 is the number 7 or an
 * operand, like all the others; lr is an operand, too.
 */
	.syntax unified
	.thumb
#ifndef RAM
#define RAM 0x21000000
#endif
	.equ	PARAMS, RAM + 0x80000
	.equ	STATE, RAM + 0x80100	/* 0 random, 4 case, 8 round, 12 result, 16 code, 20 saved sp */
	.equ	OPERANDS, RAM + 0x80200	/* r0-r12, lr, APSR, r7's offset */
	.equ	RECORD, RAM + 0x80300	/* what the case left behind */
	.equ	FAULT, RAM + 0x80380	/* 8 words: number, CFSR, HFSR, BFAR, lr, pc, xpsr, sp */
	.equ	SCRATCH, RAM + 0x81000	/* 64 bytes of which are of the record */
	.equ	CASES, RAM + 0xa0000
	.equ	RESULTS, RAM + 0x200000
	.equ	RESULT, 80 * 4
	.equ	SCB, 0xe000ed00

	.section .vectors, "a"
	.word	stack_top, reset + 1, fault + 1, fault + 1, fault + 1, fault + 1, fault + 1, 0
	.word	PARAMS, CASES, RESULTS, handler + 1, fault + 1, 0, handler + 1, after + 1

	.text
	.thumb_func
	.globl	reset
reset:
	ldr	r0, =SCB
	ldr	r4, =PARAMS
	ldr	r1, [r4, #12]
	str	r1, [r0, #0x14]		/* CCR */
	ldr	r1, [r4, #20]
	str	r1, [r0, #0x24]		/* SHCSR */
	ldr	r1, [r4, #16]
	str	r1, [r0, #0x88]		/* CPACR */
	add	r5, r4, #32
	movs	r2, #0
0:	str	r2, [r0, #0x98]		/* MPU_RNR, RBAR, RASR */
	ldm	r5!, {r1, r3}
	str	r1, [r0, #0x9c]
	str	r3, [r0, #0xa0]
	adds	r2, #1
	cmp	r2, #8
	bne	0b
	ldr	r1, [r4, #28]
	str	r1, [r0, #0x94]		/* MPU_CTRL */
	dsb
	isb
	ldr	r1, [r4, #24]
	msr	control, r1
	isb
	ldr	r5, =STATE
	ldr	r0, [r4, #8]
	str	r0, [r5, #0]
	movs	r0, #0
	str	r0, [r5, #8]
next_round:
	ldr	r5, =STATE
	ldr	r0, [r5, #8]
	ldr	r4, =PARAMS
	ldr	r1, [r4, #4]
	cmp	r0, r1
	beq	done
	movs	r0, #0
	str	r0, [r5, #4]
	ldr	r0, =RESULTS
	str	r0, [r5, #12]
	ldr	r0, =CASES + 1
	str	r0, [r5, #16]
next_case:
	ldr	r5, =STATE
	ldr	r0, [r5, #4]
	ldr	r4, =PARAMS
	ldr	r1, [r4, #0]
	cmp	r0, r1
	bne	1f
	ldr	r0, [r5, #8]
	adds	r0, #1
	str	r0, [r5, #8]
	b	next_round
1:
	/* operands: words of xorshift32, every other one a special value */
	ldr	r6, =OPERANDS
	ldr	r8, =specials
	movs	r7, #16
	ldr	r0, [r5, #0]
2:	bl	random
	mov	r1, r0
	bl	random
	lsrs	r2, r0, #8
	ands	r2, r2, #31
	cmp	r2, #16
	itt	lo
	ldrlo	r1, [r8, r2, lsl #2]
	addlo	r1, r1, r0, lsr #31
	str	r1, [r6], #4
	subs	r7, #1
	bne	2b
	str	r0, [r5, #0]
	/* memory: known bytes, and a pointer to them */
	ldr	r1, =SCRATCH
	movs	r2, #16
	mov	r3, r0
3:	str	r3, [r1], #4
	ror	r3, r3, #3
	subs	r2, #1
	bne	3b
	ldr	r6, =OPERANDS
	ldr	r1, [r6, #60]
	and	r1, r1, #7
	ldr	r2, =SCRATCH + 16
	add	r2, r2, r1
	str	r2, [r6, #28]
	/* an empty record */
	ldr	r1, =RECORD
	movs	r2, #48
	movs	r3, #0
4:	str	r3, [r1], #4
	subs	r2, #1
	bne	4b
	mov	r0, sp
	str	r0, [r5, #20]
	ldr	r0, [r5, #16]
	ldr	r1, =code
	str	r0, [r1]
	ldr	r12, [r6, #56]
	and	r12, r12, #0xf8000000
	msr	apsr_nzcvq, r12
	mov	r12, r6
	ldm	r12, {r0-r11}
	ldr	lr, [r12, #52]
	ldr	r12, [r12, #48]
	b	5f
	.align	2
code:	.word	0
5:	ldr	pc, code

	.thumb_func
	.globl	after
after:
	push	{r0-r12, lr}
	mrs	r0, apsr
	mrs	r1, primask
	mrs	r2, basepri
	mrs	r3, faultmask
	mrs	r12, control
	and	r12, r12, #3		/* FPCA is by intention what it is on neither engine */
	movs	r4, #0
	msr	primask, r4
	msr	basepri, r4
	msr	faultmask, r4
	and	r4, r0, #0xf8000000
	ldr	lr, =RECORD
	mov	r5, sp
	ldm	r5!, {r6-r11}
	stm	lr!, {r6-r11}
	ldm	r5!, {r6-r11}
	stm	lr!, {r6-r11}
	ldm	r5!, {r6-r7}
	stm	lr!, {r6-r7}
	stm	lr!, {r0, r1, r2, r3, r12}
	ldr	r6, =STATE
	ldr	r7, [r6, #20]
	subs	r5, r5, r7		/* by how much the stack pointer moved */
	stm	lr!, {r5}
	mov	sp, r7
	clrex
	/* behind 20 words come FAULT's 8 at +0x80 and the memory: the sum takes all */
	ldr	r0, =RECORD
	ldr	r1, =RECORD + 20 * 4
	ldr	r3, [r6, #12]
	ldr	r2, [r3]
	bl	fold
	ldr	r0, =FAULT
	add	r1, r0, #32
	bl	fold
	ldr	r0, =SCRATCH
	add	r1, r0, #64
	bl	fold
	str	r2, [r3], #4
	ldr	r0, =OPERANDS
	movs	r1, #16
	bl	copy
	ldr	r0, =RECORD
	movs	r1, #20
	bl	copy
	ldr	r0, =FAULT
	movs	r1, #8
	bl	copy
	ldr	r0, =SCRATCH
	movs	r1, #16
	bl	copy
	ldr	r5, =STATE
	ldr	r0, [r5, #4]
	adds	r0, #1
	str	r0, [r5, #4]
	ldr	r0, [r5, #12]
	add	r0, r0, #RESULT
	str	r0, [r5, #12]
	ldr	r0, [r5, #16]
	adds	r0, #32
	str	r0, [r5, #16]
	b	next_case

	.thumb_func
fold:	/* r2 = sum over the words [r0, r1) */
	ldr	r4, [r0], #4
	eors	r2, r2, r4
	movw	r4, #0x0193
	movt	r4, #0x0100
	muls	r2, r4, r2
	cmp	r0, r1
	bne	fold
	bx	lr

	.thumb_func
copy:	/* r1 words from r0 to r3 */
	ldr	r4, [r0], #4
	str	r4, [r3], #4
	subs	r1, #1
	bne	copy
	bx	lr

	.thumb_func
random:	/* r0: the next */
	eor	r0, r0, r0, lsl #13
	eor	r0, r0, r0, lsr #17
	eor	r0, r0, r0, lsl #5
	bx	lr

done:
	ldr	r0, =0x40004000		/* console */
	movs	r1, #1
	str	r1, [r0, #8]
	movs	r1, #'.'
	str	r1, [r0]
6:	wfi
	b	6b

	.thumb_func
fault:	/* take note of it, and leave the case */
	mrs	r0, ipsr
	ldr	r1, =FAULT
	ldr	r2, =SCB
	ldr	r3, [r2, #0x28]		/* CFSR */
	str	r3, [r2, #0x28]
	stm	r1!, {r0, r3}
	mov	r12, r3
	ldr	r3, [r2, #0x2c]		/* HFSR */
	str	r3, [r2, #0x2c]
	bic	r3, r3, #0x80000000	/* DEBUGEVT: QEMU's BKPT sets another bit */
	str	r3, [r1], #4
	movs	r3, #0
	tst	r12, #0x8000		/* BFARVALID */
	it	ne
	ldrne	r3, [r2, #0x38]		/* BFAR */
	tst	r12, #0x80		/* MMARVALID */
	it	ne
	ldrne	r3, [r2, #0x34]		/* MMFAR */
	stm	r1!, {r3, lr}
	tst	r12, #0x18		/* MSTKERR, MUNSTKERR: there is no frame */
	bne	2f
	ldr	r2, [sp, #24]
	ldr	r3, [sp, #28]
	mov	r0, sp
	and	r0, r0, #7
	stm	r1!, {r0, r2, r3}
	ldr	r0, =after
	bic	r0, r0, #1
	cmp	r2, r0
	beq	2f			/* the stack of a case cannot be used */
	ldr	r2, =after
	str	r2, [sp, #24]
	bic	r3, r3, #0x06000000	/* the rest of an IT block is left, too */
	bic	r3, r3, #0x0000fc00
	orr	r3, r3, #0x01000000
	str	r3, [sp, #28]
	bx	lr
2:	orr	lr, lr, #0x10
	ldr	r2, =STATE
	ldr	r2, [r2, #20]
	sub	r2, r2, #0x80
	mov	sp, r2
	ldr	r2, =after
	str	r2, [sp, #24]
	mov	r3, #0x01000000
	str	r3, [sp, #28]
	bx	lr

	.thumb_func
handler: /* SVC and PendSV: take note of it, and return */
	mrs	r0, ipsr
	ldr	r1, =FAULT
	ldr	r2, [sp, #24]
	ldr	r3, [sp, #28]
	stm	r1!, {r0, r2, r3, lr}
	bx	lr
	.ltorg

	.data
specials:
	.word	0, 0, 0, 1, 2, 7, 0xfffffffe, 0xffffffff, 0x7fffffff, 0x80000000, 0x80000001
	.word	0x0000ffff, 0x00010000, 31, 32, 33
