/* The smallest program: a task that says something, sleeps, and goes on.
 *
 *     $ ./hello
 *     hello
 *     world
 */
#include <ouro/ouro.h>

#include <stdio.h>

static int
hello(void *arg)
{
    (void)arg;

    printf("hello\n");
    int rc = ouro_sleep(OURO_SECONDS(0.1));
    if (rc < 0)
        return rc;
    printf("world\n");
    return 0;
}

int
main(void)
{
    return ouro_run(hello, NULL) < 0;
}
