/* SPDX-License-Identifier: MIT */
/* The load generator's command line. */
#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

#include "load.h"

/* Read the command line.  Ends the program, with the usage, if it is wrong. */
void load_options_parse(struct load_options *out_options, int argc,
                        char **argv);

#endif
