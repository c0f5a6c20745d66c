/* SPDX-License-Identifier: MIT */
/* The result of a call that suspends is how a cancellation arrives.
 *
 * expect: ignoring return value of
 */
#include <ouro/future.h>

int wait_for(struct ouro_future *future);

int
wait_for(struct ouro_future *future)
{
#ifdef RIGHT
    return ouro_await(future);
#else
    ouro_await(future);
    return 0;
#endif
}
