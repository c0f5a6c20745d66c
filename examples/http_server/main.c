/* A web server with a loop on each of several threads.
 *
 *     $ ./http_server --port 7000 --root . --workers 2
 *     uploads go to /tmp/ouro-http-uX3q0f
 *     listening on 127.0.0.1:7000
 *     open http://127.0.0.1:7000/ in a browser; Ctrl-C ends it
 *
 * This file is its beginning and its end; worker.c is one thread, and routes.c
 * what it answers.
 */
#include "app.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static struct app app;

/* The main thread serves nobody: it waits for the signal, which cancels. */
static int
wait_for_signal(void *arg)
{
    const char *uploads = arg;
    char text[OURO_ADDRESS_TEXT];

    printf("uploads go to %s\n", uploads);
    print_listening(app.workers[0].address);
    printf("open http://%s/ in a browser; Ctrl-C ends it\n",
           ouro_address_format(&app.workers[0].address, text));
    fflush(stdout);
    int rc = ouro_sleep(OURO_FOREVER);
    return rc == -ECANCELED ? 0 : rc;
}

/* Start all; on a failure `*out_count` are there.  Signals are for the main
 * thread, and wait until it is ready for them. */
static int
start_workers(size_t *out_count)
{
    sigset_t ours;
    sigset_t before;
    int rc = 0;

    sigfillset(&ours);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    while (rc == 0 && *out_count < app.worker_count) {
        struct worker *worker = &app.workers[*out_count];
        rc = worker_start(worker, &app);
        if (rc == 0)
            ++*out_count;
        else
            fprintf(stderr, "http_server: %s\n", worker->why.text);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static int
serve(char *uploads)
{
    size_t count = 0;
    int rc = start_workers(&count);

    if (rc == 0)
        rc = ouro_run(wait_for_signal, uploads);
    for (size_t i = 0; i < count; i++)
        worker_stop(&app.workers[i]);
    for (size_t i = 0; i < count; i++)
        worker_join(&app.workers[i]);
    return rc;
}

/* A directory, or the end of the program. */
static int
open_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory < 0) {
        fprintf(stderr, "http_server: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return directory;
}

/* A fresh directory, of which only this user sees the inside. */
static void
make_upload_directory(char *path, size_t size)
{
    const char *parent = getenv("TMPDIR");

    snprintf(path, size, "%s/ouro-http-XXXXXX", parent ? parent : "/tmp");
    if (mkdtemp(path) == NULL) {
        fprintf(stderr, "http_server: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    app.uploads = open_directory(path);
}

int
main(int argc, char **argv)
{
    char uploads[4096];
    const char *count = "1";
    const char *root = ".";
    const struct argument known[] = {{"--host", &app.host},
                                     {"--port", &app.port},
                                     {"--root", &root},
                                     {"--workers", &count},
                                     {NULL, NULL}};

    app.host = "127.0.0.1";
    app.port = "8080";
    read_arguments(argc, argv, known);
    long workers = strtol(count, NULL, 10);
    if (workers < 1 || workers > WORKERS_AT_MOST) {
        fprintf(stderr, "http_server: --workers is 1 to %d\n", WORKERS_AT_MOST);
        return 2;
    }
    app.worker_count = (size_t)workers;
    app.root = open_directory(root);
    make_upload_directory(uploads, sizeof(uploads));

    int rc = serve(uploads);
    rmdir(uploads); /* if there were none */
    close(app.uploads);
    close(app.root);
    return rc < 0;
}
