/* PUT /upload/{name}: a body that goes to a file as it comes.
 *
 * Disks block, so threads write.  A job takes the upload along, with its
 * descriptor and its bytes: if the client leaves meanwhile, the task ends at
 * once, and whoever has the upload then discards it, and the file with it.
 */
#include "app.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#define PART_SIZE OURO_KIB(64)

struct upload {
    int directory;
    struct ouro_descriptor file; /* it is there, under its hidden name */
    char name[112];
    char hidden[32]; /* until all of it has come */
    uint8_t *bytes;
    size_t size;
};

static void
discard_upload(void *block)
{
    struct upload *upload = block;

    if (upload->file.given) {
        close(upload->file.number);
        unlinkat(upload->directory, upload->hidden, 0);
    }
    free(upload->bytes);
    *upload = (struct upload){0};
}

/* Letters that mean nothing to a shell or a file system, and no dot first. */
static bool
take_name(struct upload *upload, struct ouro_slice name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (name.size == 0 || name.size > 100 || name.data[0] == '.')
        return false;
    memcpy(upload->name, name.data, name.size);
    upload->name[name.size] = '\0';
    return strspn(upload->name, allowed) == name.size;
}

static int
create_file(void *block)
{
    static atomic_ulong count;
    struct upload *upload = block;

    snprintf(upload->hidden, sizeof(upload->hidden), ".part-%lu",
             atomic_fetch_add(&count, 1));
    int file = openat(upload->directory, upload->hidden,
                      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    upload->file = (struct ouro_descriptor){file, true};
    return 0;
}

static int
write_part(void *block)
{
    struct upload *upload = block;

    for (size_t at = 0; at < upload->size;) {
        ssize_t size =
            write(upload->file.number, upload->bytes + at, upload->size - at);
        if (size < 0 && errno != EINTR)
            return -errno;
        at += size > 0 ? (size_t)size : 0;
    }
    return 0;
}

/* Whole: now it gets its name, and what had it before is gone. */
static int
name_file(void *block)
{
    struct upload *upload = block;

    if (renameat(upload->directory, upload->hidden, upload->directory,
                 upload->name)
        < 0)
        return -errno;
    close(upload->file.number);
    upload->file.given = false;
    return 0;
}

OURO_SUSPENDS static int
on_a_thread(ouro_job_fn *job, struct upload *upload)
{
    return ouro_run_in_executor_take(NULL, job, discard_upload, upload,
                                     sizeof(*upload));
}

OURO_SUSPENDS static int
store(struct ouro_http_request *request, struct upload *upload)
{
    int rc = on_a_thread(create_file, upload);

    while (rc == 0) {
        ssize_t size = ouro_http_read(request, upload->bytes, PART_SIZE);
        if (size <= 0) {
            rc = (int)size;
            break;
        }
        upload->size = (size_t)size;
        rc = on_a_thread(write_part, upload);
    }
    return rc < 0 ? rc : on_a_thread(name_file, upload);
}

int
take_upload(struct ouro_http_request *request, void *context)
{
    struct worker *worker = context;
    struct upload upload = {.directory = worker->app->uploads};

    if (!take_name(&upload, ouro_http_param(request, "name"))) {
        ouro_http_respond_text(request, 400, "letters, digits, and ._-\n");
        return 0;
    }
    upload.bytes = malloc(PART_SIZE);
    int rc = upload.bytes == NULL ? -ENOMEM : store(request, &upload);
    discard_upload(&upload);
    if (rc == -EDQUOT || rc == -ENOSPC)
        ouro_http_respond_text(request, 507, NULL);
    else if (rc == 0)
        ouro_http_respond_text(request, 201, NULL);
    else
        return rc;
    return 0;
}
