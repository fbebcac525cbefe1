/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and returns over random operands: for each case the sum of what every round has left
 * behind is a line of text at 0x3ed40000. Needs nothing but the core and memory, so a bare core of
 * QEMU's runs it, too.
 */
	.syntax unified
	.arm
	.section .vectors, "ax"
	ldr pc, =boot
	ldr pc, =undefined
	ldr pc, =supervisor
	ldr pc, =prefetch
	ldr pc, =data
	nop
	b .
	b .
	.ltorg

	.text
	.global boot
boot:
	cps #0x17
	ldr sp, =abort_stack
	cps #0x1b
	ldr sp, =fault_stack
	cps #0x13
	ldr sp, =svc_stack
	cps #0x1f
	ldr sp, =stack_top
	mov r0, #0
	mcr p15, 0, r0, c1, c0, 0 /* caches and MPU off, vectors at 0 */
	isb
	mrc p15, 0, r0, c1, c0, 2
	orr r0, r0, #0xf00000
	mcr p15, 0, r0, c1, c0, 2
	isb
	bl regions
	ldr r11, =0x2545f491 /* what random operands are made from */
	ldr r10, =cases
next:
	ldr r0, [r10], #4
	cmp r0, #0
	beq stop
	mov r8, #0 /* the sum */
	mov r9, #ROUNDS
round:
	ldr r1, =operands
	mov r2, #14
fill:
	eor r11, r11, r11, lsl #13
	eor r11, r11, r11, lsr #17
	eor r11, r11, r11, lsl #5
	str r11, [r1], #4
	subs r2, r2, #1
	bne fill
	ldr r0, [r10, #-4]
	bl run
	ldr r1, =record
	mov r2, #21
add:
	ldr r3, [r1], #4
	add r8, r3, r8, ror #27
	subs r2, r2, #1
	bne add
	subs r9, r9, #1
	bne round
	mov r0, r8
	bl print
	ldr r1, =record
	mov r4, #21
words:
	ldr r0, [r1], #4
	bl print
	subs r4, r4, #1
	bne words
	mov r0, #'\n'
	bl put
	b next
stop:
	mov r0, #'.'
	bl put
	mov r0, #'\n'
	bl put
1:	wfi
	b 1b

put:	ldr r2, =written
	ldr r3, [r2]
	strb r0, [r3], #1
	str r3, [r2]
	bx lr

/* r0 in hex, and a space. */
print:	push {r1, r4-r6, lr}
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
	pop {r1, r4-r6, pc}

/* Regions 0 to 3: memory, a page that is read only, one without access, devices without code; no
   others. */
regions:
	adr r4, table
	mov r0, #0
1:	ldm r4!, {r1-r3}
	mcr p15, 0, r0, c6, c2, 0
	mcr p15, 0, r1, c6, c1, 0
	mcr p15, 0, r2, c6, c1, 2
	mcr p15, 0, r3, c6, c1, 4
	add r0, r0, #1
	cmp r0, #6
	bne 1b
	bx lr
table:	.word 0, 30 << 1 | 1, 0x30b
	.word 0x3ed30000, 11 << 1 | 1, 0x60b
	.word 0x3ed31000, 11 << 1 | 1, 0x00b
	.word 0xff000000, 23 << 1 | 1, 0x1305
	.word 0, 0, 0
	.word 0, 0, 0

/*
 * Regions 4 and 5 with random bases, sizes, subregions, AP and XN in the 32 KiB at WINDOW, which no
 * other region is for. r6 is an address there; SCTLR.BR and user mode are random, too.
 */
	.equ WINDOW, 0x3ed38000
	.macro one number, base, size, attributes
	and r9, \size, #7
	add r9, r9, #5
	mov r10, #2
	mov r10, r10, lsl r9
	sub r10, r10, #1
	ldr r12, =0x7fff
	and r12, r12, \base
	bic r12, r12, r10
	ldr r10, =WINDOW
	orr r12, r12, r10
	and \size, \size, #0xff00
	cmp r9, #7
	movlo \size, #0
	orr \size, \size, r9, lsl #1
	orr \size, \size, #1
	and r10, \attributes, #7
	mov r10, r10, lsl #8
	orr r10, r10, #0xb
	tst \attributes, #8
	orrne r10, r10, #0x1000
	mov r9, #\number
	mcr p15, 0, r9, c6, c2, 0
	mcr p15, 0, r12, c6, c1, 0
	mcr p15, 0, \size, c6, c1, 2
	mcr p15, 0, r10, c6, c1, 4
	.endm
	.macro set number, base, size, attributes
	mov r9, #\number
	mcr p15, 0, r9, c6, c2, 0
	ldr r9, =\base
	mcr p15, 0, r9, c6, c1, 0
	mov r9, #\size
	mcr p15, 0, r9, c6, c1, 2
	ldr r9, =\attributes
	mcr p15, 0, r9, c6, c1, 4
	.endm
setup:
	set 0, 0x3ed00000, 16 << 1 | 1, 0x30b
	set 1, 0, 0, 0
	set 2, 0, 0, 0
	set 3, 0, 17 << 1 | 1, 0x30b
	one 4, r0, r1, r2
	one 5, r3, r4, r5
	ldr r9, =0x7fff
	and r6, r6, r9
	ldr r9, =WINDOW
	orr r6, r6, r9
	mov r9, #0
	mcr p15, 0, r9, c6, c2, 0
	mrc p15, 0, r9, c1, c0, 0
	orr r9, r9, #1
	tst r8, #1
	orrne r9, r9, #0x20000
	mcr p15, 0, r9, c1, c0, 0
	isb
	mov r0, #0
	mov r1, #1
	mov r2, #2
	mov r3, #3
	tst r8, #2
	msrne cpsr_c, #0xd0
	bx lr
	.ltorg

/* Execute the case at r0 with the operands, and make its record. */
run:
	push {r4-r12, lr}
	ldr r2, =saved_sp
	str sp, [r2]
	ldr r2, =target
	str r0, [r2]
	ldr r1, =operands
	ldr r2, [r1, #52]
	and r2, r2, #0xf8000000
	msr cpsr_f, r2
	ldm r1, {r0-r12}
	ldr pc, target
target:	.word 0

	.macro handler name, number
\name:	push {r0-r12}
	mov r1, #\number
	b common
	.endm
	handler undefined, 1
	handler supervisor, 2
	handler prefetch, 3
	handler data, 4
common:
	mrs r0, cpsr
	mrs r2, spsr
	ldr r4, =record
	stm r4!, {r0-r2, lr}
	mov r5, #13
1:	pop {r6}
	str r6, [r4], #4
	subs r5, r5, #1
	bne 1b
	str sp, [r4], #4
	ldr r7, =0xc0f /* the status, and not of which bus an external abort was */
	mrc p15, 0, r6, c5, c0, 0
	cmp r1, #4
	and r6, r6, r7
	movne r6, #0
	str r6, [r4], #4
	mrc p15, 0, r6, c6, c0, 0
	movne r6, #0
	str r6, [r4], #4
	mrc p15, 0, r6, c5, c0, 1
	and r6, r6, r7
	cmp r1, #3
	movne r6, #0
	str r6, [r4], #4
	mrc p15, 0, r6, c1, c0, 0
	ldr r7, =0xa0003 /* DZ, BR, A, M */
	bic r6, r6, r7
	mcr p15, 0, r6, c1, c0, 0
	isb
	bl regions
	clrex
	cps #0x1f
	ldr sp, =saved_sp
	ldr sp, [sp]
	pop {r4-r12, pc}
	.ltorg

	.macro case name
	.section .rodata
	.word \name
	.text
	.balign 4
\name:
	.endm
	.macro thumb_case name
	.section .rodata
	.word \name + 1
	.text
	.balign 4
	.thumb
\name:
	.endm
	.macro end
	svc #0xff
	.ltorg
	.balign 4
	.arm
	.endm
	.macro mpu
	mrc p15, 0, r0, c1, c0, 0
	orr r0, r0, #1
	mcr p15, 0, r0, c1, c0, 0
	isb
	.endm

	.section .rodata
	.balign 4
cases:
	case a_svc
	adds r0, r1, r2
	end
	case a_udf
	udf #3
	end
	case a_read
	ldr r1, =0xf8f00000
	ldr r0, [r1]
	end
	case a_write
	ldr r1, =0xf8f00004
	str r0, [r1]
	end
	case a_writeback
	ldr r1, =0xf8f00008
	ldrh r0, [r1], #2
	end
	case a_ldm
	ldr r1, =0xf8f00010
	ldm r1!, {r2-r5}
	end
	case a_stm
	ldr r1, =0xf8f00020
	stmdb r1!, {r2-r5}
	end
	case a_bkpt
	bkpt #1
	end
	case a_conditional
	svceq #1
	udfal:
	udf #1
	end
	case a_banked
	cps #0x11
	mov r8, r0
	mov r12, r1
	mov sp, r2
	mov lr, r3
	cps #0x12
	mov sp, r4
	mov lr, r5
	cps #0x11
	mov r6, sp
	mov r7, r8
	cps #0x1f
	end
	case a_banked_again
	cps #0x11
	mov r0, r8
	mov r1, sp
	mov r2, lr
	cps #0x12
	mov r3, sp
	mov r4, lr
	cps #0x1f
	end
	case a_return
	cps #0x12
	and r0, r0, #0xf8000000
	orr r0, r0, #0x1f
	msr spsr_cxsf, r0
	adr lr, 1f
	movs pc, lr
	udf #2
1:	mrs r5, cpsr
	end
	case a_return_to_thumb
	cps #0x12
	and r0, r0, #0xf8000000
	orr r0, r0, #0x3f
	msr spsr_cxsf, r0
	adr lr, 1f
	add lr, lr, #4
	subs pc, lr, #4
	.thumb
1:	adds r5, #1
	svc #7
	.balign 4
	.arm
	end
	case a_rfe
	cps #0x17
	and r0, r0, #0xf8000000
	orr r0, r0, #0x1f
	adr r1, 1f
	push {r1}
	str r0, [sp, #4]
	sub sp, sp, #0
	rfeia sp
	udf #2
1:	mov r6, r0
	cps #0x17
	add sp, sp, #4
	cps #0x1f
	end
	case a_srs
	cps #0x12
	msr spsr_cxsf, r0
	mov lr, r1
	ldr sp, =scratch + 64
	srsdb sp!, #0x12
	mov r2, sp
	ldm sp!, {r3, r4}
	cps #0x1f
	end
	case a_ldm_return
	cps #0x12
	ldr sp, =scratch
	adr r5, 1f
	stm sp, {r3, r4, r5}
	and r0, r0, #0xf8000000
	orr r0, r0, #0x1f
	msr spsr_cxsf, r0
	ldm sp, {r6, r7, pc}^
	udf #2
1:	mrs r8, cpsr
	end
	case a_user_registers
	cps #0x12
	ldr r0, =scratch
	stm r0, {r13, r14}^
	nop
	ldm r0, {r1, r2}
	mov r2, #0
	cps #0x1f
	end
	case a_user
	cps #0x10
	cps #0x1f
	msr cpsr_c, #0x13
	mrs r0, cpsr
	end
	case a_user_system
	cps #0x10
	mrc p15, 0, r0, c1, c0, 0
	end
	case a_no_register
	mrc p15, 0, r0, c14, c0, 0
	end
	case a_identification
	mrc p15, 0, r0, c0, c0, 0
	mrc p15, 0, r1, c0, c0, 4
	end
	case a_fpu_off
	mov r0, #0
	vmsr fpexc, r0
	vmov s0, r1
	end
	case a_fpu
	mov r0, #0x40000000
	vmsr fpexc, r0
	vmov d0, r1, r2
	vmov d1, r3, r4
	vadd.f64 d2, d0, d1
	vmov r5, r6, d2
	vcmp.f64 d0, d1
	vmrs apsr_nzcv, fpscr
	vmrs r7, fpscr
	end
	case a_big_endian
	setend be
	ldr r1, =scratch
	str r0, [r1]
	ldrb r2, [r1]
	setend le
	end
	case a_big_endian_svc
	setend be
	svc #1
	case a_exclusive
	ldr r0, =scratch
	ldrex r1, [r0]
	mov r1, #5
	strex r2, r3, [r0]
	strex r4, r3, [r0]
	ldr r5, [r0]
	end
	case a_unaligned
	ldr r0, =scratch + 1
	str r1, [r0]
	ldr r2, [r0, #2]
	strh r3, [r0, #6]
	ldr r4, [r0, #3]
	ldr r0, =scratch
	mov r5, #0
	str r5, [r0, #12]
	end
	case a_jump
	ldr r0, =0xf8000000
	bx r0
	end
	case a_read_only
	ldr r6, =0x3ed30010
	mpu
	ldr r5, [r6]
	str r1, [r6]
	end
	case a_no_access
	ldr r6, =0x3ed31020
	mpu
	ldrb r5, [r6]
	end
	case a_no_access_store
	ldr r6, =0x3ed31020
	mpu
	stmia r6!, {r1-r4}
	end
	case a_execute_never
	ldr r6, =0xff000000
	mpu
	bx r6
	end
	case a_background
	ldr r6, =0xf8f00000
	mpu
	ldr r5, [r6]
	end
	.macro window_case name, access:vararg
	case \name
	bl setup
	\access
	end
	.endm
	window_case w_ldr, ldr r5, [r6]
	window_case w_str, str r5, [r6]
	window_case w_ldrb, ldrb r5, [r6]
	window_case w_strb, strb r5, [r6]
	window_case w_ldrh, ldrsh r5, [r6], #2
	window_case w_strh, strh r5, [r6, #2]!
	window_case w_ldrt, ldrt r5, [r6], #4
	window_case w_strt, strt r5, [r6], #4
	window_case w_strbt, strbt r5, [r6], #1
	.macro aligned_case name, access:vararg
	case \name
	bl setup
	bic r6, r6, #7
	\access
	end
	.endm
	aligned_case w_ldm, ldm r6!, {r0-r5}
	aligned_case w_stm, stm r6!, {r0-r5}
	aligned_case w_stmdb, stmdb r6, {r0-r5}
	aligned_case w_ldrd, ldrd r4, r5, [r6]
	aligned_case w_strd, strd r4, r5, [r6, #-8]!
	aligned_case w_ldrex, ldrex r5, [r6]
	aligned_case w_swp, swp r4, r5, [r6]
	.macro exclusive_case name, access:vararg
	case \name
	ldr r9, =0x7fff
	and r6, r6, r9
	ldr r9, =WINDOW
	orr r6, r6, r9
	\access
	end
	.endm
	exclusive_case x_ldrex, ldrex r5, [r6]
	exclusive_case x_ldrexh, ldrexh r5, [r6]
	exclusive_case x_ldrexb, ldrexb r5, [r6]
	exclusive_case x_ldrexd, ldrexd r4, r5, [r6]
	case w_vldr
	mov r9, #0x40000000
	vmsr fpexc, r9
	bl setup
	bic r6, r6, #7
	vldr d1, [r6]
	vmov r0, r1, d1
	vstr d1, [r6, #8]
	end
	case w_fetch
	ldr r9, =0x7fff
	and r6, r6, r9
	ldr r9, =WINDOW
	orr r6, r6, r9
	bic r6, r6, #3
	ldr r9, code
	str r9, [r6]
	bl setup
	bic r6, r6, #3
	bx r6
code:	svc #0xfe
	.ltorg
	.balign 4
	thumb_case t_svc
	adds r0, r1, r2
	end
	thumb_case t_udf
	udf #3
	end
	thumb_case t_udf_wide
	udf.w #3
	end
	thumb_case t_bkpt
	bkpt #3
	end
	thumb_case t_read
	ldr r1, =0xf8f00000
	ldr r0, [r1]
	end
	thumb_case t_write_wide
	ldr r1, =0xf8f00000
	str.w r0, [r1, #4]
	end
	thumb_case t_it_first
	ldr r1, =0xf8f00000
	ittte ne
	ldrne r0, [r1]
	addne r2, #1
	addne r3, #1
	addeq r4, #1
	end
	thumb_case t_it_third
	ldr r1, =0xf8f00000
	ittet mi
	addmi r2, #1
	addmi r3, #1
	ldrpl r0, [r1]
	addmi r4, #1
	end
	thumb_case t_it_svc
	itet cs
	svccs #1
	addcc r2, #1
	addcs r3, #1
	end
	thumb_case t_it_udf
	ite vs
	addvs r3, #1
	udfvc:
	addvc r2, #1
	udf #1
	end
	thumb_case t_divide
	sdiv r0, r1, r2
	udiv r3, r4, r5
	movs r6, #0
	udiv r7, r1, r6
	sdiv r8, r1, r6
	end
	thumb_case t_return
	cps #0x12
	and r0, r0, #0xf8000000
	orr r0, r0, #0x3f
	msr spsr_cxsf, r0
	adr r1, 1f
	mov lr, r1
	subs pc, lr, #0
	udf #2
	.balign 4
1:	adds r5, #1
	end
	thumb_case t_cps
	cpsie i
	mrs r0, cpsr
	cpsid if
	mrs r1, cpsr
	cpsie f
	cps #0x13
	mrs r2, cpsr
	cps #0x1f
	end
	.section .rodata
	.word 0

	.data
	.balign 4
operands: .space 56
record:	.space 84
saved_sp: .word 0
written: .word 0x3ed40000
scratch: .space 128
