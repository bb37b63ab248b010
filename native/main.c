/* Which role this process has. */
#include <sys/prctl.h>

#include "carry.h"
#include "execute.h"
#include "shim.h"

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
	static const char usage[] = "caisson-native: a part of caisson, not for use by hand: see PROTOCOL.md\n";
	const char *name = argc > 0 ? argv[0] : "", *slash = strrchr(name, '/');
	const char *title = slash != NULL ? slash + 1 : name;
	/* Inside of a container: nothing is there but what the command shall have. */
	if (strcmp(title, "docker-init") == 0)
		return init_main(argc, argv);
	occupy_standard_descriptors();
	/* What was executed from a descriptor is called by its number otherwise. */
	prctl(PR_SET_NAME, argc == 2 && strcmp(argv[1], "execute") == 0 ? "caisson-execute" : title);
	if (strcmp(title, "caisson-shim") == 0)
		return shim_main(argc, argv);
	if (strcmp(title, "caisson-proxy") == 0)
		return proxy_main(argc, argv);
	if (strcmp(title, "caisson-relay") == 0)
		return relay_main(argc, argv);
	if (argc != 2 || strcmp(argv[1], "execute") != 0)
		return write(2, usage, sizeof(usage) - 1) < 0 ? 126 : 125;
	/* Whoever started this may have ignored or blocked anything. */
	signals_reset(UINT64_MAX);
	/* A program's write(2) shall fail, not end the session. Bodies of CLONE start with the default. */
	signal(SIGPIPE, SIG_IGN);
	return session_main();
}
