/* SPDX-License-Identifier: MIT */
/* Files below a directory, and nothing else.
 *
 * The kernel resolves the path below the directory's descriptor, and refuses
 * what leads out of it, by a symbolic link too (openat2(2), RESOLVE_BENEATH).
 * What is no plain path is refused before: "..", a zero byte, a backslash.
 */
#include "http_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 16 }; /* to open a file */

/* Content types (the registry of media types, and WHATWG's MIME sniffing). */
static const struct {
    const char *extension;
    const char *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"wasm", "application/wasm"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"wav", "audio/wav"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
};

const char *
ouro__http_content_type(struct ouro_slice name)
{
    size_t at = name.size;

    while (at > 0 && name.data[at - 1] != '.' && name.data[at - 1] != '/')
        at--;
    struct ouro_slice extension = ouro_slice_of(name.data + at, name.size - at);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (at > 0 && name.data[at - 1] == '.'
            && ouro__http_same_name(extension, types[i].extension))
            return types[i].type;
    }
    return "application/octet-stream";
}

/* Paths. */

/* A file that is asked for. */
struct wanted {
    struct ouro_http_request *request;
    int root;
    const char *index;
    bool compressed; /* NAME.gz is as good */
    size_t size;
    char path[]; /* with room for the index, and for ".gz" */
};

static bool
has_dots(const char *path)
{
    for (; path != NULL; path = strchr(path, '/')) {
        path += *path == '/';
        if (strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0)
            return true;
    }
    return false;
}

/* -ENOENT: nothing can be there. */
static int
set_path(struct wanted *wanted, struct ouro_slice path)
{
    while (path.size > 0 && path.data[0] == '/')
        path = ouro_slice_of(path.data + 1, path.size - 1);
    if (path.size > 0
        && (memchr(path.data, '\0', path.size) != NULL
            || memchr(path.data, '\\', path.size) != NULL))
        return -ENOENT;
    if (path.size > 0)
        memcpy(wanted->path, path.data, path.size);
    wanted->path[path.size] = '\0';
    wanted->size = path.size;
    return has_dots(wanted->path) ? -ENOENT : 0;
}

static void
append(struct wanted *wanted, const char *text)
{
    size_t size = strlen(text);

    memcpy(wanted->path + wanted->size, text, size + 1);
    wanted->size += size;
}

/* A file, and what it is; fd is negative: why there is none. */
struct opened {
    int fd;
    struct stat about;
};

static int
open_path(const struct wanted *wanted)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    const char *path = wanted->size > 0 ? wanted->path : ".";
    int tries = TRIES;
    long fd;

    /* Again where somebody renames; but a lease may last. */
    do
        fd = syscall(SYS_openat2, wanted->root, path, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN) && --tries > 0);
    return fd < 0 ? -errno : (int)fd;
}

static void
close_with(struct opened *file, int error)
{
    close(file->fd);
    file->fd = error;
}

static void
open_beneath(const struct wanted *wanted, struct opened *out_file)
{
    out_file->fd = open_path(wanted);
    if (out_file->fd >= 0 && fstat(out_file->fd, &out_file->about) < 0)
        close_with(out_file, -errno);
}

static bool
is_directory(const struct opened *file)
{
    return file->fd >= 0 && S_ISDIR(file->about.st_mode);
}

static void
refuse_irregular(struct opened *file)
{
    if (file->fd >= 0 && !S_ISREG(file->about.st_mode))
        close_with(file, -ENOENT);
}

/* Answers. */

/* Why it was not opened. */
static int
respond_error(struct ouro_http_request *request, int error)
{
    switch (error) {
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -EAGAIN:
    case -EINTR:
        ouro_http_respond_text(request, 503, NULL);
        break;
    case -EACCES:
    case -EPERM:
        ouro_http_respond_text(request, 403, NULL);
        break;
    default:
        ouro_http_respond_text(request, 404, NULL);
        break;
    }
    return 0;
}

static int
respond_method(struct ouro_http_request *request)
{
    int rc = ouro_http_add_header(request, "Allow", OURO_BYTES("GET, HEAD"));

    if (rc == 0)
        ouro_http_respond_text(request, 405, NULL);
    return rc;
}

/* A directory is where its slash is, so that links in it work. */
static int
respond_slash(struct wanted *wanted)
{
    struct ouro_http_request *request = wanted->request;
    struct ouro_slice path = ouro_http_path(request);
    struct ouro_slice query = ouro_http_query(request);

    /* Behind two slashes there would be the name of a host. */
    while (path.size > 1 && path.data[1] == '/')
        path = ouro_slice_of(path.data + 1, path.size - 1);
    char *where = ouro_alloc(path.size + query.size + 2);
    if (where == NULL)
        return -ENOMEM;
    size_t size = path.size;
    memcpy(where, path.data, path.size);
    where[size++] = '/';
    if (query.data != NULL) {
        where[size++] = '?';
        memcpy(where + size, query.data, query.size);
        size += query.size;
    }
    int rc =
        ouro_http_add_header(request, "Location", ouro_slice_of(where, size));
    ouro_free(where);
    if (rc == 0)
        ouro_http_respond_text(request, 301, NULL);
    return rc;
}

/* NAME.gz, if it is there and welcome. */
static void
open_compressed(struct wanted *wanted, struct opened *out_file)
{
    struct ouro_slice accepted =
        ouro_http_header(wanted->request, "Accept-Encoding");
    size_t size = wanted->size;

    out_file->fd = -ENOENT;
    if (!wanted->compressed || !ouro__http_list_has(accepted, "gzip"))
        return;
    append(wanted, ".gz");
    open_beneath(wanted, out_file);
    refuse_irregular(out_file);
    wanted->size = size;
    wanted->path[size] = '\0';
}

static int
respond_either(struct wanted *wanted, struct opened *plain)
{
    struct ouro_http_request *request = wanted->request;
    struct ouro__http_known known = {
        .about = &plain->about,
        .content_type =
            ouro__http_content_type(ouro_slice_of(wanted->path, wanted->size)),
    };
    struct opened compressed;
    int fd = plain->fd;
    int rc = 0;

    open_compressed(wanted, &compressed);
    if (compressed.fd >= 0) {
        close(plain->fd);
        fd = compressed.fd;
        known.about = &compressed.about;
        known.encoding = "gzip";
    }
    if (wanted->compressed)
        rc = ouro_http_add_header(request, "Vary",
                                  OURO_BYTES("Accept-Encoding"));
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return ouro__http_respond_known(request, fd, &known);
}

static int
serve_path(struct wanted *wanted)
{
    bool slash = wanted->size == 0 || wanted->path[wanted->size - 1] == '/';
    struct opened file;

    open_beneath(wanted, &file);
    if (is_directory(&file)) {
        struct ouro_slice path = ouro_http_path(wanted->request);

        close(file.fd);
        if (!slash || path.data[path.size - 1] != '/')
            return respond_slash(wanted);
        append(wanted, wanted->index);
        open_beneath(wanted, &file);
    }
    refuse_irregular(&file);
    return file.fd < 0 ? respond_error(wanted->request, file.fd)
                       : respond_either(wanted, &file);
}

int
ouro_http_serve_file(struct ouro_http_request *request, int root,
                     struct ouro_slice path,
                     const struct ouro_http_files_options *options)
{
    static const struct ouro_http_files_options usual;
    struct ouro_slice method = ouro_http_method(request);

    if (options == NULL)
        options = &usual;
    if (!ouro__http_is_method(method, "GET")
        && !ouro__http_is_method(method, "HEAD"))
        return respond_method(request);

    const char *index = options->index != NULL ? options->index : "index.html";
    struct wanted *wanted =
        ouro_alloc(sizeof(*wanted) + path.size + strlen(index) + sizeof(".gz"));
    if (wanted == NULL)
        return -ENOMEM;
    wanted->request = request;
    wanted->root = root;
    wanted->index = index;
    wanted->compressed = !options->no_compressed;
    int rc = set_path(wanted, path);
    rc = rc < 0 ? respond_error(request, rc) : serve_path(wanted);
    ouro_free(wanted);
    return rc;
}
