/* Which role this process has. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "execute.h"
#include "memfd.h"
#include "session.h"
#include "shim.h"

static int complain(const char *what, const char *why)
{
	/* Nobody to tell when this fails. */
	if (write(2, what, strlen(what)) < 0 || write(2, why, strlen(why)) < 0 || write(2, "\n", 1) < 0)
		return 126;
	return 125;
}

/* Whoever started this may have ignored or blocked anything. */
static void reset_all_signals(void)
{
	int signals[65] = { 0 }, count = 0;

	for (int signal = 1; signal <= 64; signal++)
		if (signal != SIGKILL && signal != SIGSTOP)
			signals[count++] = signal;
	signals_reset(signals);
}

/* A descriptor below 3 must never become a slot: programs put the container's own there. */
static void occupy_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3);
	if (fd >= 3)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = argc > 0 ? slash != NULL ? slash + 1 : argv[0] : "";
	int shim = strcmp(name, "caisson-shim") == 0, self;

	if (!shim && (argc != 2 || strcmp(argv[1], "execute") != 0))
		return complain("caisson-native: ", "this is a part of caisson and not for use by hand: see PROTOCOL.md");
	occupy_standard_descriptors();
	self = memfd_reexecute(argv);
	if (self < 0)
		return complain("caisson-native: cannot execute itself from memory: ", strerror(-self));
	/* What was executed from a descriptor is called by its number otherwise. */
	prctl(PR_SET_NAME, shim ? "caisson-shim" : "caisson-execute");
	if (!shim) {
		reset_all_signals();
		/* A program's write(2) shall fail, not end the session. Bodies of CLONE start with the default. */
		signal(SIGPIPE, SIG_IGN);
		return session_main(self);
	}
	close(self);
	return shim_main(argc, argv);
}
