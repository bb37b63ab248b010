/* Carrying datagrams: each client has a socket to the container of its own, by which the answers find their way. */
#include "carry.h"

enum {
	CLIENTS = 1024,
	EVENTS = 64,
	BURST = 64, /* datagrams from one socket, before others have their turn */
	DATAGRAM = 65536,
	EXPIRY = 90 * 1000, /* ms, as docker-proxy's */
	SWEEP = 5000,
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
	int fd;
	int64_t active; /* ms; 0: nobody's place */
};

static struct {
	int listener, poll, count; /* of clients */
	const union address *container;
	struct client clients[CLIENTS];
	uint8_t datagram[DATAGRAM];
	int64_t now, swept;
} udp;

static void forget(struct client *client)
{
	if (client->active == 0)
		return;
	if (client->fd >= 0)
		close(client->fd);
	client->active = 0;
	udp.count--;
}

/* Gives the new client a socket, or -1. */
static void connect_container(struct client *client)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
	client->fd = socket(udp.container->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd >= 0 && (connect(client->fd, &udp.container->any, address_size(udp.container)) < 0 ||
				epoll_ctl(udp.poll, EPOLL_CTL_ADD, client->fd, &event) < 0)) {
		close(client->fd);
		client->fd = -1;
	}
}

static struct client *find_client(const union address *address)
{
	struct client *best = udp.clients;
	for (struct client *client = udp.clients; client < udp.clients + CLIENTS; client++) {
		if (client->active > 0 && memcmp(&client->address, address, sizeof(*address)) == 0)
			return client;
		/* A place that is free is the most silent of all. */
		if (client->active < best->active)
			best = client;
	}
	forget(best);
	udp.count++;
	best->address = *address;
	connect_container(best);
	return best;
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
static void receive_queries(void)
{
	for (int i = 0; i < BURST; i++) {
		union address from = { 0 };
		union control control = { 0 };
		struct iovec data = { udp.datagram, DATAGRAM };
		struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &data, .msg_iovlen = 1,
			                      .msg_control = &control, .msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(udp.listener, &message, MSG_DONTWAIT);
		if (got < 0)
			return;
		struct client *client = find_client(&from);
		client->active = udp.now;
		note_local(client, &control, message.msg_controllen);
		/* The first may only tell that an earlier datagram was refused. What can't be sent is lost, as datagrams are. */
		if (send(client->fd, udp.datagram, (size_t)got, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
			(void)!send(client->fd, udp.datagram, (size_t)got, MSG_NOSIGNAL);
	}
}

/* From the container to one client. */
static void receive_answers(struct client *client)
{
	for (int i = 0; i < BURST && client->active > 0; i++) {
		ssize_t got = recv(client->fd, udp.datagram, DATAGRAM, 0);
		/* Nobody may listen yet. */
		if (got < 0 && errno == ECONNREFUSED)
			continue;
		if (got < 0)
			return;
		client->active = udp.now;
		struct iovec data = { udp.datagram, (size_t)got };
		struct msghdr message = {
			.msg_name = &client->address, .msg_namelen = address_size(&client->address), .msg_iov = &data,
			.msg_iovlen = 1, .msg_control = &client->local, .msg_controllen = client->local_size,
		};
		(void)!sendmsg(udp.listener, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

int carry_datagrams(int listener, const union address *container)
{
	struct epoll_event events[EVENTS], listening = { .events = EPOLLIN };
	int one = 1;
	carry_prepare();
	udp.listener = listener;
	udp.container = container;
	udp.poll = epoll_create1(EPOLL_CLOEXEC);
	/* The first fails with IPv4. */
	if (setsockopt(listener, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)) < 0)
		setsockopt(listener, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	if (udp.poll < 0 || epoll_ctl(udp.poll, EPOLL_CTL_ADD, listener, &listening) < 0)
		return -errno;
	for (;;) {
		int ready = epoll_wait(udp.poll, events, EVENTS, udp.count > 0 ? SWEEP : -1);
		udp.now = clock_now(CLOCK_MONOTONIC) / 1000000;
		for (int i = 0; i < ready; i++)
			if (events[i].data.ptr == NULL)
				receive_queries();
			else
				receive_answers(events[i].data.ptr);
		if (udp.now - udp.swept < SWEEP)
			continue;
		udp.swept = udp.now;
		for (struct client *client = udp.clients; client < udp.clients + CLIENTS; client++)
			if (udp.now - client->active >= EXPIRY)
				forget(client);
	}
}
