/* SPDX-License-Identifier: MIT */
/* What a test can see of its process: reports, and open descriptors. */
#include "ouro_test.h"

#include <dirent.h>
#include <stdio.h>

size_t
count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.')
            count++;
    }
    closedir(folder);
    return count - 1; /* without the folder's own */
}

static void
copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text != NULL ? text : "");
}

void
see_exception(const struct ouro_exception *exception, void *arg)
{
    struct seen_exceptions *seen = arg;

    seen->count++;
    seen->error = exception->error;
    copy(seen->message, sizeof(seen->message), exception->message);
    copy(seen->name, sizeof(seen->name), exception->name);
    copy(seen->site, sizeof(seen->site), exception->site);
}
