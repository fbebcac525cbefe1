/* SPDX-License-Identifier: MIT */
/*
 * The order of instructions in which images of the vendor's standalone BSP start, and those with
 * which FreeRTOS' port for the Cortex-R5 takes interrupts and changes tasks.
 */
	.syntax unified
	.arm
	.fpu vfpv3-d16
	.section .vectors, "ax"
	.global vectors
vectors:
	ldr pc, =boot
	ldr pc, =fault_entry
	ldr pc, =svc_entry
	ldr pc, =fault_entry
	ldr pc, =fault_entry
	nop
	ldr pc, =irq_entry
	ldr pc, =fault_entry
	.ltorg

	.section .boot, "ax"
	.macro stack mode, top
	mrs r0, cpsr
	mvn r1, #0x1f
	and r2, r1, r0
	orr r2, r2, #\mode
	msr cpsr, r2
	ldr sp, =\top
	mov lr, #0
	.endm
boot:
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
	mov r\n, #0
	.endr
	stack 0x12, irq_stack
	stack 0x13, svc_stack
	stack 0x17, abort_stack
	stack 0x11, fiq_stack
	.irp n, 8, 9, 10, 11, 12
	mov r\n, #0
	.endr
	stack 0x1b, undefined_stack
	stack 0x1f, stack_top

	mrc p15, 0, r0, c1, c0, 2 /* CPACR: the FPU for everyone */
	orr r0, r0, #0xf << 20
	mcr p15, 0, r0, c1, c0, 2
	isb
	vmrs r3, fpexc
	orr r1, r3, #1 << 30
	vmsr fpexc, r1
	mov r1, #0
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmov d\n, r1, r1
	.endr

	mrc p15, 0, r0, c1, c0, 0 /* SCTLR: no MPU, no caches */
	bic r0, r0, #5
	bic r0, r0, #0x1000
	dsb
	mcr p15, 0, r0, c1, c0, 0
	isb
	mrc p15, 0, r0, c1, c0, 1 /* ACTLR: no branch prediction, ECC of the TCMs */
	orr r0, r0, #3 << 16
	bic r0, r0, #1 << 15
	orr r0, r0, #7 << 25
	bic r0, r0, #7 << 3
	mcr p15, 0, r0, c1, c0, 1
	dsb
	mov r0, #0
	dsb
	mcr p15, 0, r0, c7, c5, 0
	mcr p15, 0, r0, c15, c5, 0
	isb

	ldr r0, =0xff9a0000 /* RPU_GLBL_CNTL: the log of faults, in lockstep only */
	ldr r1, [r0]
	ands r1, r1, #8
	bne 1f
	ldr r0, =0xff5e0200 /* BOOT_MODE_USER: and not with JTAG */
	ldr r1, [r0]
	ands r1, r1, #15
	beq 1f
	ldr r0, =0xff5e0240 /* RST_LPD_DBG */
	ldr r1, [r0]
	orr r1, r1, #3 << 4
	str r1, [r0]
	ldr r0, =0xff9a0020 /* RPU_ERR_INJ */
	ldr r1, =0x101
	ldr r2, [r0]
	orr r2, r2, r1
	str r2, [r0]
	nop
1:	bl init_mpu

	mrc p15, 0, r0, c1, c0, 1 /* branch prediction again */
	bic r0, r0, #7 << 15
	orr r0, r0, #1 << 14
	mcr p15, 0, r0, c1, c0, 1
	mrc p15, 0, r1, c1, c0, 0 /* MPU and caches */
	ldr r0, =0x1005
	orr r1, r1, r0
	dsb
	mcr p15, 0, r1, c1, c0, 0
	isb
	mrc p15, 0, r0, c1, c0, 0 /* low vectors, also behind the next reset */
	mvn r1, #0x2000
	and r0, r0, r1
	mcr p15, 0, r0, c1, c0, 0
	mrc p15, 0, r0, c0, c0, 5
	ands r0, r0, #0xff
	ldreq r0, =0xff9a0100 /* RPU_0_CFG */
	ldrne r0, =0xff9a0200
	ldr r1, [r0]
	bic r1, r1, #4
	str r1, [r0]

	mov r0, #0 /* what has no reset value */
	mcr p15, 0, r0, c5, c0, 0
	mcr p15, 0, r0, c5, c0, 1
	mcr p15, 0, r0, c6, c0, 0
	mcr p15, 0, r0, c6, c0, 2
	mcr p15, 0, r0, c9, c13, 2
	mcr p15, 0, r0, c13, c0, 2
	mcr p15, 0, r0, c13, c0, 3
	mov r2, #0x80000000 /* the cycle counter, by 64 */
	mcr p15, 0, r2, c9, c12, 3
	mov r2, #0xd
	mcr p15, 0, r2, c9, c12, 0
	mov r2, #0x80000000
	mcr p15, 0, r2, c9, c12, 1

	mrc p15, 0, r0, c0, c0, 5
	ands r0, r0, #0xff
	ldreq r10, =0xff9a0108 /* RPU_0_PWRDWN: a warm start keeps its variables */
	ldrne r10, =0xff9a0208
	ldr r11, [r10]
	ands r11, r11, #1
	bne 3f
	mov r0, #0
	ldr r1, =bss_start
	ldr r2, =bss_end
2:	cmp r1, r2
	bge 3f
	str r0, [r1], #4
	b 2b
3:	ldr sp, =stack_top
	mov r0, #0
	mov r1, #0
	ldr r2, =main
	blx r2
4:	b 4b
	.ltorg

	.text
fault_entry: /* as the BSP's: it stays there */
	b fault_entry

/* The task's registers onto its own stack; interrupts are off, the mode is IRQ or SVC. */
	.macro save_context
	srsdb sp!, #0x1f
	cps #0x1f
	push {r0-r12, lr}
	ldr r2, =critical
	ldr r1, [r2]
	push {r1}
	ldr r2, =uses_fpu
	ldr r3, [r2]
	cmp r3, #0
	vmrsne r1, fpscr
	vpushne {d0-d15}
	pushne {r1}
	push {r3}
	ldr r0, =current
	ldr r1, [r0]
	str sp, [r1]
	.endm

	.macro restore_context
	ldr r0, =current
	ldr r1, [r0]
	ldr sp, [r1]
	ldr r0, =uses_fpu
	pop {r1}
	str r1, [r0]
	cmp r1, #0
	popne {r0}
	vpopne {d0-d15}
	vmsrne fpscr, r0
	ldr r0, =critical
	pop {r1}
	str r1, [r0]
	ldr r2, =0xf9001004 /* ICCPMR */
	cmp r1, #0
	moveq r4, #255
	movne r4, #0x90
	str r4, [r2]
	pop {r0-r12, lr}
	rfeia sp!
	.endm

	.global first_task
first_task:
	cps #0x1f
	restore_context

svc_entry:
	save_context
	ldr r0, =choose
	blx r0
	restore_context
	.ltorg

/* Back to IRQ mode, its LR and SPSR as they were. */
	.macro unwind
	pop {r1, r2}
	vmsr fpscr, r1
	vpop {d0-d7}
	pop {r0-r4, r12}
	cps #0x12
	pop {lr}
	msr spsr_cxsf, lr
	pop {lr}
	.endm

irq_entry:
	sub lr, lr, #4
	push {lr}
	mrs lr, spsr
	push {lr}
	cps #0x13
	push {r0-r4, r12}
	vpush {d0-d7}
	vmrs r1, fpscr
	push {r1, r2}
	ldr r3, =nesting
	ldr r1, [r3]
	add r4, r1, #1
	str r4, [r3]
	ldr r2, =0xf900100c /* ICCIAR */
	ldr r0, [r2]
	mov r2, sp
	and r2, r2, #4
	sub sp, sp, r2
	push {r0-r4, lr}
	ldr r1, =handle_irq
	blx r1
	pop {r0-r4, lr}
	add sp, sp, r2
	cpsid i
	dsb
	isb
	ldr r4, =0xf9001010 /* ICCEOIR */
	str r0, [r4]
	str r1, [r3]
	cmp r1, #0
	bne 1f
	ldr r1, =yield_wanted
	ldr r0, [r1]
	cmp r0, #0
	bne 2f
1:	unwind
	movs pc, lr
2:	mov r0, #0
	str r0, [r1]
	unwind
	save_context
	ldr r0, =choose
	blx r0
	restore_context

	.ltorg
