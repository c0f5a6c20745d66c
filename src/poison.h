/* SPDX-License-Identifier: MIT */
/* Poison for memory that nobody may look at, where AddressSanitizer is on.
 *
 * Memory that is not lent is poisoned although it is not freed, so that a late
 * look at it is a report with its line.
 */
#ifndef OURO_POISON_H
#define OURO_POISON_H

#if __has_include(<sanitizer/asan_interface.h>)
/* Does nothing in a build without the sanitizer. */
#    include <sanitizer/asan_interface.h>
#    define OURO__POISON(data, size)   ASAN_POISON_MEMORY_REGION(data, size)
#    define OURO__UNPOISON(data, size) ASAN_UNPOISON_MEMORY_REGION(data, size)
#else
#    define OURO__POISON(data, size)   ((void)(data), (void)(size))
#    define OURO__UNPOISON(data, size) ((void)(data), (void)(size))
#endif

#endif
