/* SPDX-License-Identifier: MIT */
/* The switch of contexts on x86-64.
 *
 * A suspended context has pushed seven words; its `sp` points at the lowest:
 *
 *     sp +  0  r15
 *     sp +  8  r14
 *     sp + 16  r13
 *     sp + 24  r12
 *     sp + 32  rbx
 *     sp + 40  rbp
 *     sp + 48  where to go on
 *     sp + 56  the stack of the caller
 *
 * The last step is a jump, not a `ret`: the processor predicts a `ret` from the
 * calls it has seen, which were another context's.  A wrong guess costs more
 * than all the rest.
 *
 * The unwinding rules hold at each instruction, on both sides of the change of
 * stacks, since both look alike.  So the frames of a suspended context unwind
 * with rsp = sp and rip = ouro__context_suspended.
 *
 * Shadow stacks (CET SHSTK) cannot work with this switch, so the property note
 * at the end promises IBT alone, and linkers take SHSTK off the program.
 */
#if defined(__x86_64__) && defined(__LP64__) && !defined(OURO_CONTEXT_UCONTEXT)

#if defined(__CET__) && (__CET__ & 1)
#    define LANDING_PAD endbr64
#    define GO_TO notrack jmp
#else
#    define LANDING_PAD
#    define GO_TO jmp
#endif

.macro function name
    .p2align 6
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    .cfi_startproc
.endm

.macro end_function name
    .cfi_endproc
    .size \name, . - \name
.endm

.macro save register
    pushq \register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \register, 0
.endm

/* rax is the `sp` of who goes on, edx the word for it.  Loads instead of pops:
 * they do not wait for each other, and the jump's is the first. */
.macro restore_all_and_go
    .cfi_def_cfa %rax, 56
    movq 48(%rax), %rcx
    .cfi_register %rip, %rcx
    movq (%rax), %r15
    .cfi_restore %r15
    movq 8(%rax), %r14
    .cfi_restore %r14
    movq 16(%rax), %r13
    .cfi_restore %r13
    movq 24(%rax), %r12
    .cfi_restore %r12
    movq 32(%rax), %rbx
    .cfi_restore %rbx
    movq 40(%rax), %rbp
    .cfi_restore %rbp
    leaq 56(%rax), %rsp
    .cfi_def_cfa %rsp, 0
    movl %edx, %eax
    GO_TO *%rcx
.endm

    .text

/* int ouro__context_swap(struct ouro__context *from, *to, int word) */
function ouro__context_swap
    LANDING_PAD
    save %rbp
    save %rbx
    save %r12
    save %r13
    save %r14
    save %r15
    movq (%rsi), %rax
    .globl ouro__context_suspended
    .hidden ouro__context_suspended
ouro__context_suspended:
    movq %rsp, (%rdi)
    restore_all_and_go
end_function ouro__context_swap

/* _Noreturn void ouro__context_leave(struct ouro__context *from, *to) */
function ouro__context_leave
    LANDING_PAD
    xorl %edx, %edx
    movq (%rsi), %rax
    .cfi_offset %rip, -8
    .cfi_offset %r15, -56
    .cfi_offset %r14, -48
    .cfi_offset %r13, -40
    .cfi_offset %r12, -32
    .cfi_offset %rbx, -24
    .cfi_offset %rbp, -16
    restore_all_and_go
end_function ouro__context_leave

/* void ouro__context_visit(const struct ouro__context *, fn, void *arg)
 *
 * While it calls fn(arg) its unwinding rules are those of the other context,
 * whose `sp` is in rbx, which every callee keeps. */
function ouro__context_visit
    LANDING_PAD
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    .cfi_remember_state
    movq (%rdi), %rbx
    movq %rdx, %rdi
    .cfi_def_cfa %rbx, 56
    .cfi_offset %rip, -8
    .cfi_offset %r15, -56
    .cfi_offset %r14, -48
    .cfi_offset %r13, -40
    .cfi_offset %r12, -32
    .cfi_offset %rbx, -24
    .cfi_offset %rbp, -16
    call *%rsi
    .globl ouro__context_visited
    .hidden ouro__context_visited
ouro__context_visited:
    .cfi_restore_state
    popq %rbx
    .cfi_restore %rbx
    .cfi_adjust_cfa_offset -8
    ret
end_function ouro__context_visit

/* The first frame of a context: rbx holds its function, r12 the argument.  The
 * undefined return address ends every backtrace here.  It starts behind the
 * `nop`, because unwinders look up the byte before a return address. */
function ouro__context_bottom
    .cfi_undefined %rip
    nop
    .globl ouro__context_first
    .hidden ouro__context_first
ouro__context_first:
    movq %r12, %rdi
    call *%rbx
    ud2
end_function ouro__context_bottom

#if defined(__CET__) && (__CET__ & 1)
    .section .note.gnu.property, "a", @note
    .p2align 3
    .long 4              /* size of the name */
    .long 16             /* size of what it says */
    .long 5              /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000002     /* GNU_PROPERTY_X86_FEATURE_1_AND */
    .long 4
    .long 1              /* IBT */
    .long 0
#endif

#endif

    .section .note.GNU-stack, "", @progbits
