/* SPDX-License-Identifier: MIT */
/* Every transport, in each of its ways, keeps every promise of conformance.h.
 */
#include "conformance.h"
#include "tcp_pair.h"
#include "world.h"

static const struct conformance_kind kinds[] = {
    {
        .name = "tcp",
        .ops = &witness_ops,
        .connect = make_tcp_transports,
        .has_resets = true,
    },
    {
        .name = "tcp by ring",
        .ops = &witness_ops,
        .loop = {.receive = OURO_RECEIVE_RING, .send_by_ring = true},
        .connect = make_tcp_transports,
        .has_resets = true,
    },
    {
        .name = "tcp by poll",
        .ops = &witness_ops,
        .loop.receive = OURO_RECEIVE_POLL,
        .connect = make_tcp_transports,
        .has_resets = true,
    },
    {
        .name = "tcp by ring, buffered",
        .ops = &buffered_witness_ops,
        .loop.receive = OURO_RECEIVE_RING,
        .connect = make_tcp_transports,
        .has_resets = true,
    },
    {
        .name = "tcp by poll, buffered",
        .ops = &buffered_witness_ops,
        .loop = {.receive = OURO_RECEIVE_POLL, .send_by_ring = true},
        .connect = make_tcp_transports,
        .has_resets = true,
    },
};

int
main(int argc, char **argv)
{
    return run_conformance(kinds, sizeof(kinds) / sizeof(kinds[0]),
                           world_engine(argc, argv));
}
