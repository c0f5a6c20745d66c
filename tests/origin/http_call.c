/* SPDX-License-Identifier: MIT */
/* Calls of the HTTP client, one behind the other, for run_origin.py:
 *
 *     http_call (METHOD URL BODY OUT)...
 *
 * BODY is a file, or "-"; with "+" before it, its size is not told.  What comes
 * goes to the file OUT.  For each call a line is printed: the status, the size
 * of what came, how many connections are kept then, and where it came from. */
#include <ouro/ouro.h>

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { WORDS = 4 }; /* of a call */

static ssize_t
pull(void *into, size_t size, void *file)
{
    size_t done = fread(into, 1, size, file);

    return done == 0 && ferror(file) ? -EIO : (ssize_t)done;
}

static int
write_body(struct ouro_http_response *response, FILE *out)
{
    char bytes[16384];
    ssize_t size;
    size_t all = 0;

    while ((size = ouro_http_response_read(response, bytes, sizeof(bytes))) > 0)
        all += fwrite(bytes, 1, (size_t)size, out);
    printf("%d %zu", ouro_http_response_status(response), all);
    return (int)size;
}

static int
fetch(struct ouro_http_client *client, const struct ouro_http_call *call,
      FILE *out)
{
    struct ouro_http_response *response;
    int rc = ouro_http_fetch(client, call, &response);

    if (rc < 0)
        return rc;
    rc = write_body(response, out);
    printf(" %zu %s\n", ouro_http_client_kept(client),
           ouro_http_response_url(response));
    ouro_http_response_free(response);
    return rc;
}

static int
call_with(struct ouro_http_client *client, char **words, FILE *body, bool sized)
{
    struct ouro_report why = {""};
    struct ouro_http_call call = {
        .method = words[0], .url = words[1], .report = &why};
    struct stat about;
    FILE *out = fopen(words[3], "wb");

    if (out == NULL)
        return -errno;
    if (body != NULL && fstat(fileno(body), &about) == 0) {
        call.pull = pull;
        call.pull_context = body;
        call.pull_size = sized ? (uint64_t)about.st_size : 0;
    }
    int rc = fetch(client, &call, out);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", ouro_strerror(rc), why.text);
    fclose(out);
    return rc;
}

static int
call_one(struct ouro_http_client *client, char **words)
{
    const char *path = words[2];
    bool sized = path[0] != '+';
    FILE *body = NULL;

    if (path[0] != '-')
        body = fopen(sized ? path : path + 1, "rb");
    int rc = call_with(client, words, body, sized);
    if (body != NULL)
        fclose(body);
    return rc;
}

static int
call_all(void *arg)
{
    char **words = arg;
    struct ouro_http_client *client;
    int rc = ouro_http_client_new(&client, NULL);

    if (rc < 0)
        return rc;
    for (; rc == 0 && words[0] != NULL; words += WORDS)
        rc = call_one(client, words);
    ouro_http_client_free(client);
    return rc;
}

int
main(int argc, char **argv)
{
    if (argc % WORDS != 1) {
        fprintf(stderr, "usage: http_call (METHOD URL BODY OUT)...\n");
        return 2;
    }
    return ouro_run(call_all, argv + 1) < 0;
}
