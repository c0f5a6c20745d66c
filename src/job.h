/* SPDX-License-Identifier: MIT */
/* Calls on threads, for executors and for the resolver. */
#ifndef OURO_JOB_H
#define OURO_JOB_H

#include "thread_pool.h"

/*
 * Give `job` to a thread, and suspend until it was made.  Takes the job.
 *
 * Returns 0: it was made, and is yours again, for ouro__job_end().  No
 * checkpoint at the beginning.  On an error it is gone, or will be.
 *   -ECANCELED, -ESHUTDOWN, -OURO_ELIMIT, -EAGAIN  see ouro_run_in_executor()
 */
OURO_SUSPENDS int ouro__executor_run(struct ouro_executor *executor,
                                     struct ouro__job *job);

/* You have taken what you want from it. */
void ouro__job_end(struct ouro__job *job);

/* It accepts no more jobs. */
void ouro__executor_close(struct ouro_executor *executor);

/* Let its threads end, and wait for them.  There are no jobs. */
void ouro__executor_join(struct ouro_executor *executor);

/* Report each call that is still made, and was not reported yet. */
void ouro__executor_report(struct ouro_executor *executor);

/* Its user needs it no longer: fail what no thread has taken, and free it with
 * the last job. */
void ouro__executor_let_go(struct ouro_executor *executor);

/*
 * The loop is being freed: end it, and leave threads that are inside a call to
 * themselves.
 *
 * Returns whether one of them uses the frame of a task.
 */
bool ouro__executor_end(struct ouro_executor *executor);

#endif
