/* SPDX-License-Identifier: MIT */
/* A protocol object from inside. */
#ifndef OURO_PROTOCOL_IMPL_H
#define OURO_PROTOCOL_IMPL_H

#include <ouro/protocol.h>

/* The last reference is gone: free it, and its reference to the transport. */
void ouro__protocol_free(struct ouro_protocol *protocol);

/* Whether connection_lost was called. */
bool ouro__protocol_is_lost(const struct ouro_protocol *protocol);

/* The connection is lost: the tasks of all its protocols have to end. */
void ouro__protocol_cancel_tasks(struct ouro_transport *transport);

#endif
