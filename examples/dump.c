/* Two tasks wait for each other for ever, and the dump shows why.
 *
 *     $ ./dump
 *     ...
 *     2 'rent' (dump.c:64) waits for a lock (dump.c:61): 3 'wage'
 *     ...
 *       2 'rent'
 *         3 'wage'
 *           2 'rent', a cycle
 *
 * And there it hangs: Ctrl-\ asks for the dump again, Ctrl-C ends it.
 */
#include <ouro/ouro.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

struct payment {
    const char *name;
    struct ouro_lock *from;
    struct ouro_lock *to;
};

/* The mistake: not all take the two locks in the same order. */
static int
pay(void *arg)
{
    struct payment *payment = arg;

    ouro_task_set_name(ouro_current_task(), payment->name);
    int rc = ouro_lock_acquire(payment->from);
    if (rc < 0)
        return rc;
    rc = ouro_sleep(OURO_MILLISECONDS(1));
    if (rc == 0)
        rc = ouro_lock_acquire(payment->to);
    if (rc == 0)
        ouro_lock_release(payment->to);
    ouro_lock_release(payment->from);
    return rc;
}

static void
tell_why(void *loop)
{
    ouro_dump_tasks(loop, STDOUT_FILENO);
}

static int
pay_both(void *arg)
{
    struct ouro_loop *loop = ouro_get_running_loop();
    struct ouro_lock *accounts = arg;
    struct payment rent = {"rent", &accounts[0], &accounts[1]};
    struct payment wage = {"wage", &accounts[1], &accounts[0]};
    struct ouro_handle alarm = {0};
    struct ouro_group group;

    ouro_lock_init(&accounts[0], loop);
    ouro_lock_init(&accounts[1], loop);
    ouro_call_later(loop, &alarm, OURO_MILLISECONDS(100), tell_why, loop);
    ouro_group_begin(&group);
    ouro_group_create_task(&group, pay, &rent);
    ouro_group_create_task(&group, pay, &wage);
    int rc = ouro_group_end(&group, 0);
    ouro_handle_cancel(&alarm);
    ouro_lock_fini(&accounts[0]);
    ouro_lock_fini(&accounts[1]);
    return rc;
}

int
main(void)
{
    const struct ouro_run_options options = {.dump_signal = SIGQUIT};
    struct ouro_lock accounts[2];

    return ouro_run_with(pay_both, accounts, &options) != -EINTR;
}
