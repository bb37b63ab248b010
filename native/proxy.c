/* The proxy: its arguments, which are those of Docker's, and what it says of its start. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "carry.h"

/* ORIGINAL_DST: SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST, whose headers don't go with libc's. */
enum { STATUS = 3, LISTENER = 4, ORIGINAL_DST = 80 };

/* What the arguments say. */
static struct proxy {
	int protocol;
	union address host, container;
	in_port_t host_port, container_port;
	in_port_t given; /* the listener */
	in_port_t count; /* ports from the host's on, of which the firewall redirects the others to this one */
} proxy = { .count = 1 };

static bool read_protocol(const char *text, void *to)
{
	*(int *)to = strcmp(text, "tcp") == 0 ? IPPROTO_TCP : strcmp(text, "udp") == 0 ? IPPROTO_UDP :
		     strcmp(text, "sctp") == 0 ? IPPROTO_SCTP : 0;
	return *(int *)to != 0;
}

static bool read_address(const char *text, void *to)
{
	union address *address = to;
	address->family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
	bool v4 = address->family == AF_INET;
	return inet_pton(address->family, text, v4 ? (void *)&address->v4.sin_addr : &address->v6.sin6_addr) == 1;
}

static bool read_number(const char *text, void *to)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	*(in_port_t *)to = (in_port_t)value;
	return *text >= '0' && *text <= '9' && *end == '\0' && value >= 1 && value <= UINT16_MAX;
}

static bool read_flag(const char *text, void *to)
{
	*(in_port_t *)to = strcmp(text, "false") != 0;
	return true;
}

static const struct option {
	const char *name;
	bool (*read)(const char *text, void *to);
	void *to;
} options[] = {
	{ "-proto", read_protocol, &proxy.protocol },
	{ "-host-ip", read_address, &proxy.host },
	{ "-host-port", read_number, &proxy.host_port },
	{ "-container-ip", read_address, &proxy.container },
	{ "-container-port", read_number, &proxy.container_port },
	{ "-use-listen-fd", read_flag, &proxy.given },
	{ "-count", read_number, &proxy.count },
};

/* As Go reads them: one dash or two, the value behind `=` or in the next argument. Returns the one that is wrong, or NULL. */
static const char *read_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *argument = argv[i], *name = argument + strspn(argument, "-"), *value = strchr(name, '=');
		size_t length = value == NULL ? strlen(name) : (size_t)(value++ - name);
		const struct option *option = options, *end = options + sizeof(options) / sizeof(*options);
		while (option < end && (strncmp(option->name + 1, name, length) != 0 || option->name[1 + length] != '\0'))
			option++;
		if (option == end || name == argument)
			return argument;
		if (value == NULL)
			value = option->read == read_flag ? "true" : argv[i + 1] == NULL ? "" : argv[++i];
		if (!option->read(value, option->to))
			return option->name;
	}
	uint32_t last = proxy.count - 1U, host = proxy.host_port, container = proxy.container_port;
	*address_port(&proxy.host) = htons(proxy.host_port);
	*address_port(&proxy.container) = htons(proxy.container_port);
	if (last > 0 && (proxy.protocol == IPPROTO_UDP || host + last > UINT16_MAX || container + last > UINT16_MAX))
		return "-count";
	for (size_t i = 0; i < 6; i++)
		if (*(const uint16_t *)options[i].to == 0)
			return options[i].name;
	return NULL;
}

/* A socket with keep-alive as Go has it: docker-proxy notices a peer that vanished without a word after 15 s and nine more
 * tries. What is accepted inherits it. */
static int set_options(int fd)
{
	static const struct { int level, name, value; } set[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 15 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
	};
	for (size_t i = 0; i < sizeof(set) / sizeof(*set) && fd >= 0 && proxy.protocol == IPPROTO_TCP; i++)
		setsockopt(fd, set[i].level, set[i].name, &set[i].value, sizeof(int));
	return fd;
}

static int open_backend(void)
{
	return set_options(socket(proxy.container.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, proxy.protocol));
}

/* By the port that the client asked for; none of ours: -1. */
static int connect_backend(int backend, int client)
{
	union address container = proxy.container, asked;
	socklen_t length = sizeof(asked), again = length;
	/* An IPv6 socket has IPv4 connections too. Those that nobody redirected came to the port itself. */
	if (proxy.count > 1 && getsockopt(client, SOL_IP, ORIGINAL_DST, &asked, &length) < 0 &&
	    getsockopt(client, SOL_IPV6, ORIGINAL_DST, &asked, &again) < 0 && getsockname(client, &asked.any, &again) < 0)
		return -1;
	int offset = proxy.count > 1 ? ntohs(*address_port(&asked)) - proxy.host_port : 0;
	*address_port(&container) = htons((in_port_t)(proxy.container_port + offset));
	if (offset < 0 || offset >= proxy.count)
		return -1;
	int result = connect(backend, &container.any, address_size(&container));
	return result < 0 && errno == EINPROGRESS ? 0 : result;
}

/* Tells why there is nothing to serve. Returns the exit status. */
static int refuse(const char *what, const char *why)
{
	dprintf(STATUS, "1\n%s%s", what, why);
	dprintf(2, "%s%s\n", what, why);
	return 1;
}

int proxy_main(int argc, char **argv)
{
	const char *wrong = read_options(argc, argv);
	int listens = 0;
	socklen_t size = sizeof(listens);
	if (wrong != NULL)
		return refuse("not an argument, or one without a value that it can have: ", wrong);
	if (getsockopt(LISTENER, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || listens == (proxy.protocol == IPPROTO_UDP))
		return refuse("descriptor 4 is no socket to be served", "");
	/* Whoever asked may be gone; the port is served all the same. */
	(void)!write(STATUS, "0\n", 2);
	close(STATUS);
	int error = proxy.protocol == IPPROTO_UDP ? carry_datagrams(LISTENER, &proxy.container) :
			streams_begin(set_options(LISTENER), open_backend, connect_backend);
	while (error >= 0)
		streams_step(-1);
	return refuse("cannot serve: ", strerror(-error));
}
