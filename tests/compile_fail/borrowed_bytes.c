/* SPDX-License-Identifier: MIT */
/* Bytes that are lent are not yours to change.
 *
 * expect: read-only
 */
#include <ouro/bytes.h>

uint8_t first(struct ouro_slice slice);

uint8_t
first(struct ouro_slice slice)
{
#ifndef RIGHT
    slice.data[0] = 0;
#endif
    return slice.data[0];
}
