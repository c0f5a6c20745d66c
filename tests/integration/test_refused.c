/* SPDX-License-Identifier: MIT */
/* Where io_uring is refused, or too little is left for it: what is said.
 *
 * Each test restricts a child process, which makes a loop and tells how that
 * went.  A filter can refuse one call and let others pass, as a container's
 * profile does.
 */
#include "ouro_test.h"

#include "refused.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child tells. */
struct outcome {
    int rc;
    bool left_alone;         /* the place for the loop, on failure */
    size_t descriptors_left; /* open, and not closed */
    unsigned completion_entries;
    char missing[256];
    char text[512];
};

/* How a child is restricted; returns 0. */
typedef int restrict_fn(int value);

/* Where none may be opened, not even to count them. */
static size_t
count_open(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void
make_loop(struct outcome *outcome)
{
    struct ouro_report report = {""};
    struct ouro_loop_options options = {.report = &report};
    struct ouro_loop *loop = (struct ouro_loop *)outcome;
    size_t before = count_open();

    outcome->rc = ouro_loop_new(&loop, &options);
    if (outcome->rc == 0) {
        const struct ouro_engine_info *info = ouro_loop_engine(loop);

        outcome->completion_entries = info->completion_entries;
        snprintf(outcome->missing, sizeof(outcome->missing), "%s",
                 info->missing);
        ouro_loop_free(loop);
    }
    outcome->left_alone = loop == (struct ouro_loop *)outcome;
    outcome->descriptors_left = count_open() - before;
    memcpy(outcome->text, report.text, sizeof(outcome->text));
}

static struct outcome
try_restricted(restrict_fn *restrict_it, int value)
{
    struct outcome outcome = {.rc = UNSEEN};
    int ends[2];
    int status;

    assert_ok(pipe(ends));
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        outcome.rc = restrict_it(value);
        if (outcome.rc == 0)
            make_loop(&outcome);
        _exit(write(ends[1], &outcome, sizeof(outcome)) != sizeof(outcome));
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &outcome, sizeof(outcome)), sizeof(outcome));
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return outcome;
}

static void
assert_says(const struct outcome *outcome, const char *words)
{
    if (strstr(outcome->text, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, outcome->text);
}

/* Filters. */

static int
refuse_call(unsigned number, int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {
        .len = sizeof(code) / sizeof(code[0]),
        .filter = code,
    };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno
                                                                    : 0;
}

static int
refuse_setup(int error)
{
    return refuse_call(SYS_io_uring_setup, error);
}

static int
refuse_enter(int error)
{
    return refuse_call(SYS_io_uring_enter, error);
}

static int
refuse_register(int error)
{
    return refuse_call(SYS_io_uring_register, error);
}

static void
assert_refused(const struct outcome *outcome, int error)
{
    assert_err(outcome->rc, error);
    assert_true(outcome->left_alone);
    assert_int_equal(outcome->descriptors_left, 0);
}

static void
a_filter_that_refuses_setup_is_named(void **state)
{
    struct outcome outcome = try_restricted(refuse_setup, EPERM);

    (void)state;
    if (ouro__uring_sysctl() != 0)
        skip();
    assert_refused(&outcome, EPERM);
    assert_says(&outcome, "io_uring_setup: EPERM; ");
    assert_says(&outcome, "kernel.io_uring_disabled is 0");
    assert_says(&outcome, "seccomp");
    assert_says(&outcome, "allow io_uring_setup, io_uring_enter and "
                          "io_uring_register");
}

static void
a_security_module_that_refuses_setup_is_named(void **state)
{
    struct outcome outcome = try_restricted(refuse_setup, EACCES);

    (void)state;
    assert_refused(&outcome, EACCES);
    assert_says(&outcome, "io_uring_setup: EACCES; ");
    if (ouro__uring_sysctl() == 0)
        assert_says(&outcome, "security module");
}

static void
a_kernel_without_io_uring_is_named(void **state)
{
    struct outcome outcome = try_restricted(refuse_setup, ENOSYS);

    (void)state;
    assert_refused(&outcome, ENOSYS);
    assert_says(&outcome, "io_uring_setup: ENOSYS; ");
    assert_says(&outcome, "built without io_uring");
}

static void
a_kernel_that_is_too_old_is_named(void **state)
{
    struct outcome outcome = try_restricted(refuse_setup, EINVAL);

    (void)state;
    assert_refused(&outcome, EINVAL);
    assert_says(&outcome, "io_uring_setup: EINVAL; the kernel is ");
    assert_says(&outcome, "needs 6.1 or newer");
}

static void
a_filter_that_refuses_only_enter_is_found_when_the_loop_is_made(void **state)
{
    static const int errors[] = {EPERM, ENOSYS};
    char words[64];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct outcome outcome = try_restricted(refuse_enter, errors[i]);

        assert_refused(&outcome, errors[i]);
        snprintf(words, sizeof(words), "io_uring_enter: %s; ",
                 ouro_error_name(errors[i]));
        assert_says(&outcome, words);
    }
}

static void
a_filter_that_refuses_only_register_costs_features_and_no_loop(void **state)
{
    struct outcome outcome = try_restricted(refuse_register, EPERM);

    (void)state;
    assert_ok(outcome.rc);
    assert_string_equal(outcome.text, "");
    assert_non_null(strstr(outcome.missing, "registered_ring"));
    assert_non_null(strstr(outcome.missing, "multishot_receive"));
    assert_non_null(strstr(outcome.missing, "buffer_ring"));
    assert_null(strstr(outcome.missing, "multishot_accept"));
}

/* By reading only: nobody turns it off for a test. */
static void
the_sysctl_is_what_its_file_says(void **state)
{
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    int value = 0;

    (void)state;
    if (file != NULL) {
        assert_int_equal(fscanf(file, "%d", &value), 1);
        fclose(file);
    }
    assert_int_equal(ouro__uring_sysctl(), value);
}

/* Limits. */

/* Locked memory is charged to a user, and given back late: each child is
 * somebody else.  Whoever is not root has to be what he is. */
static int
become_ordinary(void)
{
    uid_t user = 20000 + (uid_t)getpid() % 40000;

    if (getuid() != 0 || setuid(user) == 0)
        return 0;
    return setuid(65534) < 0 ? -errno : 0;
}

static int
limit_locked_memory(int kilobytes)
{
    const struct rlimit limit = {
        .rlim_cur = (rlim_t)kilobytes * 1024,
        .rlim_max = (rlim_t)kilobytes * 1024,
    };

    if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        return -errno;
    return become_ordinary();
}

/* Where rings are charged at all: not in 6.12, and again in 6.18. */
static void
little_locked_memory_makes_the_queue_smaller(void **state)
{
    struct outcome outcome = try_restricted(limit_locked_memory, 64);

    (void)state;
    if (getuid() != 0 && outcome.rc == -ENOMEM)
        skip(); /* others of this user have it */
    assert_ok(outcome.rc);
    assert_in_range(outcome.completion_entries, 512, 4096);
}

static void
no_locked_memory_is_an_error_that_names_the_limit(void **state)
{
    struct outcome outcome = try_restricted(limit_locked_memory, 0);

    (void)state;
    if (outcome.rc == 0)
        skip(); /* this kernel charges nothing */
    assert_refused(&outcome, ENOMEM);
    assert_says(&outcome, "io_uring_setup: ENOMEM; ");
    assert_says(&outcome, "RLIMIT_MEMLOCK is 0 bytes");
}

/* Let there be `count` numbers for new descriptors. */
static int
limit_descriptors(int count)
{
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct rlimit limit;

    close(next);
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    limit.rlim_cur = (rlim_t)(next + count);
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static void
make_loop_with_descriptors(int count, const char *words)
{
    struct outcome outcome = try_restricted(limit_descriptors, count);

    assert_refused(&outcome, EMFILE);
    assert_says(&outcome, words);
    assert_says(&outcome, "raise RLIMIT_NOFILE");
}

static void
no_descriptors_is_an_error_that_names_the_limit(void **state)
{
    (void)state;
    make_loop_with_descriptors(0, "eventfd: EMFILE; ");
    make_loop_with_descriptors(1, "io_uring_setup: EMFILE; ");
}

/* ouro_run, which is a program's main, says it itself. */

static int
never(void *arg)
{
    (void)arg;
    return 0;
}

static void
run_refused(void *arg)
{
    (void)arg;
    if (refuse_setup(ENOSYS) < 0)
        return;
    if (ouro_run(never, NULL) == -ENOSYS)
        abort();
}

static void
run_says_on_stderr_why_there_is_no_loop(void **state)
{
    (void)state;
    assert_callback_stops(run_refused, NULL, "ouro: io_uring_setup: ENOSYS; ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_that_refuses_setup_is_named),
        cmocka_unit_test(a_security_module_that_refuses_setup_is_named),
        cmocka_unit_test(a_kernel_without_io_uring_is_named),
        cmocka_unit_test(a_kernel_that_is_too_old_is_named),
        cmocka_unit_test(
            a_filter_that_refuses_only_enter_is_found_when_the_loop_is_made),
        cmocka_unit_test(
            a_filter_that_refuses_only_register_costs_features_and_no_loop),
        cmocka_unit_test(the_sysctl_is_what_its_file_says),
        cmocka_unit_test(little_locked_memory_makes_the_queue_smaller),
        cmocka_unit_test(no_locked_memory_is_an_error_that_names_the_limit),
        cmocka_unit_test(no_descriptors_is_an_error_that_names_the_limit),
        cmocka_unit_test(run_says_on_stderr_why_there_is_no_loop),
    };

    return cmocka_run_group_tests_name("refused", tests, NULL, NULL);
}
