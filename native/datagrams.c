/* Carrying datagrams: each client has a socket to the container of its own, by which the answers find their way. */
#include "carry.h"

enum {
	CLIENTS = 1024,
	EVENTS = 64,
	BURST = 64, /* datagrams from one socket, before others have their turn */
	DATAGRAM = 65536,
	KEPT = 4096,        /* bytes of the buffer that stay in memory */
	EXPIRY = 90 * 1000, /* ms, as docker-proxy's */
	SWEEP = 5000,
	LISTENER_EVENT = -1,
};

/* A control message with an address of our own, which are alike in both directions. */
union control {
	struct cmsghdr header;
	uint8_t space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* One that has been silent for EXPIRY is forgotten, and so is the most silent when there is no room. */
struct client {
	union address address;
	union control local; /* what it sent to, which answers come from */
	size_t local_size;
	int fd;         /* -1: nobody's place */
	int64_t active; /* ms */
};

static struct {
	int listener, poll, used;
	const union address *container;
	struct client clients[CLIENTS];
	int last; /* whose datagram came last */
	uint8_t *datagram;
	size_t touched; /* bytes of it */
	int64_t now, swept;
} udp;

static bool is_of(const struct client *client, const union address *address)
{
	return client->fd >= 0 && memcmp(&client->address, address, address_size(address)) == 0;
}

static void forget(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->active = 0;
}

/* Returns a socket of the new client's, or -1. */
static int connect_container(int index)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uint64_t)index };
	int fd = socket(udp.container->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, &udp.container->any, address_size(udp.container)) == 0 &&
	    epoll_ctl(udp.poll, EPOLL_CTL_ADD, fd, &event) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct client *find_client(const union address *address)
{
	if (udp.last < udp.used && is_of(&udp.clients[udp.last], address))
		return &udp.clients[udp.last];
	int best = 0, index = 0;
	for (; index < udp.used && !is_of(&udp.clients[index], address); index++)
		if (udp.clients[index].active < udp.clients[best].active)
			best = index;
	if (index == udp.used) {
		/* A place that is free is the most silent of all. */
		if (udp.used < CLIENTS && (udp.used == 0 || udp.clients[best].fd >= 0))
			udp.clients[best = udp.used++].fd = -1;
		forget(&udp.clients[index = best]);
		udp.clients[index].address = *address;
		udp.clients[index].fd = connect_container(index);
	}
	udp.last = index;
	return &udp.clients[index];
}

/* Keeps the address that a datagram was sent to. The way back is the routes' business, where that address says which. */
static void note_local(struct client *client, const union control *control, size_t size)
{
	client->local = *control;
	client->local_size = size;
	void *data = CMSG_DATA(&client->local.header);
	if (client->local.header.cmsg_level == IPPROTO_IP)
		((struct in_pktinfo *)data)->ipi_ifindex = 0;
	else if (!IN6_IS_ADDR_LINKLOCAL(&((struct in6_pktinfo *)data)->ipi6_addr))
		((struct in6_pktinfo *)data)->ipi6_ifindex = 0;
}

/* From clients to the container. */
static int receive_queries(void)
{
	for (int i = 0; i < BURST; i++) {
		union address from = { 0 };
		union control control = { 0 };
		struct iovec data = { udp.datagram, DATAGRAM };
		struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &data, .msg_iovlen = 1,
			                      .msg_control = &control, .msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(udp.listener, &message, MSG_DONTWAIT);
		if (got < 0)
			return errno == EBADF || errno == ENOTSOCK ? -errno : 0;
		if ((size_t)got > udp.touched)
			udp.touched = (size_t)got;
		struct client *client = find_client(&from);
		client->active = udp.now;
		note_local(client, &control, message.msg_controllen);
		/* The first may only tell that an earlier datagram was refused. What can't be sent is lost, as datagrams are. */
		if (send(client->fd, udp.datagram, (size_t)got, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
			(void)!send(client->fd, udp.datagram, (size_t)got, MSG_NOSIGNAL);
	}
	return 0;
}

/* From the container to one client. */
static void receive_answers(struct client *client)
{
	for (int i = 0; i < BURST && client->fd >= 0; i++) {
		ssize_t got = recv(client->fd, udp.datagram, DATAGRAM, 0);
		/* Nobody may listen yet. */
		if (got < 0 && errno == ECONNREFUSED)
			continue;
		if (got < 0)
			return;
		if ((size_t)got > udp.touched)
			udp.touched = (size_t)got;
		client->active = udp.now;
		struct iovec data = { udp.datagram, (size_t)got };
		struct msghdr message = {
			.msg_name = &client->address, .msg_namelen = address_size(&client->address), .msg_iov = &data,
			.msg_iovlen = 1, .msg_control = &client->local, .msg_controllen = client->local_size,
		};
		(void)!sendmsg(udp.listener, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

static void sweep(void)
{
	bool used = false;
	udp.swept = udp.now;
	for (int i = 0; i < udp.used; i++) {
		if (udp.now - udp.clients[i].active >= EXPIRY)
			forget(&udp.clients[i]);
		used |= udp.clients[i].fd >= 0;
	}
	if (!used)
		udp.used = 0;
}

int carry_datagrams(int listener, const union address *container)
{
	struct epoll_event events[EVENTS], listening = { .events = EPOLLIN, .data.u64 = (uint64_t)LISTENER_EVENT };
	int one = 1, error = 0;
	carry_prepare();
	udp.listener = listener;
	udp.container = container;
	udp.datagram = map_memory(DATAGRAM, MAP_PRIVATE);
	udp.poll = epoll_create1(EPOLL_CLOEXEC);
	if (udp.datagram == NULL)
		return -ENOMEM;
	/* The first fails with IPv4. */
	if (setsockopt(listener, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)) < 0)
		setsockopt(listener, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	if (udp.poll < 0 || epoll_ctl(udp.poll, EPOLL_CTL_ADD, listener, &listening) < 0)
		return -errno;
	while (error == 0) {
		int ready = epoll_wait(udp.poll, events, EVENTS, udp.used > 0 ? SWEEP : -1);
		udp.now = clock_now(CLOCK_MONOTONIC) / 1000000;
		for (int i = 0; i < ready && error == 0; i++) {
			int64_t name = (int64_t)events[i].data.u64;
			if (name == LISTENER_EVENT)
				error = receive_queries();
			else
				receive_answers(&udp.clients[name]);
		}
		if (udp.now - udp.swept >= SWEEP)
			sweep();
		if (udp.touched > KEPT)
			give_back(udp.datagram, KEPT, udp.touched);
		udp.touched = 0;
	}
	return error;
}
