/* The proxy: its arguments, which are those of Docker's, its socket, and what it says of its start. */
#include <arpa/inet.h>
#include <sys/resource.h>

#include "execute.h"
#include "proxy.h"

enum { STATUS = 3, LISTENER = 4, BACKLOG = 4096 };

/* The arguments as they are given; NULL: not given. */
enum option { PROTO, HOST_IP, HOST_PORT, CONTAINER_IP, CONTAINER_PORT, COUNT, USE_LISTEN_FD, OPTIONS };
static const char *const names[OPTIONS] = {
	"proto", "host-ip", "host-port", "container-ip", "container-port", "count", "use-listen-fd",
};

static struct {
	const char *given[OPTIONS];
	int status; /* where the start is told of, or -1 */
	char text[512];
} setup;

/* Tells why there is nothing to serve. Returns the exit status. */
static int refuse(const char *what, const char *subject, const char *why)
{
	char *text = setup.text, *end = put_text(text, "1\n");
	end = put_text(end, what);
	/* Whoever gave something longer knows what it was. */
	if (strlen(subject) < 128)
		end = put_text(end, subject);
	if (*why != '\0')
		end = put_text(put_text(end, ": "), why);
	ssize_t told = setup.status < 0 ? 0 : write(setup.status, text, (size_t)(end - text));
	put_text(end, "\n");
	told = write(2, text + 2, (size_t)(end + 1 - text - 2));
	(void)told;
	return 1;
}

static const char *reason(int error)
{
	/* Docker's words, by which its users know it. */
	if (error == EADDRINUSE)
		return "bind: address already in use";
	if (error == EADDRNOTAVAIL)
		return "bind: cannot assign requested address";
	if (error == EPROTONOSUPPORT || error == ESOCKTNOSUPPORT)
		return "socket: protocol not supported";
	return strerror(error);
}

/* As Go reads them: one dash or two, the value behind `=` or in the next argument. Returns what is wrong, or NULL. */
static const char *read_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];
		if (*name != '-')
			return argv[i];
		name += name[1] == '-' ? 2 : 1;
		size_t length = strcspn(name, "=");
		enum option option = 0;
		while (option < OPTIONS && (strncmp(names[option], name, length) != 0 || names[option][length] != '\0'))
			option++;
		if (option == OPTIONS)
			return argv[i];
		if (name[length] == '=')
			setup.given[option] = name + length + 1;
		else if (option == USE_LISTEN_FD)
			setup.given[option] = "true";
		else if (i + 1 < argc)
			setup.given[option] = argv[++i];
		else
			return argv[i];
	}
	return NULL;
}

/* A number from 1 to 65535, or 0. */
static uint16_t number(const char *text)
{
	uint32_t value = 0;
	if (text == NULL || *text == '\0')
		return 0;
	for (; *text >= '0' && *text <= '9' && value <= UINT16_MAX; text++)
		value = value * 10 + (uint32_t)(*text - '0');
	return *text == '\0' && value <= UINT16_MAX ? (uint16_t)value : 0;
}

uint16_t address_port(const union address *address)
{
	return ntohs(address->family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
}

void address_set_port(union address *address, uint16_t port)
{
	*(address->family == AF_INET ? &address->v4.sin_port : &address->v6.sin6_port) = htons(port);
}

static bool read_address(enum option ip, enum option port, union address *address)
{
	const char *text = setup.given[ip];
	uint16_t value = number(setup.given[port]);
	if (text == NULL || value == 0)
		return false;
	if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1)
		address->family = AF_INET;
	else if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1)
		address->family = AF_INET6;
	else
		return false;
	address_set_port(address, value);
	return true;
}

/* 0: none that is known. */
static int protocol_number(const char *name)
{
	if (name == NULL)
		return 0;
	if (strcmp(name, "tcp") == 0)
		return IPPROTO_TCP;
	if (strcmp(name, "udp") == 0)
		return IPPROTO_UDP;
	return strcmp(name, "sctp") == 0 ? IPPROTO_SCTP : 0;
}

/* Returns what is wrong, or NULL. */
static const char *understand(struct proxy *proxy)
{
	proxy->protocol = protocol_number(setup.given[PROTO]);
	if (proxy->protocol == 0)
		return "-proto must be tcp, udp or sctp";
	if (!read_address(HOST_IP, HOST_PORT, &proxy->host))
		return "-host-ip and -host-port must be an address and a port";
	if (!read_address(CONTAINER_IP, CONTAINER_PORT, &proxy->container))
		return "-container-ip and -container-port must be an address and a port";
	proxy->count = setup.given[COUNT] == NULL ? 1 : number(setup.given[COUNT]);
	uint16_t last = proxy->count - 1;
	if (proxy->count == 0 || last > UINT16_MAX - address_port(&proxy->host) ||
	    last > UINT16_MAX - address_port(&proxy->container))
		return "-count must be a number of ports";
	if (last > 0 && proxy->protocol != IPPROTO_TCP)
		return "-count is for tcp only";
	return NULL;
}

static int listen_at(const struct proxy *proxy)
{
	int one = 1, type = proxy->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(proxy->host.family, type | SOCK_CLOEXEC, proxy->protocol);
	if (fd < 0)
		return -errno;
	if (proxy->host.family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &proxy->host.any, address_size(&proxy->host)) == 0 && (type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	int error = -errno;
	close(fd);
	return error;
}

int proxy_main(int argc, char **argv)
{
	static struct proxy proxy;
	struct rlimit limit;
	/* Started by hand it may have none, and must not write into what gets its number next. */
	setup.status = fcntl(STATUS, F_GETFD) < 0 ? -1 : STATUS;
	/* Whoever started this may have ignored or blocked anything. */
	signals_reset(UINT64_MAX);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	const char *wrong = read_options(argc, argv);
	if (wrong != NULL)
		return refuse("not an argument, or one without its value: ", wrong, "");
	wrong = understand(&proxy);
	if (wrong != NULL)
		return refuse(wrong, "", "");
	const char *use = setup.given[USE_LISTEN_FD];
	bool given = use != NULL && strcmp(use, "false") != 0;
	proxy.listener = given ? LISTENER : listen_at(&proxy);
	int error = proxy.listener < 0 ? proxy.listener : fcntl(proxy.listener, F_GETFD) < 0 ? -errno : 0;
	if (error < 0) {
		char what[256];
		char *end = put_text(put_text(put_text(what, "listen "), setup.given[PROTO]), " ");
		bool brackets = proxy.host.family == AF_INET6;
		end = put_text(put_text(end, brackets ? "[" : ""), setup.given[HOST_IP]);
		end = put_text(end, brackets ? "]:" : ":");
		put_number(end, address_port(&proxy.host), 1);
		return refuse(what, "", reason(-error));
	}
	if (setup.status >= 0) {
		/* Whoever asked may be gone; the port is served all the same. */
		ssize_t told = write(setup.status, "0\n", 2);
		(void)told;
		close(setup.status);
	}
	error = (proxy.protocol == IPPROTO_UDP ? proxy_datagrams : proxy_streams)(&proxy);
	setup.status = -1;
	return refuse("stopped serving", "", reason(-error));
}
