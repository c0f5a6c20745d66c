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

/* Tell of progress where somebody looks, and the body does not go. */
static int
write_body(struct ouro_http_response *response)
{
    double total = (double)ouro_http_response_head(response)->content_length;
    int64_t begin_ns = ouro_loop_time_ns(ouro_get_running_loop()) - 1;
    bool watched = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
    char part[8192];
    double all = 0;
    ssize_t size;

    while ((size = ouro_http_response_read(response, part, sizeof(part))) > 0) {
        all += (double)fwrite(part, 1, (size_t)size, stdout);
        int64_t ns = ouro_loop_time_ns(ouro_get_running_loop()) - begin_ns;
        if (watched)
            fprintf(stderr, "\r%.0f of %.0f bytes, %.0f KiB/s   ", all,
                    total < all ? all : total, all / 1024 * 1e9 / (double)ns);
    }
    if (watched)
        fputc('\n', stderr);
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
    struct ouro_http_response *response;
    int rc = ouro_http_fetch(NULL, call, &response);

    if (rc == 0) {
        if (call->method != NULL)
            write_head(ouro_http_response_head(response));
        rc = write_body(response);
        ouro_http_response_free(response);
    }
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", ouro_strerror(rc), call->report->text);
    return rc;
}

int
main(int argc, char **argv)
{
    struct ouro_report why = {""};
    struct ouro_http_call call = {.keep_redirects = true, .report = &why};

    for (int c; (c = getopt(argc, argv, "o:IL")) != -1;) {
        if (c == 'o' && freopen(optarg, "wb", stdout) == NULL)
            return 1;
        call.method = c == 'I' ? "HEAD" : call.method;
        call.keep_redirects &= c != 'L';
    }
    call.url = argv[optind];
    return ouro_run(get, &call) < 0 || ferror(stdout) || fclose(stdout) != 0;
}
