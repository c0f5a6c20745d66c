/* An answer that is written piece by piece.
 *
 * Its size is not known before, and it is small: so it grows in memory, and
 * leaves in one piece, with its length.
 */
#include "app.h"

int
answer_begin(struct answer *answer)
{
    *answer = (struct answer){0};
    answer->out = open_memstream(&answer->text, &answer->size);
    return answer->out == NULL ? -ENOMEM : 0;
}

int
answer_send(struct answer *answer, struct ouro_http_request *request,
            const char *content_type)
{
    int rc = fclose(answer->out) == 0 ? 0 : -ENOMEM;

    if (rc == 0)
        rc = ouro_http_add_header(request, "Cache-Control",
                                  OURO_BYTES("no-store"));
    if (rc == 0)
        ouro_http_respond(request, 200, content_type,
                          ouro_slice_of(answer->text, answer->size));
    free(answer->text);
    return rc;
}
