/* SPDX-License-Identifier: MIT */
/* The switch of contexts on AArch64.
 *
 * A suspended context has stored twenty words; its `sp` points at the lowest:
 *
 *     sp +   0  x19 x20 x21 x22 x23 x24 x25 x26 x27 x28
 *     sp +  80  x29
 *     sp +  88  x30, where to go on
 *     sp +  96  d8 d9 d10 d11 d12 d13 d14 d15
 *     sp + 160  the stack of the caller
 *
 * The last step is a `br`, not a `ret`: the processor predicts a `ret` from the
 * calls it has seen, which were another context's.  With BTI it must be a
 * `ret`, since what follows a call is no landing pad.
 *
 * The unwinding rules hold at each instruction, on both sides of the change of
 * stacks, since both look alike.  So the frames of a suspended context unwind
 * with sp = `sp` and pc = ouro__context_suspended.
 */
#if defined(__aarch64__) && !defined(OURO_CONTEXT_UCONTEXT)

#if defined(__ARM_FEATURE_BTI_DEFAULT)
#    define LANDING_PAD hint #34 /* bti c */
#    define GO_TO ret
#else
#    define LANDING_PAD
#    define GO_TO br
#endif

#define FRAME 160

.macro function name
    .p2align 4
    .globl \name
    .hidden \name
    .type \name, %function
\name:
    .cfi_startproc
.endm

.macro end_function name
    .cfi_endproc
    .size \name, . - \name
.endm

.macro save a, b, offset
    stp \a, \b, [sp, #\offset]
    .cfi_rel_offset \a, \offset
    .cfi_rel_offset \b, \offset + 8
.endm

.macro saved_at a, b, offset
    .cfi_offset \a, \offset - FRAME
    .cfi_offset \b, \offset + 8 - FRAME
.endm

.macro restore a, b, offset
    ldp \a, \b, [sp, #\offset]
    .cfi_restore \a
    .cfi_restore \b
.endm

.macro restore_all_and_go
    restore x19, x20, 0
    restore x21, x22, 16
    restore x23, x24, 32
    restore x25, x26, 48
    restore x27, x28, 64
    restore x29, x30, 80
    restore d8, d9, 96
    restore d10, d11, 112
    restore d12, d13, 128
    restore d14, d15, 144
    add sp, sp, #FRAME
    .cfi_adjust_cfa_offset -FRAME
    GO_TO x30
.endm

    .text

/* int ouro__context_swap(struct ouro__context *from, *to, int word) */
function ouro__context_swap
    LANDING_PAD
    sub sp, sp, #FRAME
    .cfi_adjust_cfa_offset FRAME
    save x19, x20, 0
    save x21, x22, 16
    save x23, x24, 32
    save x25, x26, 48
    save x27, x28, 64
    save x29, x30, 80
    save d8, d9, 96
    save d10, d11, 112
    save d12, d13, 128
    save d14, d15, 144
    mov x9, sp
    str x9, [x0]
    .globl ouro__context_suspended
    .hidden ouro__context_suspended
ouro__context_suspended:
    ldr x9, [x1]
    mov sp, x9
    mov w0, w2
    restore_all_and_go
end_function ouro__context_swap

/* _Noreturn void ouro__context_leave(struct ouro__context *from, *to).  Nobody
 * can return to the context that is left, so unwinding ends here. */
function ouro__context_leave
    LANDING_PAD
    .cfi_undefined x30
    ldr x9, [x1]
    mov sp, x9
    .cfi_adjust_cfa_offset FRAME
    mov w0, wzr
    restore_all_and_go
end_function ouro__context_leave

/* void ouro__context_visit(const struct ouro__context *, fn, void *arg)
 *
 * While it calls fn(arg) its unwinding rules are those of the other context,
 * whose `sp` is in x19, which every callee keeps. */
function ouro__context_visit
    LANDING_PAD
    stp x29, x30, [sp, #-32]!
    .cfi_adjust_cfa_offset 32
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    str x19, [sp, #16]
    .cfi_rel_offset x19, 16
    .cfi_remember_state
    ldr x19, [x0]
    mov x0, x2
    .cfi_def_cfa x19, FRAME
    saved_at x19, x20, 0
    saved_at x21, x22, 16
    saved_at x23, x24, 32
    saved_at x25, x26, 48
    saved_at x27, x28, 64
    saved_at x29, x30, 80
    saved_at d8, d9, 96
    saved_at d10, d11, 112
    saved_at d12, d13, 128
    saved_at d14, d15, 144
    blr x1
    .globl ouro__context_visited
    .hidden ouro__context_visited
ouro__context_visited:
    .cfi_restore_state
    ldr x19, [sp, #16]
    .cfi_restore x19
    ldp x29, x30, [sp], #32
    .cfi_restore x29
    .cfi_restore x30
    .cfi_adjust_cfa_offset -32
    ret
end_function ouro__context_visit

/* The first frame of a context: x19 holds its function, x20 the argument.  The
 * undefined return address ends every backtrace here.  It starts behind the
 * `nop`, because unwinders look up the byte before a return address. */
function ouro__context_bottom
    .cfi_undefined x30
    nop
    .globl ouro__context_first
    .hidden ouro__context_first
ouro__context_first:
    mov x0, x20
    blr x19
    brk #1
end_function ouro__context_bottom

#if defined(__ARM_FEATURE_BTI_DEFAULT)
    .section .note.gnu.property, "a", %note
    .p2align 3
    .word 4              /* size of the name */
    .word 16             /* size of what it says */
    .word 5              /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .word 0xc0000000     /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    .word 4
    .word 1              /* BTI */
    .word 0
#endif

#endif

    .section .note.GNU-stack, "", %progbits
