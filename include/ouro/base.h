/* SPDX-License-Identifier: MIT */
#ifndef OURO_BASE_H
#define OURO_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Around every public header: C linkage, and the only visible symbols. */
#ifdef __cplusplus
#    define OURO_BEGIN_DECLS                               \
        _Pragma("GCC visibility push(default)") extern "C" \
        {
#    define OURO_END_DECLS \
        }                  \
        _Pragma("GCC visibility pop")
#else
#    define OURO_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#    define OURO_END_DECLS   _Pragma("GCC visibility pop")
#endif

OURO_BEGIN_DECLS

/** A call whose result must be looked at. */
#define OURO_MUST_USE __attribute__((warn_unused_result))

/**
 * A call that may suspend the running task; outside a task it stops the
 * program.  The result must be looked at: it is how a cancellation arrives.
 */
#define OURO_SUSPENDS OURO_MUST_USE

/** Where this line is, for reports: "file.c:12". */
#define OURO_HERE         __FILE__ ":" OURO__TEXT(__LINE__)
#define OURO__TEXT(line)  OURO__TEXT_(line)
#define OURO__TEXT_(line) #line

/**
 * The struct of type `type` that has `ptr` as its `member`.
 *
 * The conditional has no effect but to make the compiler compare the types.
 */
#define OURO_CONTAINER_OF(ptr, type, member)                     \
    ((type *)(void *)((char *)(1 ? (ptr) : &((type *)0)->member) \
                      - offsetof(type, member)))

/**
 * Stop the program, in release builds too, unless `condition` holds.
 *
 * `rule` is the sentence of the contract that was broken.  The report is one
 * line: the place, the rule, and the task that was running.  The place is this
 * one, or `site` where somebody else is to blame.
 */
#define OURO_CHECK(condition, rule) OURO_CHECK_AT(condition, rule, OURO_HERE)
#define OURO_CHECK_AT(condition, rule, site) \
    (__builtin_expect(!!(condition), 1) ? (void)0 : ouro__broken(rule, site))

void ouro__broken(const char *rule, const char *site) __attribute__((noreturn));

/**
 * Where the library gets its memory.
 *
 * `alloc` returns `size` bytes aligned for any type, or NULL.  `free` gets what
 * `alloc` returned, never NULL.  Both may be called on any thread.
 */
struct ouro_allocator {
    void *(*alloc)(size_t size, void *context);
    void (*free)(void *memory, void *context);
    void *context;
};

/**
 * Use `allocator`, which is copied, instead of malloc(3); NULL: malloc again.
 *
 * Call it before the first loop is made: memory goes back where it came from.
 */
void ouro_set_allocator(const struct ouro_allocator *allocator);

/** `size` bytes from there, for parts that stand on the library; NULL: none. */
OURO_MUST_USE void *ouro_alloc(size_t size);

/** Give them back.  NULL is nothing. */
void ouro_free(void *memory);

/** Two pointers of an intrusive list; the fields are private. */
struct ouro__list {
    struct ouro__list *next;
    struct ouro__list *prev;
};

OURO_END_DECLS

#endif
