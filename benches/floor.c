// What the machine itself can do: programs started and waited for, and records made durable.
//   floor spawn N JOBS     starts /bin/true N times, JOBS at a time
//   floor sync N           appends 100 bytes and flushes them, N times
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;

static void start(void) {
    char *argv[] = {"/bin/true", NULL};
    pid_t pid;
    if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ)) exit(1);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    int n = atoi(argv[2]);
    if (!strcmp(argv[1], "spawn")) {
        int jobs = argc > 3 ? atoi(argv[3]) : 2, started = 0, ended = 0;
        while (ended < n) {
            while (started < n && started - ended < jobs) start(), started++;
            if (wait(NULL) > 0) ended++;
        }
        return 0;
    }
    int fd = open("floor.tmp", O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
    char record[100];
    memset(record, 'x', sizeof record);
    for (int i = 0; i < n; i++)
        if (write(fd, record, sizeof record) != sizeof record || fdatasync(fd)) return 1;
    unlink("floor.tmp");
    return 0;
}
