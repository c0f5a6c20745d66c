/* SPDX-License-Identifier: MIT */
/* A user's program: a loop, a task, a timer. */
#include <ouro/ouro.h>

#include <stdio.h>

static int
say(void *arg)
{
    int rc = ouro_sleep(OURO_MILLISECONDS(1));
    if (rc < 0)
        return rc;

    printf("%s, %s\n", (const char *)arg, ouro_strerror(0));
    return 0;
}

int
main(void)
{
    return ouro_run(say, "installed") < 0;
}
