/* SPDX-License-Identifier: MIT */
/* Runs programs of the differential test on ouro: see program.h.
 *
 * Reads them from stdin, with a line of four hyphens after each, and prints
 * their traces in the same way.  stage.py does the same on asyncio, and
 * compare.py compares.
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const line_between = "----\n";

/* Returns whether there was one. */
static bool
read_program(struct program *program)
{
    char line[256];
    bool found = false;
    bool good = true;

    program_init(program);
    while (fgets(line, sizeof(line), stdin) != NULL
           && strcmp(line, line_between) != 0) {
        found = true;
        good = good && program_add(program, line);
    }
    good = good && (!found || program_is_whole(program));
    if (!good) {
        fprintf(stderr, "run_ouro: %s: %s\n", program->why, program->what);
        exit(2);
    }
    return found;
}

int
main(void)
{
    static struct program program;

    while (read_program(&program)) {
        stage_play(&program);
        fputs(line_between, stdout);
        fflush(stdout);
    }
    return 0;
}
