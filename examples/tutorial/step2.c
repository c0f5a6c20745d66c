/* Step 2: two tasks at once, in a group that ends with the last of them.
 *
 *     $ ./step2
 *     hello from Ann
 *     hello from Bob
 *     good bye from Ann
 *     good bye from Bob
 */
#include <ouro/ouro.h>

#include <stdio.h>

static int
talk(void *arg)
{
    const char *name = arg;

    printf("hello from %s\n", name);
    int rc = ouro_sleep(OURO_SECONDS(0.1));
    if (rc < 0)
        return rc;
    printf("good bye from %s\n", name);
    return 0;
}

static int
chat(void *arg)
{
    char names[][4] = {"Ann", "Bob"};
    struct ouro_group group;

    (void)arg;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, talk, names[0]);
    ouro_group_create_task(&group, talk, names[1]);
    return ouro_group_end(&group, 0);
}

int
main(void)
{
    return ouro_run(chat, NULL) < 0;
}
