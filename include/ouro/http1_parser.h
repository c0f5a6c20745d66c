/* SPDX-License-Identifier: MIT */
#ifndef OURO_HTTP1_PARSER_H
#define OURO_HTTP1_PARSER_H

#include <ouro/bytes.h>

OURO_BEGIN_DECLS

/**
 * HTTP/1.1 as pure data (RFC 9110, RFC 9112): bytes to heads and bodies.
 *
 * It allocates nothing, copies nothing and knows no loop: what it hands out
 * points into your bytes.  A message is read as a head, then as a body:
 *
 *   ouro_http1_head_init
 *       ouro_http1_read_request or _response, until it returns more than 0
 *   ouro_http1_body_init
 *       ouro_http1_body_read, until it returns OURO_HTTP1_END
 *
 * It is strict: what RFC 9112 forbids, and what two readers could take for two
 * different messages, is refused; nothing behind a refusal is to be trusted.
 * However the bytes are cut into pieces, the result is the same, and each byte
 * is looked at a fixed number of times.
 *
 * Objects are of one thread at a time.
 */

/** Why a message is refused. */
enum ouro_http1_error {
    OURO_HTTP1_OK,
    /* limits */
    OURO_HTTP1_LINE_TOO_LONG,
    OURO_HTTP1_FIELDS_TOO_LARGE,
    OURO_HTTP1_TOO_MANY_FIELDS,
    OURO_HTTP1_BODY_TOO_LARGE,
    OURO_HTTP1_EXTENSIONS_TOO_LARGE,
    /* the first line: RFC 9112, 2.2, 2.3, 3 and 4 */
    OURO_HTTP1_BAD_LINE_END, /* CR or LF alone, also in fields and chunks */
    OURO_HTTP1_BAD_METHOD,
    OURO_HTTP1_BAD_TARGET,
    OURO_HTTP1_BAD_VERSION,
    OURO_HTTP1_UNSUPPORTED_VERSION, /* not 1.x */
    OURO_HTTP1_BAD_STATUS,
    OURO_HTTP1_BAD_REASON,
    /* fields: RFC 9112, 5 */
    OURO_HTTP1_FOLDED_FIELD,
    OURO_HTTP1_BAD_FIELD_NAME,
    OURO_HTTP1_SPACE_BEFORE_COLON,
    OURO_HTTP1_BAD_FIELD_VALUE,
    /* what the fields say: RFC 9112, 3.2, 6.1 and 6.2; RFC 9110, 10.1.1 */
    OURO_HTTP1_NO_HOST,
    OURO_HTTP1_REPEATED_HOST,
    OURO_HTTP1_BAD_HOST,
    OURO_HTTP1_BAD_CONTENT_LENGTH,
    OURO_HTTP1_REPEATED_CONTENT_LENGTH,
    OURO_HTTP1_LENGTH_AND_ENCODING,
    OURO_HTTP1_BAD_TRANSFER_ENCODING,
    OURO_HTTP1_UNSUPPORTED_TRANSFER_ENCODING, /* other than "chunked" */
    OURO_HTTP1_ENCODING_IN_HTTP_1_0,
    OURO_HTTP1_CONNECT_WITH_BODY,
    OURO_HTTP1_UNKNOWN_EXPECTATION, /* other than "100-continue" */
    /* chunks: RFC 9112, 7.1 */
    OURO_HTTP1_BAD_CHUNK_SIZE,
    OURO_HTTP1_BAD_CHUNK_EXTENSION,
    OURO_HTTP1_BAD_CHUNK_END, /* more bytes than the size said */
    OURO_HTTP1_BAD_TRAILER    /* a field that frames or routes, RFC 9110, 6.5 */
};

/** Its name: "OURO_HTTP1_BAD_HOST".  Unknown: "unknown". */
const char *ouro_http1_error_name(enum ouro_http1_error error);

/** The status that a server answers with: 400, 413, 414, 417, 431, 501, 505. */
int ouro_http1_error_status(enum ouro_http1_error error);

/** What is too much.  Zero is the default of each. */
struct ouro_http1_limits {
    size_t start_line_size; /* bytes without the line's end; 0: 8 KiB */
    size_t fields_size;     /* bytes of all fields with the empty line, of a
                               head, and again of trailers; 0: 64 KiB */
    size_t extensions_size; /* bytes of all chunk extensions; 0: 16 KiB */
    uint64_t body_size;     /* bytes of a body; 0: no limit */
};

/** One field.  The value has no white space around it, and may be empty. */
struct ouro_http1_field {
    struct ouro_slice name;
    struct ouro_slice value;
};

/** Fields in the order they came, in an array of the caller's.  There may be
 * `capacity` of them: that is the limit of their number. */
struct ouro_http1_fields {
    struct ouro_http1_field *array;
    size_t count;
    size_t capacity;
};

/** The usual limit of their number. */
enum { OURO_HTTP1_FIELDS = 100 };

/** The value of the first field `name`, in any case of letters; its data is
 * NULL if there is none. */
struct ouro_slice ouro_http1_fields_find(const struct ouro_http1_fields *fields,
                                         const char *name);

/** How a target is written: RFC 9112, 3.2. */
enum ouro_http1_form {
    OURO_HTTP1_ORIGIN,    /* /path?query */
    OURO_HTTP1_ABSOLUTE,  /* http://authority/path?query */
    OURO_HTTP1_AUTHORITY, /* host:port, of CONNECT only */
    OURO_HTTP1_ASTERISK   /* *, of OPTIONS only */
};

/** How the end of a body is found: RFC 9112, 6.3. */
enum ouro_http1_framing {
    OURO_HTTP1_NO_BODY,
    OURO_HTTP1_LENGTH,      /* content_length bytes, more than 0 */
    OURO_HTTP1_CHUNKED,     /* chunks, then trailers */
    OURO_HTTP1_UNTIL_CLOSE, /* a response; the connection ends with it */
    OURO_HTTP1_TUNNEL       /* what follows is not HTTP: the response is 101, or
                               2xx to CONNECT */
};

/** How far lines have been read; the fields are private. */
struct ouro__http1_lines {
    uintptr_t base; /* where the bytes began at the last call */
    size_t fields;  /* where the fields begin */
    size_t line;    /* where the line begins that is not whole */
    size_t seen;    /* there is no LF from there to here */
};

/**
 * A head, while it is read and afterwards.
 *
 * Slices point into the bytes that were given, and are good as long as these.
 */
struct ouro_http1_head {
    enum ouro_http1_error error; /* why it was refused */
    struct ouro_http1_fields fields;

    /* of a request */
    struct ouro_slice method;
    struct ouro_slice target; /* as it came; nothing here is decoded */
    enum ouro_http1_form form;
    struct ouro_slice authority; /* of the target, else what Host says */
    struct ouro_slice path;      /* "*" of asterisk-form, empty of CONNECT's */
    struct ouro_slice query;     /* behind "?"; data is NULL: there is none */
    bool expects_continue;       /* waits for 100 before it sends its body */

    /* of a response */
    int status; /* 100 to 999 */
    struct ouro_slice reason;

    /* of both */
    int minor_version; /* 0, or 1, which is what all later ones count as */
    enum ouro_http1_framing framing;
    int64_t content_length; /* what the field says, also without a body; -1 */
    bool keep_alive;        /* the connection may go on: RFC 9112, 9.3 */
    bool upgrade;           /* asks for, or takes, another protocol: the field
                               Upgrade names it */

    struct ouro__http1_lines lines; /* private */
};

/** Begin a head, with room for `capacity` fields at `fields`. */
void ouro_http1_head_init(struct ouro_http1_head *head,
                          struct ouro_http1_field *fields, size_t capacity);

/** What a response answers, as far as its body depends on it. */
enum ouro_http1_asked {
    OURO_HTTP1_ASKED,         /* any other method */
    OURO_HTTP1_ASKED_HEAD,    /* never has a body */
    OURO_HTTP1_ASKED_CONNECT, /* 2xx is a tunnel */
};

/**
 * Read a head from `bytes`, which begin where it begins.
 *
 * If it is not whole, call again with the same bytes and what came behind them;
 * they may have moved.  `limits` may be NULL: the defaults.
 *
 * Returns how many bytes it has, and behind them begins the body; 0: more are
 * needed.
 *   -EBADMSG      refused: head->error
 *   -OURO_ELIMIT  it is beyond a limit: head->error
 */
OURO_MUST_USE ssize_t
ouro_http1_read_request(struct ouro_http1_head *head, struct ouro_slice bytes,
                        const struct ouro_http1_limits *limits);
OURO_MUST_USE ssize_t ouro_http1_read_response(
    struct ouro_http1_head *head, struct ouro_slice bytes,
    enum ouro_http1_asked asked, const struct ouro_http1_limits *limits);

/** What ouro_http1_body_read() found. */
enum ouro_http1_event {
    OURO_HTTP1_MORE, /* nothing: more bytes are needed */
    OURO_HTTP1_DATA, /* some of the body */
    OURO_HTTP1_END   /* the message is over */
};

/** A body, while it is read.  Of its fields, `error` is public. */
struct ouro_http1_body {
    enum ouro_http1_error error;
    uint64_t private_left;          /* of the body, or of the chunk */
    uint64_t private_allowed;       /* how much larger it may grow */
    size_t private_extensions;      /* the same of extensions */
    size_t private_fields_size;     /* the limit of trailers */
    struct ouro__http1_lines lines; /* of trailers */
    uint8_t private_framing;
    uint8_t private_state;
    uint8_t private_digits; /* of a chunk's size */
};

/** Begin the body that belongs to `head`, which is whole, and not kept. */
void ouro_http1_body_init(struct ouro_http1_body *body,
                          const struct ouro_http1_head *head,
                          const struct ouro_http1_limits *limits);

/**
 * Read on from `bytes`, which are moved past what was used.
 *
 * Call it until it returns MORE or END.  What is left of `bytes` after MORE
 * must come again, with what came behind it: it is a part of the trailers.
 * After END it is the next message, or of the tunnel.  `trailers` get these
 * fields: they are never to be taken for fields of the head; NULL: they are
 * checked and dropped.
 *
 * Returns an enum ouro_http1_event; with DATA, `out_data` points into `bytes`.
 *   -EBADMSG      refused: body->error
 *   -OURO_ELIMIT  it is beyond a limit: body->error
 */
OURO_MUST_USE int ouro_http1_body_read(struct ouro_http1_body *body,
                                       struct ouro_slice *bytes,
                                       struct ouro_slice *out_data,
                                       struct ouro_http1_fields *trailers);

/**
 * No byte will come any more.
 *
 * Returns 0: the body is whole, as one that ends with the connection is.
 *   -OURO_EINCOMPLETE  it is not
 */
OURO_MUST_USE int ouro_http1_body_eof(const struct ouro_http1_body *body);

OURO_END_DECLS

#endif
