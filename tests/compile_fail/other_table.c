/* SPDX-License-Identifier: MIT */
/* A server is not made of a table of another type.
 *
 * expect: incompatible pointer type
 */
#include <ouro/net.h>

struct other_ops {
    size_t size;
};

int serve(struct ouro_server **out_server,
          const struct ouro_protocol_ops *right, const struct other_ops *wrong);

int
serve(struct ouro_server **out_server, const struct ouro_protocol_ops *right,
      const struct other_ops *wrong)
{
    (void)right;
    (void)wrong;
#ifdef RIGHT
    return ouro_create_server(out_server, right, NULL, NULL);
#else
    return ouro_create_server(out_server, wrong, NULL, NULL);
#endif
}
