/* Makes each system call of a table once, with arguments that do no harm wherever it is allowed, and prints its name and
 * errno (0: none). */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NEW_USER = 0x10000000, SHARE_FS = 0x200, SHARE_SIGNALS = 0x800, ALG = 38, NETLINK = 16, VSOCK = 40, NONE = -1 };

#define CALL(name, ...) { #name, SYS_##name, { __VA_ARGS__ } }
#define CALL_AS(label, name, ...) { label, SYS_##name, { __VA_ARGS__ } }

static const struct {
	const char *name;
	long number, argument[6];
} calls[] = {
	/* Refused by Docker's profile. */
	CALL(acct, 1),
	CALL(add_key, 0, 0, 0, 0, 0),
	CALL(bpf, NONE, 0, 0),
	CALL(clock_settime, NONE, 0),
	CALL_AS("clone(CLONE_NEWUSER)", clone, NEW_USER | SHARE_FS, 0, 0, 0, 0),
	CALL(clone3, 0, 0),
	CALL(delete_module, 0, 0),
	CALL(fanotify_init, NONE, NONE),
	CALL(finit_module, NONE, 0, 0),
	CALL(fsconfig, NONE, 0, 0, 0, 0),
	CALL(fsmount, NONE, 0, 0),
	CALL(fsopen, 0, NONE),
	CALL(fspick, NONE, 0, NONE),
	CALL(get_mempolicy, 0, 0, 0, 0, NONE),
	CALL(init_module, 0, 0, 0),
	CALL(io_uring_enter, NONE, 0, 0, 0, 0, 0),
	CALL(io_uring_register, NONE, 0, 0, 0),
	CALL(io_uring_setup, 0, 0),
	CALL(kcmp, NONE, NONE, NONE, 0, 0),
	CALL(kexec_load, 0, 0, 0, NONE),
	CALL(keyctl, NONE, 0, 0, 0, 0),
	CALL(mbind, 0, 0, NONE, 0, 0, 0),
	CALL(mount, 0, 0, 0, 0, 0),
	CALL(mount_setattr, NONE, 0, NONE, 0, 0),
	CALL(move_mount, NONE, 0, NONE, 0, NONE),
	CALL(move_pages, NONE, 0, 0, 0, 0, NONE),
	CALL(open_by_handle_at, NONE, 0, 0),
	CALL(open_tree, NONE, 0, NONE),
	CALL(perf_event_open, 0, 0, 0, NONE, 0),
	CALL_AS("personality(ADDR_NO_RANDOMIZE)", personality, 0x0040000),
	CALL(pidfd_getfd, NONE, 0, NONE),
	CALL(pivot_root, 0, 0),
	CALL(process_madvise, NONE, 0, 0, 0, NONE),
	CALL(quotactl, NONE, 0, 0, 0),
	CALL(reboot, 0, 0, 0, 0),
	CALL(request_key, 0, 0, 0, 0),
	CALL(set_mempolicy, NONE, 0, 0),
	CALL(setdomainname, 0, NONE),
	CALL(sethostname, 0, NONE),
	CALL(setns, NONE, 0),
	CALL(settimeofday, 0, 0),
	CALL_AS("socket(AF_ALG)", socket, ALG, NONE, NONE),
	CALL_AS("socket(AF_VSOCK)", socket, VSOCK, NONE, NONE),
	CALL(swapoff, 0),
	CALL(swapon, 0, NONE),
	CALL(syslog, NONE, 0, 0),
	CALL(umount2, 0, NONE),
	CALL(unshare, 0),
	CALL(userfaultfd, NONE),
#ifdef __x86_64__
	CALL(ioperm, NONE, 0, 0),
	CALL(iopl, 0),
	CALL(sysfs, NONE, 0, 0),
	CALL(ustat, 0, 0),
	CALL(vhangup, 0),
#endif
	/* Allowed. */
	CALL(capget, 0, 0),
	CALL(capset, 0, 0),
	CALL(chroot, 0),
	CALL(close_range, 1, 0, 0),
	CALL_AS("clone(CLONE_SIGHAND)", clone, SHARE_SIGNALS, 0, 0, 0, 0),
	CALL(epoll_create1, NONE),
	CALL(flock, NONE, 0),
	CALL(getcwd, 0, 0),
	CALL(io_setup, 0, 0),
	CALL(landlock_create_ruleset, 0, 0, NONE),
	CALL(memfd_create, 0, 0),
	CALL(mknodat, NONE, 0, 0, 0),
	CALL(mlock, 0, 0),
	CALL(name_to_handle_at, NONE, 0, 0, 0, NONE),
	CALL(openat2, NONE, 0, 0, 0),
	CALL_AS("personality(PER_LINUX32)", personality, 8),
	CALL(pidfd_open, NONE, 0),
	CALL(prctl, NONE, 0, 0, 0, 0),
	CALL(process_vm_readv, NONE, 0, 0, 0, 0, NONE),
	CALL(ptrace, NONE, NONE, 0, 0),
	CALL(rename, 0, 0),
	CALL(sched_setattr, NONE, 0, 0),
	CALL(seccomp, NONE, 0, 0),
	CALL_AS("socket(AF_NETLINK)", socket, NETLINK, NONE, NONE),
	CALL(statx, NONE, 0, NONE, 0, 0),
	CALL(timer_create, NONE, 0, 0),
#ifdef __x86_64__
	CALL(arch_prctl, NONE, 0),
	CALL(modify_ldt, NONE, 0, 0),
#endif
};

int main(void)
{
	for (unsigned long i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const long *argument = calls[i].argument;
		long result = syscall(calls[i].number, argument[0], argument[1], argument[2], argument[3], argument[4],
				      argument[5]);
		printf("%s %d\n", calls[i].name, result < 0 ? errno : 0);
	}
	return 0;
}
