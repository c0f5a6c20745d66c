/* Wait for a line of the terminal on a thread, while the loop goes on.
 *
 *     $ ./to_thread
 *     who are you?
 *     tick
 *     tick
 *     Ada
 *     hello, Ada
 */
#include <ouro/ouro.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 64 };

/* On a thread, for as long as nobody types. */
static int
read_name(void *arg)
{
    char *name = arg;

    if (fgets(name, NAME_SIZE, stdin) == NULL)
        return -ENODATA;
    name[strcspn(name, "\n")] = '\0';
    return 0;
}

/* In the loop. */
static int
tick(void *arg)
{
    int rc;

    (void)arg;
    while ((rc = ouro_sleep(OURO_SECONDS(0.2))) == 0) {
        printf("tick\n");
        fflush(stdout);
    }
    return rc;
}

/* The thread writes into the frame of this task, which therefore stays here
 * until the call has returned, even if it is cancelled. */
static int
greet(void *arg)
{
    char name[NAME_SIZE];
    struct ouro_group group;

    (void)arg;
    printf("who are you?\n");
    ouro_group_begin(&group);
    ouro_group_create_task(&group, tick, NULL);
    int rc = ouro_to_thread(read_name, name);
    ouro_group_cancel(&group);
    rc = ouro_group_end(&group, rc);
    if (rc == 0)
        printf("hello, %s\n", name);
    else
        fprintf(stderr, "to_thread: nobody: %s\n", ouro_strerror(rc));
    return rc;
}

int
main(void)
{
    return ouro_run(greet, NULL) < 0;
}
