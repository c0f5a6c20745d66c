/* Get what a URL names, as a small curl.
 *
 *     $ ./http_get http://127.0.0.1:8080/hello/Ada
 *     Hello, Ada!
 *
 * -o FILE writes it there, -I asks for the head only, -L follows redirections.
 */
#include <ouro/ouro.h>

#include <stdio.h>
#include <unistd.h>

static int
write_body(struct ouro_http_response *response)
{
    char bytes[4096];
    ssize_t size;

    while ((size = ouro_http_response_read(response, bytes, sizeof(bytes))) > 0)
        fwrite(bytes, 1, (size_t)size, stdout);
    return (int)size;
}

static void
write_head(const struct ouro_http1_head *head)
{
    printf("%d\n", head->status);
    for (size_t i = 0; i < head->fields.count; i++) {
        struct ouro_http1_field each = head->fields.array[i];
        printf("%.*s: %.*s\n", (int)each.name.size,
               (const char *)each.name.data, (int)each.value.size,
               (const char *)each.value.data);
    }
}

static int
get(void *arg)
{
    struct ouro_http_call *call = arg;
    struct ouro_http_client *client;
    struct ouro_http_response *response;
    struct ouro_report why = {""};

    call->report = &why;
    int rc = ouro_http_client_new(&client, NULL);
    if (rc < 0)
        return rc;
    rc = ouro_http_fetch(client, call, &response);
    if (rc == 0) {
        if (call->method != NULL)
            write_head(ouro_http_response_head(response));
        rc = write_body(response);
        ouro_http_response_free(response);
    }
    if (rc < 0)
        fprintf(stderr, "http_get: %s: %s\n", ouro_strerror(rc), why.text);
    ouro_http_client_free(client);
    return rc;
}

int
main(int argc, char **argv)
{
    struct ouro_http_call call = {.keep_redirects = true};

    for (int c; (c = getopt(argc, argv, "o:IL")) != -1;) {
        if (c == 'o' && freopen(optarg, "wb", stdout) == NULL)
            return 1;
        if (c == 'I')
            call.method = "HEAD";
        if (c == 'L')
            call.keep_redirects = false;
    }
    call.url = argv[optind];
    return ouro_run(get, &call) < 0 || fclose(stdout) != 0;
}
