/* The proxy of datagrams: each client has a socket to the container of its own, by which the answers find their way. */
#include "proxy.h"

enum {
	CLIENTS = 1024,
	BUCKETS = 256,
	EVENTS = 64,
	BURST = 64,            /* datagrams from one socket, before others have their turn */
	DATAGRAM = 65536,
	KEPT = 4096,           /* bytes of the buffer that stay in memory */
	EXPIRY = 90 * 1000,    /* ms, as docker-proxy's */
	NONE = -1,
	LISTENER_EVENT = NONE,
};

/* One that has been silent for EXPIRY is forgotten, and so is the most silent when there is no room. */
struct client {
	union address address;
	union { struct in_pktinfo v4; struct in6_pktinfo v6; } local; /* what it sent to, which answers come from */
	int fd;
	int64_t active; /* ms */
	int16_t newer, older, next; /* by activity; in its bucket, or among the free */
};

static struct {
	const struct proxy *proxy;
	struct client clients[CLIENTS];
	int16_t buckets[BUCKETS], newest, oldest, free, used;
	uint8_t *datagram;
	size_t touched; /* bytes of it */
	int poll;
	int64_t now;
} udp;

/* The control message with an address of our own, in both directions. */
union control {
	struct cmsghdr header;
	uint8_t space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static bool same(const union address *a, const union address *b)
{
	return a->family == b->family && memcmp(a, b, address_size(a)) == 0;
}

static int16_t *bucket_of(const union address *address)
{
	uint32_t hash = 2166136261;
	for (socklen_t i = 0; i < address_size(address); i++)
		hash = (hash ^ ((const uint8_t *)address)[i]) * 16777619;
	return &udp.buckets[(hash ^ hash >> 16) % BUCKETS];
}

static void unlink_activity(struct client *client)
{
	*(client->newer != NONE ? &udp.clients[client->newer].older : &udp.newest) = client->older;
	*(client->older != NONE ? &udp.clients[client->older].newer : &udp.oldest) = client->newer;
}

static void link_activity(struct client *client)
{
	int16_t index = (int16_t)(client - udp.clients);
	client->active = udp.now;
	client->newer = NONE;
	client->older = udp.newest;
	*(udp.newest != NONE ? &udp.clients[udp.newest].newer : &udp.oldest) = index;
	udp.newest = index;
}

static void forget(struct client *client)
{
	int16_t index = (int16_t)(client - udp.clients), *link = bucket_of(&client->address);
	while (*link != index)
		link = &udp.clients[*link].next;
	*link = client->next;
	unlink_activity(client);
	close(client->fd);
	client->fd = -1;
	client->next = udp.free;
	udp.free = index;
}

/* Returns a socket of the new client's, or -1. */
static int connect_container(int16_t index)
{
	const union address *container = &udp.proxy->container;
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uint64_t)index };
	int fd = socket(container->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, &container->any, address_size(container)) == 0 && epoll_ctl(udp.poll, EPOLL_CTL_ADD, fd, &event) == 0)
		return fd;
	close(fd);
	return -1;
}

static struct client *find_client(const union address *address)
{
	int16_t *bucket = bucket_of(address), index = *bucket;
	while (index != NONE && !same(&udp.clients[index].address, address))
		index = udp.clients[index].next;
	if (index != NONE)
		return &udp.clients[index];
	if (udp.free == NONE && udp.used == CLIENTS)
		forget(&udp.clients[udp.oldest]);
	index = udp.free != NONE ? udp.free : udp.used;
	int fd = connect_container(index);
	if (fd < 0)
		return NULL;
	struct client *client = &udp.clients[index];
	if (index == udp.used)
		udp.used++;
	else
		udp.free = client->next;
	*client = (struct client){ .address = *address, .fd = fd, .next = *bucket };
	*bucket = index;
	link_activity(client);
	return client;
}

static void note_activity(struct client *client)
{
	unlink_activity(client);
	link_activity(client);
}

/* Keeps the address that a datagram was sent to. */
static void note_local(struct client *client, struct msghdr *message)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
		if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO)
			memcpy(&client->local.v4, CMSG_DATA(at), sizeof(client->local.v4));
		else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO)
			memcpy(&client->local.v6, CMSG_DATA(at), sizeof(client->local.v6));
	}
	/* The way back is the routes' business, where the address alone says which. */
	if (client->address.family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&client->local.v6.ipi6_addr))
		client->local.v6.ipi6_ifindex = 0;
}

/* From clients to the container. */
static int receive_queries(void)
{
	for (int i = 0; i < BURST; i++) {
		union address from;
		union control control;
		struct iovec data = { udp.datagram, DATAGRAM };
		memset(&from, 0, sizeof(from));
		struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &data, .msg_iovlen = 1,
			                      .msg_control = &control, .msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(udp.proxy->listener, &message, MSG_DONTWAIT);
		if (got < 0)
			return errno == EBADF || errno == ENOTSOCK ? -errno : 0;
		if ((size_t)got > udp.touched)
			udp.touched = (size_t)got;
		struct client *client = find_client(&from);
		if (client == NULL)
			continue;
		note_activity(client);
		note_local(client, &message);
		/* The first may only tell that an earlier datagram was refused. What can't be sent is lost, as datagrams are. */
		if (send(client->fd, udp.datagram, (size_t)got, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
			(void)!send(client->fd, udp.datagram, (size_t)got, MSG_NOSIGNAL);
	}
	return 0;
}

static void send_answer(const struct client *client, size_t length)
{
	union control control;
	struct iovec data = { udp.datagram, length };
	union address to = client->address;
	struct msghdr message = { .msg_name = &to, .msg_namelen = address_size(&to), .msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control };
	memset(&control, 0, sizeof(control));
	struct in_pktinfo v4 = { .ipi_spec_dst = client->local.v4.ipi_spec_dst };
	bool is_v4 = client->address.family == AF_INET;
	size_t size = is_v4 ? sizeof(v4) : sizeof(client->local.v6);
	message.msg_controllen = CMSG_SPACE(size);
	control.header.cmsg_len = CMSG_LEN(size);
	control.header.cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
	control.header.cmsg_type = is_v4 ? IP_PKTINFO : IPV6_PKTINFO;
	memcpy(CMSG_DATA(&control.header), is_v4 ? (const void *)&v4 : &client->local.v6, size);
	(void)!sendmsg(udp.proxy->listener, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
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
		note_activity(client);
		send_answer(client, (size_t)got);
	}
}

static void expire(void)
{
	while (udp.oldest != NONE && udp.now - udp.clients[udp.oldest].active >= EXPIRY)
		forget(&udp.clients[udp.oldest]);
	if (udp.newest == NONE && udp.used > 0) {
		memset(udp.buckets, 0xff, sizeof(udp.buckets));
		udp.free = NONE;
		udp.used = 0;
	}
}

static void time_passes(void)
{
	udp.now = clock_now(CLOCK_MONOTONIC) / 1000000;
}

int proxy_datagrams(const struct proxy *proxy)
{
	struct epoll_event events[EVENTS], listening = { .events = EPOLLIN, .data.u64 = (uint64_t)LISTENER_EVENT };
	int one = 1, family = AF_INET;
	socklen_t length = sizeof(family);
	udp.proxy = proxy;
	memset(udp.buckets, 0xff, sizeof(udp.buckets));
	udp.newest = udp.oldest = udp.free = NONE;
	udp.datagram = map_memory(DATAGRAM, MAP_PRIVATE);
	udp.poll = epoll_create1(EPOLL_CLOEXEC);
	if (udp.datagram == NULL)
		return -ENOMEM;
	getsockopt(proxy->listener, SOL_SOCKET, SO_DOMAIN, &family, &length);
	if (family == AF_INET)
		setsockopt(proxy->listener, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	else
		setsockopt(proxy->listener, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	if (udp.poll < 0 || epoll_ctl(udp.poll, EPOLL_CTL_ADD, proxy->listener, &listening) < 0)
		return -errno;
	for (;;) {
		int64_t wait = udp.oldest == NONE ? -1 : udp.clients[udp.oldest].active + EXPIRY - udp.now;
		int error = 0, ready = epoll_wait(udp.poll, events, EVENTS, (int)wait);
		time_passes();
		for (int i = 0; i < ready && error == 0; i++) {
			int64_t name = (int64_t)events[i].data.u64;
			if (name == LISTENER_EVENT)
				error = receive_queries();
			else
				receive_answers(&udp.clients[name]);
		}
		if (error < 0)
			return error;
		expire();
		if (udp.touched > KEPT)
			give_back(udp.datagram, KEPT, udp.touched);
		udp.touched = 0;
	}
}
