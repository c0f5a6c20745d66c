/* SPDX-License-Identifier: MIT */
/* How fast the HTTP/1.1 parser reads a typical request of a browser.
 *
 *   http1_parser            some rounds, and the speed of each
 *   http1_parser REQUESTS   that many, and no clock: for callgrind, which
 * counts instructions
 */
#include <ouro/http1_parser.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 7, REQUESTS = 500000 };

static const char request[] =
    "GET /wiki/Event_loop?action=view&section=2 HTTP/1.1\r\n"
    "Host: en.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
    "Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
    "image/webp,image/png,image/svg+xml,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: https://en.example.org/wiki/Main_Page\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; "
    "consent=yes; visited=2024-05-17\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Priority: u=0, i\r\n"
    "\r\n";

static const size_t request_size = sizeof(request) - 1;

static void
parse(long requests)
{
    static struct ouro_http1_field fields[OURO_HTTP1_FIELDS];
    struct ouro_http1_head head;

    for (long i = 0; i < requests; i++) {
        ouro_http1_head_init(&head, fields, OURO_HTTP1_FIELDS);
        ssize_t size = ouro_http1_read_request(
            &head, ouro_slice_of(request, request_size), NULL);
        if (size != (ssize_t)request_size) {
            fprintf(stderr, "http1_parser: %s\n",
                    ouro_http1_error_name(head.error));
            exit(1);
        }
    }
}

static double
seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
    if (argc > 1) {
        parse(strtol(argv[1], NULL, 10));
        return 0;
    }
    printf("a request of %zu bytes\n", request_size);
    for (int round = 0; round < ROUNDS; round++) {
        double begin = seconds();

        parse(REQUESTS);
        double each = (seconds() - begin) / REQUESTS;
        printf("%6.0f ns  %5.2f GB/s\n", each * 1e9,
               (double)request_size / each / 1e9);
    }
    return 0;
}
