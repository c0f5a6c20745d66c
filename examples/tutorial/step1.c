/* Step 1: a task that says hello, waits, and goes on.
 *
 *     $ ./step1
 *     hello
 *     good bye
 */
#include <ouro/ouro.h>

#include <stdio.h>

static int
chat(void *arg)
{
    (void)arg;

    printf("hello\n");
    int rc = ouro_sleep(OURO_SECONDS(0.1));
    if (rc < 0)
        return rc;
    printf("good bye\n");
    return 0;
}

int
main(void)
{
    return ouro_run(chat, NULL) < 0;
}
