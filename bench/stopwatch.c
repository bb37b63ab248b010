/*
 * Times a command from outside, without the weight of a runtime around it: stopwatch COUNT COMMAND [ARGUMENT…] runs it
 * COUNT times, its output thrown away, and prints for each run the microseconds from spawning to its end. A run that
 * fails ends it, with the command's stderr shown.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double microseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "stopwatch COUNT COMMAND [ARGUMENT...]\n"), 2;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  for (int i = atoi(argv[1]); i > 0; i--) {
    pid_t pid;
    int status;
    double start = microseconds();
    int error = posix_spawnp(&pid, argv[2], &files, NULL, argv + 2, environ);
    if (error) return fprintf(stderr, "%s: %s\n", argv[2], strerror(error)), 1;
    if (waitpid(pid, &status, 0) < 0) return 1;
    if (status != 0) return fprintf(stderr, "%s ended with status %#x\n", argv[2], status), 1;
    printf("%.0f\n", microseconds() - start);
  }
  return 0;
}
