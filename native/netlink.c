/* One exchange with the kernel over a netlink socket (netlink(7)). */
#include <linux/netlink.h>

#include "execute.h"

enum { RECEIVE_SIZE = 32 << 10 }; /* the kernel makes no part of a dump longer */

/* Looks at one datagram of answers. Returns 1 if more of a dump is to come, 0, or the first error that it tells. */
static int take(const uint8_t *data, size_t size, struct netlink_answer *answer, bool dump)
{
	const struct nlmsghdr *header;
	for (size_t at = 0; size - at >= sizeof(*header); at += NLMSG_ALIGN(header->nlmsg_len)) {
		header = (const struct nlmsghdr *)(data + at);
		size_t length = header->nlmsg_len, error_at = at + sizeof(*header);
		if (length < sizeof(*header) || NLMSG_ALIGN(length) > NLMSG_ALIGN(size - at))
			return -EPROTO;
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
			int32_t error = length >= sizeof(*header) + sizeof(error) ? *(const int32_t *)(data + error_at) : 0;
			if (error < 0)
				return error;
			dump = dump && header->nlmsg_type != NLMSG_DONE;
		} else if (answer->room > 0 && header->nlmsg_type != NLMSG_NOOP) {
			if (NLMSG_ALIGN(length) > answer->room - answer->length)
				return -EMSGSIZE;
			memcpy(answer->to + answer->length, data + at, length);
			answer->length += NLMSG_ALIGN(length);
		}
		if (NLMSG_ALIGN(length) >= size - at)
			break;
	}
	return dump;
}

int netlink_exchange(int socket, const uint8_t *message, size_t length, struct netlink_answer *answer)
{
	static _Alignas(8) uint8_t buffer[RECEIVE_SIZE];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	if (RETRY(sendto(socket, message, length, 0, (struct sockaddr *)&kernel, sizeof(kernel))) < 0)
		return -errno;
	/* The kernel answers before sendto() returns; the parts of a dump come as they are asked for. Of several errors the
	 * first is told, but all answers are taken, so that none is left for the next exchange. */
	const struct nlmsghdr *first = (const struct nlmsghdr *)message;
	int error = 0, more = length >= sizeof(*first) && (first->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	for (;;) {
		ssize_t got = RETRY(recv(socket, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC));
		if (got < 0)
			return errno != EAGAIN ? -errno : error < 0 ? error : more > 0 ? -EPROTO : 0;
		int taken = (size_t)got > sizeof(buffer) ? -EMSGSIZE : take(buffer, (size_t)got, answer, more > 0);
		error = error == 0 && taken < 0 ? taken : error;
		more = taken > 0;
	}
}
