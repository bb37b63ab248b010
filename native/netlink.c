/* One exchange with the kernel over a netlink socket (netlink(7)). */
#include <linux/netlink.h>

#include "execute.h"

enum { RECEIVE_SIZE = 32 << 10 }; /* the kernel makes no part of a dump longer */

/* Looks at one datagram of answers. Returns 1 if more of a dump is to come, 0, or the first error that it tells. */
static int take(const uint8_t *data, size_t size, struct netlink_answer *answer, bool dump)
{
	struct nlmsghdr header;
	for (size_t at = 0; size - at >= sizeof(header); at += NLMSG_ALIGN(header.nlmsg_len)) {
		memcpy(&header, data + at, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size - at)
			return -EPROTO;
		bool ends = header.nlmsg_type == NLMSG_DONE;
		if (ends || header.nlmsg_type == NLMSG_ERROR) {
			int32_t error = 0;
			if (header.nlmsg_len >= sizeof(header) + sizeof(error))
				memcpy(&error, data + at + sizeof(header), sizeof(error));
			if (error < 0)
				return error;
			dump = dump && !ends;
		} else if (answer->room > 0 && header.nlmsg_type != NLMSG_NOOP) {
			size_t length = NLMSG_ALIGN(header.nlmsg_len), there = size - at < length ? size - at : length;
			if (length > answer->room - answer->length)
				return -EMSGSIZE;
			memcpy(answer->to + answer->length, data + at, there);
			answer->length += length;
		}
		if (NLMSG_ALIGN(header.nlmsg_len) >= size - at)
			break;
	}
	return dump;
}

static bool asks_for_dump(const uint8_t *message, size_t length)
{
	struct nlmsghdr header;
	if (length < sizeof(header))
		return false;
	memcpy(&header, message, sizeof(header));
	return (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

int netlink_exchange(int socket, const uint8_t *message, size_t length, struct netlink_answer *answer)
{
	static _Alignas(8) uint8_t buffer[RECEIVE_SIZE];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	if (RETRY(sendto(socket, message, length, 0, (struct sockaddr *)&kernel, sizeof(kernel))) < 0)
		return -errno;
	/* The kernel answers before sendto() returns; the parts of a dump come as they are asked for. Of several errors the
	 * first is told, but all answers are taken, so that none is left for the next exchange. */
	int error = 0, more = asks_for_dump(message, length);
	for (;;) {
		ssize_t got = RETRY(recv(socket, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC));
		if (got < 0)
			return errno != EAGAIN ? -errno : error < 0 ? error : more > 0 ? -EPROTO : 0;
		int taken = (size_t)got > sizeof(buffer) ? -EMSGSIZE : take(buffer, (size_t)got, answer, more > 0);
		if (taken < 0 && error == 0)
			error = taken;
		more = taken > 0;
	}
}
