/**
 * System calls, each with arguments that do no harm wherever it is allowed.
 * @module
 */
import { nativeArch } from "../../src/kernel/mod.ts";
import { callNumber } from "../support/scripts.ts";

/** A line: the call (or a name for this use of it and the call), and its arguments; what is missing is 0. */
const everywhere = `
acct 1
add_key 0 0 0 0 0
bpf -1 0 0
clock_settime -1 0
clone(CLONE_NEWUSER) = clone 268435968 0 0 0 0
clone3 0 0
delete_module 0 0
fanotify_init -1 -1
finit_module -1 0 0
fsconfig -1 0 0 0 0
fsmount -1 0 0
fsopen 0 -1
fspick -1 0 -1
get_mempolicy 0 0 0 0 -1
init_module 0 0 0
io_uring_enter -1 0 0 0 0 0
io_uring_register -1 0 0 0
io_uring_setup 0 0
kcmp -1 -1 -1 0 0
kexec_load 0 0 0 -1
keyctl -1 0 0 0 0
mbind 0 0 -1 0 0 0
mount 0 0 0 0 0
mount_setattr -1 0 -1 0 0
move_mount -1 0 -1 0 -1
move_pages -1 0 0 0 0 -1
open_by_handle_at -1 0 0
open_tree -1 0 -1
perf_event_open 0 0 0 -1 0
personality(ADDR_NO_RANDOMIZE) = personality 262144
pidfd_getfd -1 0 -1
pivot_root 0 0
process_madvise -1 0 0 0 -1
quotactl -1 0 0 0
reboot 0 0 0 0
request_key 0 0 0 0
set_mempolicy -1 0 0
setdomainname 0 -1
sethostname 0 -1
setns -1 0
settimeofday 0 0
socket(AF_ALG) = socket 38 -1 -1
socket(AF_VSOCK) = socket 40 -1 -1
swapoff 0
swapon 0 -1
syslog -1 0 0
umount2 0 -1
unshare 0
userfaultfd -1
capget 0 0
capset 0 0
chroot 0
close_range 1 0 0
clone(CLONE_SIGHAND) = clone 2048 0 0 0 0
epoll_create1 -1
flock -1 0
getcwd 0 0
io_setup 0 0
landlock_create_ruleset 0 0 -1
memfd_create 0 0
mknodat -1 0 0 0
mlock 0 0
name_to_handle_at -1 0 0 0 -1
openat2 -1 0 0 0
personality(PER_LINUX32) = personality 8
pidfd_open -1 0
prctl -1 0 0 0 0
process_vm_readv -1 0 0 0 0 -1
ptrace -1 -1 0 0
rename 0 0
sched_setattr -1 0 0
seccomp -1 0 0
socket(AF_NETLINK) = socket 16 -1 -1
statx -1 0 -1 0 0
timer_create -1 0 0
`;

const onX86 = `
ioperm -1 0 0
iopl 0
sysfs -1 0 0
ustat 0 0
vhangup 0
arch_prctl -1 0
modify_ldt -1 0 0
`;

/** What system-calls.pl reads: name, number, six arguments. */
export function systemCalls(): string {
  const lines = `${everywhere}${nativeArch() === "x86_64" ? onX86 : ""}`.trim().split(/\n+/);
  return lines
    .map((line) => {
      const [, name = "", call = name, rest = ""] = /^(\S+)(?: = (\S+))?(.*)$/.exec(line) ?? [];
      const given = rest.trim().split(/ +/);
      const six = Array.from({ length: 6 }, (_, i) => given[i] ?? "0");
      return `${name} ${callNumber(call)} ${six.join(" ")}\n`;
    })
    .join("");
}
