/* The log: Docker's json-file, one record per line of output.
 *
 * When the file can't be written (a full disk), nothing is thrown away at first: records wait, nothing more is read, so
 * the container itself waits. That may not last for ever, since a log must never stop a container, an attached client
 * or an exit record. After PATIENCE records are dropped, counted, and output flows again; the first record that fits
 * afterwards says how many are missing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

#if defined(__GNUC__) && !defined(__clang__)
/* The rest of the binary is built for size; here every byte of output passes. */
#pragma GCC optimize("O2")
#endif

#define PATIENCE (10 * SECOND)
/* Every byte of a line may become six, and the rest of a record is short. */
#define RECORD_SIZE (LINE_SIZE * 6 + 256)
#define BATCH_SIZE 65536u
#define NEVER UINT32_MAX

static char path[4096];
static struct {
	int fd;
	uint64_t limit, size; /* size: of the file */
	uint32_t files;
	uint8_t *out; /* BATCH_SIZE + RECORD_SIZE */
	uint32_t sent, length;
	uint32_t rotate_at; /* the file is rotated before this byte of out is written, or NEVER */
	int64_t stuck_since; /* 0: not stuck */
	uint64_t lost; /* records dropped that the log doesn't mention yet */
	int error;
	time_t second; /* that `date` is of */
	char date[20]; /* 2024-01-02T03:04:05 */
} journal = { .fd = -1, .rotate_at = NEVER, .second = -1 };

/* x, x.1, x.2, …; SUFFIX 0 is x itself. */
static void numbered(char *at, uint32_t suffix)
{
	at = put_text(at, path);
	if (suffix == 0)
		return;
	*at++ = '.';
	put_number(at, suffix);
}

static int open_log(const char *name, int flags)
{
	return open(name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | flags, 0640);
}

int log_open(const char *name, uint64_t limit, uint32_t files)
{
	struct stat status;
	char last;

	if (*name == '\0')
		return 0;
	/* Room for a suffix. */
	if (strlen(name) + 12 > sizeof(path))
		return -ENAMETOOLONG;
	put_text(path, name);
	journal.out = map_memory(BATCH_SIZE + RECORD_SIZE);
	if (!journal.out)
		return -ENOMEM;
	journal.fd = open_log(path, 0);
	if (journal.fd < 0 || fstat(journal.fd, &status) < 0)
		return -errno;
	journal.limit = limit;
	journal.files = files;
	journal.size = (uint64_t)status.st_size;
	/* A shim that was killed while it wrote has left half a record: it may not spoil the next one. */
	if (status.st_size > 0 && pread(journal.fd, &last, 1, status.st_size - 1) == 1 && last != '\n')
		journal.out[journal.length++] = '\n';
	return 0;
}

/* The new file exists under another name before the old one moves away, so at every moment but the one between two
 * renames there is a file at the log's path, and whatever fails leaves a log that goes on. */
static void rotate(void)
{
	char from[sizeof(path)], to[sizeof(path)];
	uint32_t top;
	int fd;

	put_text(put_text(from, path), ".new");
	fd = open_log(from, O_TRUNC);
	if (fd < 0)
		return;
	for (top = 1; top + 1 < journal.files; top++) {
		numbered(to, top);
		if (access(to, F_OK) < 0)
			break;
	}
	if (journal.files > 1) {
		for (uint32_t i = top; i > 0; i--) {
			numbered(to, i);
			numbered(from, i - 1);
			rename(from, to);
		}
	}
	put_text(put_text(from, path), ".new");
	rename(from, path);
	close(journal.fd);
	journal.fd = fd;
	journal.size = 0;
}

/* Writes out what is there. Returns whether all of it went. */
static bool flush(void)
{
	while (journal.sent < journal.length || journal.rotate_at != NEVER) {
		uint32_t end = journal.rotate_at == NEVER ? journal.length : journal.rotate_at;
		ssize_t n;

		if (journal.sent == journal.rotate_at) {
			rotate();
			journal.rotate_at = NEVER;
			continue;
		}
		n = write(journal.fd, journal.out + journal.sent, end - journal.sent);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			journal.error = n < 0 ? errno : ENOSPC;
			return false;
		}
		journal.sent += (uint32_t)n;
		journal.size += (uint32_t)n;
	}
	journal.sent = journal.length = 0;
	return true;
}

/* Drops what can't be written. The file ends with a whole record again. */
static void drop(void)
{
	uint32_t whole = journal.sent;

	/* A raw newline is only ever the end of a record. */
	while (whole > 0 && journal.out[whole - 1] != '\n')
		whole--;
	if (whole < journal.sent && ftruncate(journal.fd, (off_t)(journal.size - (journal.sent - whole))) == 0)
		journal.size -= journal.sent - whole;
	for (uint32_t i = whole; i < journal.length; i++)
		journal.lost += journal.out[i] == '\n';
	journal.sent = journal.length = 0;
	journal.rotate_at = NEVER;
	journal.stuck_since = 0;
}

/* Writes out, or decides what becomes of what can't be written. */
static void settle(int64_t now)
{
	if (flush()) {
		journal.stuck_since = 0;
		return;
	}
	if (journal.stuck_since == 0)
		journal.stuck_since = now;
	if (journal.lost > 0 || now - journal.stuck_since >= PATIENCE)
		drop();
}

bool log_held_up(void)
{
	return journal.stuck_since != 0;
}

void log_close(void)
{
	if (journal.fd >= 0)
		close(journal.fd);
	journal.fd = -1;
}

void log_retry(int64_t now)
{
	if (journal.fd >= 0)
		settle(now);
}

void log_rotate(int64_t now)
{
	if (journal.fd < 0)
		return;
	if (journal.rotate_at == NEVER)
		journal.rotate_at = journal.length;
	settle(now);
}

void log_give_back(void)
{
	if (journal.fd >= 0 && journal.length == 0)
		give_back(journal.out, 0, BATCH_SIZE + RECORD_SIZE);
}

/* DIGITS decimal digits, with leading zeros. */
static void put_padded(char *at, int digits, unsigned number)
{
	for (; digits > 0; number /= 10)
		at[--digits] = (char) ('0' + number % 10);
}

/* RFC3339Nano, as Go writes it: without the fraction's trailing zeros. Returns the length. */
static uint8_t format_time(char *at)
{
	char *start = at;
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != journal.second) {
		journal.second = now.tv_sec;
		gmtime_r(&now.tv_sec, &tm);
		put_text(journal.date, "0000-00-00T00:00:00");
		put_padded(journal.date, 4, (unsigned)tm.tm_year + 1900);
		put_padded(journal.date + 5, 2, (unsigned)tm.tm_mon + 1);
		put_padded(journal.date + 8, 2, (unsigned)tm.tm_mday);
		put_padded(journal.date + 11, 2, (unsigned)tm.tm_hour);
		put_padded(journal.date + 14, 2, (unsigned)tm.tm_min);
		put_padded(journal.date + 17, 2, (unsigned)tm.tm_sec);
	}
	at = put_text(at, journal.date);
	if (now.tv_nsec > 0) {
		*at = '.';
		put_padded(at + 1, 9, (unsigned)now.tv_nsec);
		at += 10;
		while (at[-1] == '0')
			at--;
	}
	*at++ = 'Z';
	*at = '\0';
	return (uint8_t)(at - start);
}

/* Length of the UTF-8 sequence at IN, 0 if it isn't one by Go's rules (no overlong form, no surrogate). */
static size_t sequence(const uint8_t *in, const uint8_t *end)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t length;

	if (in[0] < 0xc2 || in[0] > 0xf4)
		return 0;
	length = in[0] < 0xe0 ? 2 : in[0] < 0xf0 ? 3 : 4;
	if ((size_t)(end - in) < length)
		return 0;
	if (in[0] == 0xe0)
		low = 0xa0;
	else if (in[0] == 0xed)
		high = 0x9f;
	else if (in[0] == 0xf0)
		low = 0x90;
	else if (in[0] == 0xf4)
		high = 0x8f;
	if (in[1] < low || in[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((in[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* Writes the one character at *IN, which isn't plain, and moves *IN on. */
static uint8_t *escape_one(uint8_t *out, const uint8_t **in, const uint8_t *end)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *at = *in;
	uint8_t c = *at;
	size_t length;

	if (c >= 0x80) {
		length = sequence(at, end);
		*in = at + (length ? length : 1);
		if (length == 0)
			return (uint8_t *)put_text((char *)out, "\\ufffd");
		/* The separators U+2028 and U+2029 end a line in JavaScript. */
		if (length == 3 && c == 0xe2 && at[1] == 0x80 && (at[2] & 0xfe) == 0xa8)
			return (uint8_t *)put_text((char *)out, at[2] == 0xa8 ? "\\u2028" : "\\u2029");
		memcpy(out, at, length);
		return out + length;
	}
	*in = at + 1;
	*out++ = '\\';
	if (c == '"' || c == '\\') {
		*out++ = c;
	} else if (c == '\n' || c == '\r') {
		*out++ = c == '\n' ? 'n' : 'r';
	} else {
		out = (uint8_t *)put_text((char *)out, "u00");
		*out++ = (uint8_t)hex[c >> 4];
		*out++ = (uint8_t)hex[c & 15];
	}
	return out;
}

/* Copies IN to OUT as the inside of a JSON string, sixteen plain bytes at a time: most output has little else. OUT has
 * sixteen bytes more than the text needs. */
static uint8_t *escape(uint8_t *out, const uint8_t *in, const uint8_t *end)
{
	typedef int8_t block __attribute__((vector_size(16)));
	typedef uint64_t halves __attribute__((vector_size(16)));

	while (in < end) {
		while (end - in >= 16) {
			block b;
			halves odd;

			memcpy(&b, in, 16);
			memcpy(out, in, 16);
			/* Bytes from 0x80 on are negative here, so the first comparison finds them, too. */
			odd = (halves)((b < 0x20) | (b == '"') | (b == '\\') | (b == '<') | (b == '>') | (b == '&'));
			if ((odd[0] | odd[1]) != 0) {
				int plain = odd[0] != 0 ? __builtin_ctzll(odd[0]) / 8 : 8 + __builtin_ctzll(odd[1]) / 8;

				in += plain;
				out += plain;
				break;
			}
			in += 16;
			out += 16;
		}
		if (end - in < 16)
			while (in < end && is_plain(*in))
				*out++ = *in++;
		while (in < end && !is_plain(*in))
			out = escape_one(out, &in, end);
	}
	return out;
}

/* Adds one record to what will be written. */
static void add(struct stream *stream, const uint8_t *line, uint32_t length, bool newline)
{
	uint32_t start = journal.length;
	uint8_t *out = journal.out + start;

	out = (uint8_t *)put_text((char *)out, "{\"log\":\"");
	out = escape(out, line, line + length);
	out = (uint8_t *)put_text((char *)out, newline ? "\\n\",\"stream\":\"std" : "\",\"stream\":\"std");
	out = (uint8_t *)put_text((char *)out, stream->number == 2 ? "err\",\"time\":\"" : "out\",\"time\":\"");
	memcpy(out, stream->stamp, stream->stamp_length);
	out = (uint8_t *)put_text((char *)out + stream->stamp_length, "\"}\n");
	journal.length = (uint32_t)(out - journal.out);
	if (journal.limit > 0 && journal.size + start > 0 && journal.size + journal.length > journal.limit)
		journal.rotate_at = start;
}

/* Says how many records are missing, in a record of its own. */
static void confess(void)
{
	struct stream stream = { .number = 2 };
	char text[160], *at = text;

	at = put_text(at, "caisson: ");
	at = put_number(at, journal.lost);
	at = put_text(at, " records lost here: the log could not be written: ");
	at = put_text(at, strerror(journal.error));
	stream.stamp_length = format_time(stream.stamp);
	add(&stream, (const uint8_t *)text, (uint32_t)(at - text), true);
	if (flush()) {
		journal.lost = 0;
	} else {
		drop();
		journal.lost--; /* this record itself */
	}
}

/* Takes the next piece: a whole line, or 16 KiB of a longer one, or with ALL what is left. Returns whether it did. */
static bool take(struct stream *stream, bool all, const char *stamp, uint8_t stamp_length)
{
	const uint8_t *line = stream->data + stream->begin;
	uint32_t length = stream->end - stream->begin;
	uint32_t within = length < LINE_SIZE ? length : LINE_SIZE;
	const uint8_t *newline = memchr(line, '\n', within);

	if (newline)
		length = (uint32_t)(newline - line);
	else if (within == LINE_SIZE || (all && length > 0))
		length = within;
	else
		return false;
	if (!stream->partial) {
		memcpy(stream->stamp, stamp, stamp_length);
		stream->stamp_length = stamp_length;
	}
	add(stream, line, length, newline != NULL);
	stream->partial = !newline;
	stream->begin += length + (newline != NULL);
	return true;
}

static void feed(struct stream *stream, bool all, int64_t now)
{
	char stamp[32];
	uint8_t stamp_length;

	if (journal.fd < 0) {
		stream->begin = stream->end = 0;
		return;
	}
	stamp_length = format_time(stamp);
	if (journal.lost > 0 && !log_held_up())
		confess();
	while (!log_held_up() && take(stream, all, stamp, stamp_length))
		if (journal.length >= BATCH_SIZE || journal.rotate_at != NEVER)
			settle(now);
	if (!log_held_up())
		settle(now);
	/* What is left is less than a piece, unless the log is held up; then nothing is read and it may stay. */
	if (log_held_up() || stream->begin == 0)
		return;
	stream->end -= stream->begin;
	memmove(stream->data, stream->data + stream->begin, stream->end);
	stream->begin = 0;
}

void log_feed(struct stream *stream, int64_t now)
{
	feed(stream, false, now);
}

void log_end(struct stream *stream, int64_t now)
{
	feed(stream, true, now);
}
