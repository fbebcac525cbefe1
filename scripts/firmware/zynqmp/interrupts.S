/* SPDX-License-Identifier: MIT */
/*
 * Interrupts leave no trace. Each case is run twice, in each of three modes, with all registers and
 * flags random: once it stores to memory, once to the GIC, which asks for an SGI. Both have to
 * leave the same behind, and there have to be so many interrupts. A timer ticks all the time. The
 * line of text at 0x3ed40000 says how often something was wrong, and how many interrupts there were.
 */
	.syntax unified
	.arm
	.equ GICD, 0xf9000000
	.equ GICC, 0xf9001000
	.equ SGIR, 0xf9000f00
	.equ TTC, 0xff110000
	.equ TICK, 68
	.equ SGI, 0x02000001 /* to this core: the case's, and one that is more urgent */
	.equ URGENT, 0x02000002

	.section .vectors, "ax"
	ldr pc, =boot
	ldr pc, =ended
	ldr pc, =called
	b .
	ldr pc, =aborted
	nop
	ldr pc, =interrupted
	b .
	.ltorg

	.text
	.global boot
boot:
	cps #0x12
	ldr sp, =irq_stack
	cps #0x17
	ldr sp, =abort_stack
	cps #0x1b
	ldr sp, =fault_stack
	cps #0x13
	ldr sp, =svc_stack
	mov r0, #0
	mcr p15, 0, r0, c1, c0, 0 /* caches and MPU off, vectors at 0 */
	isb
	ldr r0, =GICC
	mov r1, #0xf8
	str r1, [r0, #4]
	mov r1, #1
	str r1, [r0]
	ldr r0, =GICD
	ldr r2, =0x80408000 /* priorities of the SGIs */
	str r2, [r0, #0x400]
	mov r2, #0xa0
	strb r2, [r0, #0x400 + TICK]
	strb r1, [r0, #0x800 + TICK]
	mov r2, #6
	str r2, [r0, #0x100]
	mov r2, #1 << (TICK % 32)
	str r2, [r0, #0x100 + TICK / 32 * 4]
	str r1, [r0]
	ldr r0, =TTC
	mov r1, #CYCLES
	str r1, [r0, #0x24]
	mov r1, #1
	str r1, [r0, #0x60]
	mov r1, #0x12
	str r1, [r0, #0xc]
	ldr r11, =0x2545f491 /* what random operands are made from */
round:
	ldr r10, =cases
next:
	ldr r0, [r10]
	cmp r0, #0
	beq all
	ldr r8, =modes
mode:	ldrb r7, [r8], #1
	cmp r7, #0
	addeq r10, r10, #8
	beq next
	bl try
	b mode
all:	ldr r0, =ticked
	ldr r0, [r0]
	ldr r1, =TICKS
	cmp r0, r1
	blo round
	ldr r4, =results
	mov r5, #RESULTS
1:	ldr r0, [r4], #4
	bl print
	subs r5, r5, #1
	bne 1b
	mov r0, #'.'
	bl put
	mov r0, #'\n'
	bl put
2:	wfi
	b 2b

/* The case at r10 in the mode r7. */
try:	push {lr}
	ldr r1, =operands
	mov r2, #17
1:	eor r11, r11, r11, lsl #13
	eor r11, r11, r11, lsr #17
	eor r11, r11, r11, lsl #5
	str r11, [r1], #4
	subs r2, r2, #1
	bne 1b
	ldr r0, =records
	ldr r1, =dummy
	mov r2, #0
	bl once
	ldr r0, =records + 72
	ldr r1, =SGIR
	ldr r2, [r10, #4]
	bl once
	ldr r0, =records
	add r1, r0, #72
	mov r2, #18
2:	ldr r3, [r0], #4
	ldr r4, [r1], #4
	cmp r3, r4
	ldrne r5, =differ
	blne more
	subs r2, r2, #1
	bne 2b
	pop {pc}

more:	ldr r6, [r5] /* and where that was first */
	cmp r6, #0
	ldreq r6, =where
	streq r10, [r6]
	ldr r6, [r5]
	add r6, r6, #1
	str r6, [r5]
	bx lr

/* Execute it, with what it leaves at r0, stores to r1, and expect r2 interrupts. */
once:	push {r2, r4-r12, lr}
	ldr r3, =saved
	str sp, [r3]
	ldr r3, =current
	str r0, [r3]
	ldr r3, =count
	mov r4, #0
	str r4, [r3]
	ldr r3, =way /* of the handler to return */
	str r11, [r3]
	ldr r3, =operands
	str r1, [r3, #16]
	ldr r4, =SGI
	str r4, [r3, #20]
	ldr r4, [r3, #56]
	ldr r5, =0xf80f0100 /* flags; and external aborts are masked */
	and r4, r4, r5
	orr r4, r4, r7
	ldr r5, [r10]
	tst r5, #1
	orrne r4, r4, #0x20
	bic r5, r5, #1
	str r5, [r3, #52]
	str r4, [r3, #56]
	ldr r4, [r3, #60]
	cps #0x1f
	ldr sp, =stack_top
	mov lr, r4
	cps #0x13
	mov lr, r4
	sub sp, sp, #0x40
	ldm r3!, {r5, r6, r8, r9} /* onto the stack, as this is how it gets all registers */
	stm sp, {r5, r6, r8, r9}
	add r4, sp, #16
	mov r5, #11
1:	ldr r6, [r3], #4
	str r6, [r4], #4
	subs r5, r5, #1
	bne 1b
	ldm sp!, {r0-r12}
	rfe sp!

/* UDF: a case has ended. */
ended:	push {r0-r12, lr}
	mrs r0, spsr
	ldr r1, =current
	ldr r1, [r1]
	mov r2, #0
	str r2, [sp, #16] /* R4 */
	str r0, [r1], #4
	mov r2, #14
1:	pop {r3}
	str r3, [r1], #4
	subs r2, r2, #1
	bne 1b
	and r3, r0, #0x1f
	cmp r3, #0x13
	beq 2f
	cps #0x1f
	b 3f
2:	cps #0x13
3:	str sp, [r1], #4
	str lr, [r1], #4
	mov r2, #0
	str r2, [r1]
	cps #0x13
	ldr sp, =saved
	ldr sp, [sp]
	pop {r2, r4-r12, lr}
	ldr r0, =count
	ldr r0, [r0]
	cmp r0, r2
	bxeq lr
	push {r5, r6, lr}
	ldr r5, =missed
	bl more
	pop {r5, r6, pc}

/* SVC: asks for an SGI, which is masked until it returns. */
called:	str r5, [r4]
	push {r0}
	mrs r0, cpsr
	adds r0, r0, r0
	pop {r0}
	movs pc, lr

/* A load that is refused is skipped. */
aborted:
	subs pc, lr, #4

interrupted:
	sub lr, lr, #4
	srsdb sp!, #0x12
	push {r0-r3, r12}
	mrs r0, cpsr
	ldr r1, =0x0600fcff
	and r0, r0, r1
	cmp r0, #0x92
	ldrne r1, =wrong
	blne one
	ldr r12, =GICC
	ldr r0, [r12, #0xc]
	ldr r1, =0x3ff
	and r2, r0, r1
	cmp r2, r1
	beq return
	cmp r2, #2
	ldreq r1, =urgent
	bleq one
	cmp r2, #TICK
	beq tick
	cmp r2, #1
	bne done
	ldr r1, =count
	bl one
	ldr r1, =total
	bl one
	ldr r1, =way
	ldr r1, [r1]
	tst r1, #4
	beq done
	/* Nested: in System mode, as a kernel has it. */
	mrs r2, spsr
	push {r0, r2}
	ldr r1, =SGIR
	ldr r2, =URGENT
	cps #0x1f
	push {r1, lr}
	tst r0, #0
	str r2, [r1]
	cpsie i
	nop
	cpsid i
	pop {r1, lr}
	cps #0x12
	pop {r0, r2}
	msr spsr_cxsf, r2
	ldr r12, =GICC
	ldr r1, =nested
	bl one
	b done
tick:	ldr r1, =TTC
	ldr r1, [r1, #0x54]
	ldr r1, =ticked
	bl one
done:	str r0, [r12, #0x10]
return:	ldr r0, =way
	ldr r0, [r0]
	adds r1, r0, r0
	ands r0, r0, #3
	beq 1f
	cmp r0, #1
	beq 2f
	pop {r0-r3, r12}
	rfe sp!
1:	ldr r0, [sp, #20]
	str r0, [sp, #24]
	ldm sp!, {r0-r3, r12, lr, pc}^
2:	pop {r0-r3, r12, lr}
	add sp, sp, #4
	movs pc, lr

one:	push {r4} /* flags stay */
	mrs r4, cpsr
	push {r4}
	ldr r4, [r1]
	add r4, r4, #1
	str r4, [r1]
	pop {r4}
	msr cpsr_f, r4
	pop {r4}
	bx lr

put:	ldr r2, =written
	ldr r3, [r2]
	strb r0, [r3], #1
	str r3, [r2]
	bx lr

/* r0 in hex, and a space. */
print:	push {r4, r5, lr}
	mov r5, r0
	mov r4, #8
1:	mov r5, r5, ror #28
	and r0, r5, #15
	cmp r0, #10
	addlo r0, r0, #'0'
	addhs r0, r0, #'a' - 10
	bl put
	subs r4, r4, #1
	bne 1b
	mov r0, #' '
	bl put
	pop {r4, r5, pc}

	.macro case name, interrupts
	.section .rodata
	.word \name, \interrupts
	.text
	.balign 4
\name:
	.endm
	.macro thumb_case name, interrupts
	.section .rodata
	.word \name + 1, \interrupts
	.text
	.balign 4
	.thumb
\name:
	.endm
	.macro end
	udf #0
	.ltorg
	.balign 4
	.arm
	.endm
	.macro both name, interrupts
	case a_\name, \interrupts
	do_\name
	end
	thumb_case t_\name, \interrupts
	do_\name
	end
	.endm

	.macro do_store
	adds r0, r1, r2
	str r5, [r4]
	adcs r1, r2, r3
	b 1f
1:	sbcs r2, r3, r6
	.endm
	.macro do_call
	svc #0
	adcs r1, r2, r3
	.endm
	.macro do_store_then_call /* the call is first */
	adds r0, r1, r2
	str r5, [r4]
	svc #0
	adcs r1, r2, r3
	.endm
	.macro do_store_then_abort
	ldr r7, =0xf8f00000
	adds r0, r1, r2
	str r5, [r4]
	ldr r8, [r7]
	adcs r1, r2, r3
	.endm
	.macro do_masked /* but in User mode */
	cpsid i
	str r5, [r4]
	adcs r1, r2, r3
	b 1f
1:	sbcs r2, r3, r6
	cpsie i
	adcs r6, r6, r6
	.endm
	.macro do_mask_behind
	str r5, [r4]
	cpsid i
	adcs r1, r2, r3
	b 1f
1:	sbcs r2, r3, r6
	cpsie i
	.endm
	.macro do_restored
	mrs r7, cpsr
	cpsid i
	str r5, [r4]
	adcs r1, r2, r3
	msr cpsr_cxsf, r7
	adcs r2, r3, r6
	.endm
	.macro do_sleep
	adds r0, r1, r2
	str r5, [r4]
	wfi
	adcs r1, r2, r3
	.endm
	.macro do_sleep_masked
	cpsid i
	str r5, [r4]
	wfi
	adcs r1, r2, r3
	cpsie i
	sbcs r2, r3, r6
	.endm
	.macro do_conditional
	adds r0, r1, r2
	itet mi
	strmi r5, [r4]
	strpl r5, [r4]
	adcmi r1, r2, r3
	b 1f
1:	itte vs
	addvs r2, r2, #1
	eorvs r3, r3, r2
	subvc r3, r3, #2
	.endm
	.macro do_it_and_call
	adds r0, r1, r2
	itte cs
	addcs r1, r1, #1
	strcs r5, [r4]
	strcc r5, [r4]
	itt ne
	adcne r2, r3, r6
	strne r2, [sp, #-8]
	svc #0
	adcs r1, r2, r3
	.endm
	.macro do_gone /* the tick is seen here, so it may be that there is none when it is looked for */
	ldr r7, =TTC
	ldr r6, [r7, #0x54]
	ldr r6, [r7, #0x54]
	mov r6, #0
	adds r0, r1, r2
	b 1f
1:	adcs r1, r2, r3
	.endm
	.macro do_sum
	movw r7, #300
1:	adds r1, r1, r0
	adcs r0, r0, r1, ror #7
	ite cs
	eorcs r0, r0, r7
	addcc r0, r0, #1
	sbcs r3, r1, r0
	itt mi
	addmi r1, r1, #3
	eormi r1, r1, r3
	subs r7, r7, #1
	bne 1b
	.endm

	.section .rodata
	.balign 4
modes:	.byte 0x10, 0x1f, 0x13, 0
	.balign 4
cases:
	both store, 1
	both call, 1
	both store_then_call, 1
	both store_then_abort, 1
	both masked, 1
	both mask_behind, 1
	both restored, 1
	both sleep, 1
	both sleep_masked, 1
	both conditional, 1
	both it_and_call, 1
	both gone, 0
	both sum, 0
	thumb_case t_page, 1 /* an IT block is divided by the end of a page */
	b 1f
	.balign 4096
	.space 4096 - 8
1:	adds r0, r1, r2
	str r5, [r4]
	itete cs
	addcs r1, r1, #1
	addcc r1, r1, #2
	eorcs r2, r2, r3
	eorcc r3, r3, r2
	end
	.section .rodata
	.word 0

	.data
	.balign 4
written: .word 0x3ed40000
results:
differ:	.word 0
missed:	.word 0
wrong:	.word 0 /* states of the core in the handler */
where:	.word 0 /* the first of these */
total:	.word 0
urgent:	.word 0
nested:	.word 0
ticked:	.word 0
	.equ RESULTS, 8
	.bss
	.balign 4
records: .space 144
operands: .space 68
saved:	.space 4
current: .space 4
count:	.space 4
way:	.space 4
dummy:	.space 4
