/* Two workers pack what one producer makes, and none of it is lost.
 *
 *     $ ./producer_consumer
 *     worker 1 packed 5 boxes
 *     worker 2 packed 5 boxes
 *
 * The queue has room for three boxes: a producer that is faster than its
 * workers waits.  In the end the queue is shut down, and the workers go home
 * when it is empty.
 */
#include <ouro/ouro.h>

#include <errno.h>
#include <stdio.h>

enum { BOXES = 10, ROOM = 3 };

struct worker {
    struct ouro_queue *boxes;
    int packed;
};

static int
work(void *arg)
{
    struct worker *worker = arg;

    for (;;) {
        void *box;
        int rc = ouro_queue_get(worker->boxes, &box);
        if (rc == 0)
            rc = ouro_sleep(OURO_MILLISECONDS(2));
        if (rc < 0)
            return rc == -ESHUTDOWN ? 0 : rc;
        worker->packed++;
    }
}

static int
produce(struct ouro_queue *queue)
{
    static char boxes[BOXES];
    int rc = 0;

    for (int i = 0; rc == 0 && i < BOXES; i++)
        rc = ouro_queue_put(queue, &boxes[i]);
    ouro_queue_shutdown(queue, false);
    return rc;
}

static int
run_factory(void *arg)
{
    struct ouro_queue *queue = arg;
    struct worker workers[] = {{.boxes = queue}, {.boxes = queue}};
    struct ouro_group group;

    int rc = ouro_queue_init(queue, ouro_get_running_loop(), ROOM);
    if (rc < 0)
        return rc;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, work, &workers[0]);
    ouro_group_create_task(&group, work, &workers[1]);
    rc = produce(queue);
    rc = ouro_group_end(&group, rc);
    ouro_queue_fini(queue);

    for (int i = 0; i < 2; i++)
        printf("worker %d packed %d boxes\n", i + 1, workers[i].packed);
    return rc;
}

int
main(void)
{
    struct ouro_queue queue;

    return ouro_run(run_factory, &queue) < 0;
}
