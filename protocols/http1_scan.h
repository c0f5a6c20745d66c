/* SPDX-License-Identifier: MIT */
/* The end of a run of allowed bytes, found sixteen at a time.
 *
 * Nearly all of a head is values and a target, and nothing in them but their
 * end matters.  Names are a table look-up a byte: they are short.  Without SSE2
 * the table does all of it.
 */
#ifndef OURO_HTTP1_SCAN_H
#define OURO_HTTP1_SCAN_H

#include <ouro/bytes.h>

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

/* What a byte may be a part of. */
enum {
    OURO__HTTP1_TOKEN = 1,  /* RFC 9110, 5.6.2 */
    OURO__HTTP1_VALUE = 2,  /* RFC 9110, 5.5, with white space */
    OURO__HTTP1_TARGET = 4, /* all that is visible but " # < > \ */
    OURO__HTTP1_HOST = 8,   /* of a reg-name, but %: RFC 3986, 3.2.2 */
    OURO__HTTP1_HEX = 16
};

extern const uint8_t ouro__http1_chars[256];

static inline bool
ouro__http1_is(uint8_t byte, int kind)
{
    return (ouro__http1_chars[byte] & kind) != 0;
}

/* The first byte from `at` that is not of `kind`, or `end`. */
static inline const uint8_t *
ouro__http1_skip(const uint8_t *at, const uint8_t *end, int kind)
{
    while (at < end && ouro__http1_is(*at, kind))
        at++;
    return at;
}

#ifdef __SSE2__

static inline __m128i
ouro__http1_load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Where `bytes` are below 0x20, but for HTAB, or DEL. */
static inline __m128i
ouro__http1_no_value(__m128i bytes)
{
    __m128i last = _mm_set1_epi8(0x1f);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last), bytes);
    __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));

    return _mm_or_si128(_mm_andnot_si128(tab, control), del);
}

/* Where they are no bytes of a target.  Signed, bytes from 0x80 are small. */
static inline __m128i
ouro__http1_no_target(__m128i bytes)
{
    __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21));
    __m128i bad = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));

    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('<')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('>')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
    return _mm_or_si128(low, bad);
}

#    define OURO__HTTP1_SKIP_WIDE(at, end, no)                       \
        while ((end) - (at) >= 16) {                                 \
            int mask_ = _mm_movemask_epi8(no(ouro__http1_load(at))); \
            if (mask_ != 0)                                          \
                return (at) + __builtin_ctz((unsigned)mask_);        \
            (at) += 16;                                              \
        }
#else
#    define OURO__HTTP1_SKIP_WIDE(at, end, no) (void)0;
#endif

static inline const uint8_t *
ouro__http1_skip_value(const uint8_t *at, const uint8_t *end)
{
    OURO__HTTP1_SKIP_WIDE(at, end, ouro__http1_no_value)
    return ouro__http1_skip(at, end, OURO__HTTP1_VALUE);
}

static inline const uint8_t *
ouro__http1_skip_target(const uint8_t *at, const uint8_t *end)
{
    OURO__HTTP1_SKIP_WIDE(at, end, ouro__http1_no_target)
    return ouro__http1_skip(at, end, OURO__HTTP1_TARGET);
}

/* Whether `slice` is `size` letters and hyphens of `text`, which is in lower
 * case, in any case. */
static inline bool
ouro__http1_same(struct ouro_slice slice, const char *text, size_t size)
{
    if (slice.size != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = slice.data[i];

        if (byte >= 'A' && byte <= 'Z')
            byte |= 0x20;
        if (byte != (uint8_t)text[i])
            return false;
    }
    return true;
}

#define OURO__HTTP1_SAME(slice, literal) \
    ouro__http1_same(slice, "" literal, sizeof(literal) - 1)

#endif
