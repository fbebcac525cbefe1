/* SPDX-License-Identifier: MIT */
/*
 * The order of instructions in which Zephyr starts on a Cortex-R5, and with which it takes
 * interrupts, changes threads, and turns the FPU on for a thread at its first instruction of it.
 */
	.syntax unified
	.arm
	.fpu vfpv3-d16
	.section .vectors, "ax"
	.global vectors
vectors:
	ldr pc, =reset
	ldr pc, =undefined
	ldr pc, =supervisor
	ldr pc, =fatal
	ldr pc, =fatal
	ldr pc, =fatal
	ldr pc, =interrupt
	ldr pc, =fatal
	.ltorg

	.text
reset:
	ldr r4, =z_prep_c
	ldr r5, =fiq_stack + 64
	ldr r6, =irq_stack + 1024
	ldr r7, =abort_stack + 128
	ldr r8, =undefined_stack + 128
	ldr r9, =svc_stack + 512
	ldr r10, =sys_stack + 1024
	msr cpsr_c, #0xd1
	mov sp, r5
	msr cpsr_c, #0xd2
	mov sp, r6
	msr cpsr_c, #0xd7
	mov sp, r7
	msr cpsr_c, #0xdb
	mov sp, r8
	msr cpsr_c, #0xd3
	mov sp, r9
	msr cpsr_c, #0xdf
	mov sp, r10
	bl soc_reset_hook
	bx r4

fatal:
	ldr r0, =z_fatal
	bx r0

/* An instruction of an FPU that is off turns it on, and is executed again. */
undefined:
	push {r0-r3, r12, lr}
	mrs r0, spsr
	tst r0, #0x20
	subne r1, lr, #2
	subeq r1, lr, #4
	str r1, [sp, #20]
	vmrs r2, fpexc
	tst r2, #1 << 30
	bne fatal
	ldrh r3, [r1]
	ldrh r2, [r1, #2]
	lsl r2, r2, #16
	orr r3, r3, r2
	tst r0, #0x20 /* Thumb: the first halfword on top */
	rorne r3, r3, #16
	and r3, r3, #0xc000000
	cmp r3, #0xc000000 /* a coprocessor's */
	bne fatal
	mov r2, #1 << 30
	vmsr fpexc, r2
	ldr r0, =current
	ldr r0, [r0]
	add r0, r0, #8
	vldmia r0!, {d0-d15}
	ldr r1, [r0]
	vmsr fpscr, r1
	ldr r2, =fpu_faults
	ldr r1, [r2]
	add r1, r1, #1
	str r1, [r2]
	pop {r0-r3, r12, lr}
	movs pc, lr

/* z_arm_pendsv(): what a thread keeps goes onto its stack, in SYS mode with interrupts off. */
	.macro change_threads
	ldr r0, =current
	ldr r1, [r0]
	vmrs r2, fpexc
	tst r2, #1 << 30
	beq 8f
	add r3, r1, #8
	vstmia r3!, {d0-d15}
	vmrs r12, fpscr
	str r12, [r3]
	bic r2, r2, #1 << 30
	vmsr fpexc, r2
8:	push {r4-r11}
	str sp, [r1]
	ldr r1, =next
	ldr r1, [r1]
	str r1, [r0]
	ldr sp, [r1]
	pop {r4-r11}
	.endm

/* z_arm_svc(): a thread gives way. */
supervisor:
	srsdb sp!, #0x1f
	cps #0x1f
	push {r0-r3, r12, lr}
	change_threads
	pop {r0-r3, r12, lr}
	rfeia sp!

/* _isr_wrapper(): in SYS mode, where interrupts nest. */
interrupt:
	sub lr, lr, #4
	srsdb sp!, #0x1f
	cps #0x1f
	push {r0-r3, r12, lr}
	vmrs r0, fpexc /* handlers may use it, too */
	push {r0, r1}
	tst r0, #1 << 30
	beq 1f
	vpush {d0-d7}
	vmrs r1, fpscr
	push {r1, r2}
1:	mov r1, #1 << 30
	vmsr fpexc, r1
	and r1, sp, #4
	sub sp, sp, r1
	push {r0, r1}
	ldr r0, =nested
	ldr r1, [r0]
	add r1, r1, #1
	str r1, [r0]
	ldr r0, =0xf900100c /* GICC_IAR */
	ldr r0, [r0]
	push {r0, r1}
	ldr r1, =z_isr
	cpsie i
	blx r1
	cpsid i
	pop {r0, r1}
	dsb
	ldr r1, =0xf9001010 /* GICC_EOIR */
	str r0, [r1]
	ldr r2, =nested
	ldr r1, [r2]
	sub r1, r1, #1
	str r1, [r2]
	pop {r0, r3}
	add sp, sp, r3
	tst r0, #1 << 30
	beq 2f
	pop {r2, r3}
	vmsr fpscr, r2
	vpop {d0-d7}
2:	vmsr fpexc, r0
	pop {r0, r3}
	cmp r1, #0
	bne 3f
	ldr r0, =current
	ldr r0, [r0]
	ldr r1, =next
	ldr r1, [r1]
	cmp r0, r1
	beq 3f
	change_threads
3:	pop {r0-r3, r12, lr}
	rfeia sp!

	.global z_switch_to_main
	.type z_switch_to_main, %function
z_switch_to_main:
	ldr r0, =current
	ldr r1, [r0]
	ldr sp, [r1]
	vmrs r2, fpexc
	bic r2, r2, #1 << 30
	vmsr fpexc, r2
	pop {r4-r11}
	pop {r0-r3, r12, lr}
	rfeia sp!
	.ltorg

	.section .noinit, "aw", %nobits
	.balign 8
fiq_stack: .space 64
irq_stack: .space 1024
abort_stack: .space 128
undefined_stack: .space 128
svc_stack: .space 512
sys_stack: .space 1024
