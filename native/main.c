/* Which role this process has. */
#include <sys/prctl.h>

#include "carry.h"
#include "execute.h"
#include "init.h"
#include "shim.h"

static int complain(const char *what, const char *why)
{
	char text[256];
	size_t length = (size_t)(put_text(put_text(put_text(text, what), why), "\n") - text);
	/* Nobody to tell when this fails. */
	return write(2, text, length) < 0 ? 126 : 125;
}

/* A descriptor below 3 must never become a slot: programs put the container's own there. */
static void occupy_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? argv[0] : "", *slash = strrchr(name, '/');
	const char *title = slash != NULL ? slash + 1 : name;
	/* Inside of a container: nothing is there but what the command shall have. */
	if (strcmp(title, "docker-init") == 0)
		return init_main(argc, argv);
	bool shim = strcmp(title, "caisson-shim") == 0, proxy = strcmp(title, "caisson-proxy") == 0;
	bool relay = strcmp(title, "caisson-relay") == 0, session = !shim && !proxy && !relay;
	if (session && (argc != 2 || strcmp(argv[1], "execute") != 0))
		return complain("caisson-native: ", "a part of caisson, not for use by hand: see PROTOCOL.md");
	occupy_standard_descriptors();
	int self = memfd_reexecute(argv);
	if (self < 0)
		return complain("caisson-native: cannot execute itself from memory: ", strerror(-self));
	/* What was executed from a descriptor is called by its number otherwise. */
	prctl(PR_SET_NAME, session ? "caisson-execute" : title);
	if (!session) {
		close(self);
		return (shim ? shim_main : proxy ? proxy_main : relay_main)(argc, argv);
	}
	/* Whoever started this may have ignored or blocked anything. */
	signals_reset(UINT64_MAX);
	/* A program's write(2) shall fail, not end the session. Bodies of CLONE start with the default. */
	signal(SIGPIPE, SIG_IGN);
	return session_main(self);
}
