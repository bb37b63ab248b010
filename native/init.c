/* The role of a container's first process where somebody asked for one (--init): it starts the command that follows `--`,
 * passes signals on to it, reaps whoever is orphaned, and ends as the command does. */
#include <stdio.h>
#include <sys/prctl.h>

#include "native.h"

static _Noreturn void become(char **command, const sigset_t *mask)
{
	/* Signals from the terminal go to the command alone, which may read from it. */
	setpgid(0, 0);
	tcsetpgrp(0, getpid());
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(command[0], command);
	int error = errno;
	dprintf(2, "[FATAL init] exec %s failed: %s\n", command[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

int init_main(int argc, char **argv)
{
	sigset_t all, before;
	int status;
	if (argc < 3)
		return 127;
	prctl(PR_SET_NAME, "docker-init");
	/* Where there is no pid namespace of the container's own. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* What is blocked waits for sigwaitinfo(), also what process 1 of a namespace would never see. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t child = fork();
	if (child == 0)
		become(argv + 2, &before);
	for (;;) {
		int signal = sigwaitinfo(&all, NULL);
		if (signal > 0 && signal != SIGCHLD)
			kill(child, signal);
		for (pid_t ended; signal == SIGCHLD && (ended = waitpid(-1, &status, WNOHANG)) > 0;)
			if (ended == child)
				return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}
