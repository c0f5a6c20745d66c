/* Fetch many URLs, -n of them at once; without any, the lines of stdin.
 *
 *     $ ./crawl -n 2 http://127.0.0.1:8080/hello http://127.0.0.1:8080/nowhere
 *     http://127.0.0.1:8080/nowhere: status 404
 *     1 of 2 fetched, 24 bytes in 0.002 s
 */
#include "common.h"

#include <unistd.h>

static char *lines[10000], **urls = lines;
static size_t at_once = 8, count, next, done, good, bytes, room;

static int
fetch(struct ouro_http_client *client, const char *url)
{
    struct ouro_http_response *response;
    struct ouro_slice body = {NULL, 0};
    int rc = ouro_http_get(client, url, &response);

    if (rc == 0) {
        rc = ouro_http_response_read_all(response, OURO_MIB(16), &body);
        rc = rc < 0 ? rc : ouro_http_response_status(response);
        ouro_http_response_free(response);
    }
    if (rc < 0)
        printf("%s: %s\n", url, ouro_strerror(rc));
    else if (rc >= 400)
        printf("%s: status %d\n", url, rc);
    good += rc > 0 && rc < 400;
    bytes += body.size;
    return rc;
}

/* One of several that take the next URL until there is none. */
static int
work(void *client)
{
    while (next < count && fetch(client, urls[next++]) != -ECANCELED) {
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "%zu of %zu, %zu bytes\r", ++done, count, bytes);
    }
    return 0;
}

static int
crawl(void *arg)
{
    int64_t begin_ns = ouro_loop_time_ns(ouro_get_running_loop());
    struct ouro_http_client *client;
    struct ouro_group group;
    int rc = ouro_http_client_new(&client, arg);

    if (rc < 0)
        return rc;
    ouro_group_begin(&group);
    for (size_t i = 0; i < at_once; i++)
        ouro_group_create_task(&group, work, client);
    rc = ouro_group_end(&group, 0);
    ouro_http_client_free(client);
    int64_t end_ns = ouro_loop_time_ns(ouro_get_running_loop());
    printf("%zu of %zu fetched, %zu bytes in %.3f s\n", good, count, bytes,
           (double)(end_ns - begin_ns) / 1e9);
    return rc;
}

int
main(int argc, char **argv)
{
    while (getopt(argc, argv, "n:") == 'n')
        at_once = strtoul(optarg, NULL, 10);
    count = (size_t)(argc - optind);
    if (count > 0)
        urls = argv + optind;
    while (urls == lines && count < 10000
           && getline(&lines[count], &room, stdin) > 0)
        strtok(lines[count++], "\n");
    return ouro_run(crawl, NULL) < 0 || good < count;
}
