/* As systemd does it (sd_listen_fds(3)): a unix and a TCP socket, opened here, are descriptors 3 and 4 of a program.
 * activate PATH PORT PROGRAM [ARG...] */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	strncpy(path.sun_path, argv[1], sizeof path.sun_path - 1);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[2])),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int first = socket(AF_UNIX, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0);
	if (first != 3 || second != 4)
		return 3;
	if (bind(first, (void *)&path, sizeof path) || listen(first, 64) ||
	    bind(second, (void *)&address, sizeof address) || listen(second, 64)) {
		perror("activate");
		return 1;
	}
	char pid[16];
	snprintf(pid, sizeof pid, "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "api:network", 1);
	execv(argv[3], argv + 3);
	perror(argv[3]);
	return 1;
}
