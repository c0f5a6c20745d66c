/* SPDX-License-Identifier: MIT */
/* A pointer to one type is no member of another.
 *
 * expect: pointer type mismatch
 */
#include <ouro/base.h>

struct other {
    double base;
};

struct echo {
    uint64_t bytes;
    struct other base;
};

#ifdef RIGHT
struct echo *echo_of(struct other *pointer);

struct echo *
echo_of(struct other *pointer)
#else
struct echo *echo_of(struct ouro__list *pointer);

struct echo *
echo_of(struct ouro__list *pointer)
#endif
{
    return OURO_CONTAINER_OF(pointer, struct echo, base);
}
