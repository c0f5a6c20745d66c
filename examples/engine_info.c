/* What the loop runs on here: the engine, and what it found in the kernel.
 *
 *     $ ./engine_info
 *     engine: uring
 *     ...
 *
 * OURO_URING_DISABLE=abs_timer,buffer_ring turns features off, by name.
 */
#include <ouro/ouro.h>

#include <stdio.h>

int
main(void)
{
    struct ouro_report why;
    struct ouro_loop_options options = {.report = &why};
    struct ouro_loop *loop;

    int rc = ouro_loop_new(&loop, &options);
    if (rc < 0) {
        fprintf(stderr, "engine_info: %s\n", why.text);
        return 1;
    }

    const struct ouro_engine_info *info = ouro_loop_engine(loop);
    printf("engine: %s\n", info->name);
    printf("features: %s\n", info->features);
    printf("missing: %s\n", *info->missing ? info->missing : "nothing");
    printf("ring entries: %u, completions: %u\n", info->ring_entries,
           info->completion_entries);
    printf("receive memory: %zu bytes\n", info->receive_memory);

    ouro_loop_free(loop);
    return 0;
}
