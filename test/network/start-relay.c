/* Binds the sockets of a container's resolver in this network namespace and becomes the relay behind them:
 * start-relay NATIVE-BINARY RESOLVER-SOCKET CONTAINER-ID */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(53) };
	int yes = 1;
	if (argc != 4 || inet_pton(AF_INET, "127.0.0.11", &here.sin_addr) != 1)
		return 2;
	int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
	if (udp != 3 || tcp != 4 || setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0)
		return 3;
	if (bind(udp, (struct sockaddr *)&here, sizeof here) != 0 || bind(tcp, (struct sockaddr *)&here, sizeof here) != 0 ||
	    listen(tcp, 128) != 0) {
		perror("bind 127.0.0.11:53");
		return 4;
	}
	execv(argv[1], (char *[]){ "caisson-relay", argv[2], argv[3], NULL });
	perror(argv[1]);
	return 5;
}
