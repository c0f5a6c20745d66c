/* SPDX-License-Identifier: MIT */
/* All of ouro, for applications.  Tests also include <ouro/sim.h>. */
#ifndef OURO_H
#define OURO_H

#include <ouro/address.h>
#include <ouro/base.h>
#include <ouro/bytes.h>
#include <ouro/dump.h>
#include <ouro/error.h>
#include <ouro/executor.h>
#include <ouro/future.h>
#include <ouro/http1_parser.h>
#include <ouro/http1_writer.h>
#include <ouro/http_client.h>
#include <ouro/http_server.h>
#include <ouro/loop.h>
#include <ouro/net.h>
#include <ouro/protocol.h>
#include <ouro/queue.h>
#include <ouro/remote.h>
#include <ouro/run.h>
#include <ouro/signals.h>
#include <ouro/sock.h>
#include <ouro/stall.h>
#include <ouro/stream.h>
#include <ouro/sync.h>
#include <ouro/task.h>
#include <ouro/transport.h>
#include <ouro/wait.h>
#include <ouro/watch.h>

#endif
