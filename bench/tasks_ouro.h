/* SPDX-License-Identifier: MIT */
/* The jobs of the bench of tasks, on ouro.  Each runs in a task. */
#ifndef BENCH_TASKS_OURO_H
#define BENCH_TASKS_OURO_H

#include "tasks.h"

/* tasks_ouro.c */
tasks_fn job_spawn_join;
tasks_fn job_gather;
tasks_fn job_pipeline;

/* tasks_ouro_sync.c */
tasks_fn job_lock_2;
tasks_fn job_lock_10;
tasks_fn job_semaphore_2;
tasks_fn job_semaphore_10;

/* tasks_job_call_soon.c */
tasks_fn job_timeout;
tasks_fn job_call_soon;
tasks_fn job_threadsafe_1;
tasks_fn job_threadsafe_2;

#endif
