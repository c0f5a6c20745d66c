/* SPDX-License-Identifier: MIT */
/* The CPU time of another process, from /proc/PID/task/TID/schedstat.
 *
 * Its first field has nanoseconds, where /proc/PID/stat has ticks of 10 ms.  A
 * thread that ends while we measure takes its time along; the servers that we
 * measure keep theirs.
 */
#include "server_cpu.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int
read_thread(const char *tasks, const char *tid, uint64_t *out_ns)
{
    char path[320];
    snprintf(path, sizeof(path), "%s/%s/schedstat", tasks, tid);

    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    int fields = fscanf(file, "%" SCNu64, out_ns);
    fclose(file);
    return fields == 1 ? 0 : -ENOENT;
}

int
server_cpu_read(pid_t pid, uint64_t *out_ns)
{
    char tasks[32];
    snprintf(tasks, sizeof(tasks), "/proc/%d/task", (int)pid);

    DIR *directory = opendir(tasks);
    if (directory == NULL)
        return -errno;

    uint64_t sum = 0;
    int threads = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        uint64_t ns;
        if (entry->d_name[0] == '.')
            continue;
        if (read_thread(tasks, entry->d_name, &ns) < 0)
            continue;
        sum += ns;
        threads++;
    }
    closedir(directory);
    if (threads == 0)
        return -ENOENT;

    *out_ns = sum;
    return 0;
}
