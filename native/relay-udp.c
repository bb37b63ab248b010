/* The relay's queries by UDP: whoever asked is remembered until its answer comes. */
#include "execute.h"
#include "relay.h"

static void asker_forget(uint16_t index)
{
	struct asker *asker = &relay.askers[index];
	*(asker->newer != NONE ? &relay.askers[asker->newer].older : &relay.newest) = asker->older;
	*(asker->older != NONE ? &relay.askers[asker->older].newer : &relay.oldest) = asker->newer;
	asker->waits = false;
	asker->older = relay.free;
	relay.free = index;
}

static uint32_t asker_add(const struct sockaddr_in6 *address)
{
	if (relay.free == NONE && relay.used == ASKERS)
		asker_forget(relay.oldest);
	uint16_t index = relay.free != NONE ? relay.free : relay.used++;
	struct asker *asker = &relay.askers[index];
	if (relay.free == index)
		relay.free = asker->older;
	asker->address = *address;
	asker->waits = true;
	asker->generation = ++relay.generation;
	asker->asked = relay.now;
	asker->newer = NONE;
	asker->older = relay.newest;
	*(relay.newest != NONE ? &relay.askers[relay.newest].newer : &relay.oldest) = index;
	relay.newest = index;
	return (uint32_t)asker->generation << 16 | index;
}

/* When the first query that waits came, in ms of the real time; 0: none waits. */
static int64_t waiting_since(void)
{
	uint8_t byte;
	union { struct cmsghdr header; uint8_t space[CMSG_SPACE(sizeof(struct timespec))]; } control;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct timespec came = { 0 };
	if (recvmsg(UDP, &message, MSG_DONTWAIT | MSG_PEEK) < 0)
		return 0;
	struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
	if (stamp != NULL && stamp->cmsg_level == SOL_SOCKET && stamp->cmsg_type == SO_TIMESTAMPNS)
		memcpy(&came, CMSG_DATA(stamp), sizeof(came));
	return (int64_t)came.tv_sec * 1000 + came.tv_nsec / 1000000;
}

void drop_stale(void)
{
	int64_t oldest = clock_now(CLOCK_REALTIME) / 1000000 - PATIENCE, came;
	while ((came = waiting_since()) != 0 && came < oldest)
		(void)!recv(UDP, NULL, 0, MSG_DONTWAIT);
}

void take_datagrams(void)
{
	for (int i = 0; i < BURST && relay.link >= 0 && relay.out.end == 0; i++) {
		struct sockaddr_in6 from;
		socklen_t size = sizeof(from);
		ssize_t got = recvfrom(UDP, frame_message(), MESSAGE, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (got < 0)
			return;
		frame_send(asker_add(&from), TRANSPORT_UDP, (size_t)got);
	}
}

void answer_datagram(uint16_t generation, uint16_t index, const uint8_t *message, size_t length)
{
	struct asker *asker = &relay.askers[index < ASKERS ? index : 0];
	if (index >= relay.used || !asker->waits || asker->generation != generation)
		return;
	socklen_t size = asker->address.sin6_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(asker->address);
	(void)!sendto(UDP, message, length, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&asker->address, size);
	asker_forget(index);
}

void expire_askers(void)
{
	while (relay.oldest != NONE && relay.now - relay.askers[relay.oldest].asked >= ANSWER_TIME)
		asker_forget(relay.oldest);
	if (relay.oldest == NONE && relay.used * sizeof(struct asker) > KEPT) {
		give_back(relay.askers, 0, relay.used * sizeof(struct asker));
		relay.used = 0;
		relay.free = NONE;
	}
}
