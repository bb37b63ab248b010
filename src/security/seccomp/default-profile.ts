/**
 * The seccomp profile of a container that asks for none.
 *
 * It allows what programs need and refuses, with EPERM, what is dangerous without a capability that the container
 * lacks, or of no use in a container. Its verdicts are Docker's for every call, architecture, capability set and
 * kernel, because images are made and tested against those; the test compares them. Groups are by what a call is for,
 * and each says why it is where it is.
 * @module
 */
import type { ProfileRule, RuleCondition, SeccompArgument, SeccompProfile } from "./types.ts";

/** A group of calls under one condition. */
export interface ProfileGroup {
  readonly why: string;
  /** Names, separated by white space. */
  readonly calls: string;
  /** Sets of arguments, any of which is let through; none means whatever the arguments. */
  readonly args?: readonly (readonly SeccompArgument[])[];
  readonly includes?: RuleCondition;
  readonly excludes?: RuleCondition;
  /** Refused with this errno instead of being allowed. */
  readonly errno?: number;
}

/** Allowed to everyone, whatever the arguments. */
const allowed: readonly ProfileGroup[] = [
  {
    why: "Reading and writing open files: the permission was checked when they were opened.",
    calls: `read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek close close_range
      dup dup2 dup3 fcntl fcntl64 ioctl flock fsync fdatasync sync syncfs sync_file_range ftruncate ftruncate64
      fallocate fadvise64 fadvise64_64 readahead sendfile sendfile64 splice tee vmsplice copy_file_range pipe pipe2`,
  },
  {
    why: "Files by name, guarded by the file system's permissions inside the container's own mount namespace.",
    calls: `open openat openat2 creat access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 fstatat64
      newfstatat statx statfs statfs64 fstatfs fstatfs64 readlink readlinkat getcwd chdir fchdir mkdir mkdirat rmdir
      link linkat symlink symlinkat unlink unlinkat rename renameat renameat2 truncate truncate64 getdents getdents64
      umask utime utimes futimesat utimensat utimensat_time64 name_to_handle_at`,
  },
  {
    why: "Owners, modes and device nodes: CAP_CHOWN, CAP_FOWNER, CAP_MKNOD and the device cgroup decide.",
    calls: `chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 mknod mknodat`,
  },
  {
    why: "Extended attributes: each namespace of names has its own check in the kernel.",
    calls: `getxattr getxattrat lgetxattr fgetxattr setxattr setxattrat lsetxattr fsetxattr listxattr listxattrat
      llistxattr flistxattr removexattr removexattrat lremovexattr fremovexattr`,
  },
  {
    why: "Watching files. fanotify_init, which makes the descriptor that fanotify_mark needs, is not here.",
    calls: "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark",
  },
  {
    why: "Asking what is mounted, within the caller's own namespace.",
    calls: "statmount listmount",
  },
  {
    why: "Waiting for descriptors.",
    calls: `select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl
      epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4`,
  },
  {
    why: "Asynchronous reading and writing. io_uring is not here: it runs calls that no filter sees.",
    calls: "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64",
  },
  {
    why: "The caller's own memory.",
    calls: `brk mmap mmap2 munmap mremap mprotect pkey_alloc pkey_free pkey_mprotect madvise mincore msync mlock mlock2
      mlockall munlock munlockall mseal map_shadow_stack memfd_create memfd_secret membarrier remap_file_pages
      cachestat process_mrelease`,
  },
  {
    why: "Processes and threads. clone and clone3 follow below, because they also make namespaces.",
    calls: `fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp setpgid
      getsid setsid pidfd_open set_tid_address set_robust_list get_robust_list rseq set_thread_area get_thread_area
      prctl restart_syscall uretprobe riscv_hwprobe`,
  },
  {
    why: "Locks between threads.",
    calls: "futex futex_time64 futex_wait futex_wake futex_requeue futex_waitv",
  },
  {
    why: "Signals, which reach no further than the PID namespace and the caller's user.",
    calls: `kill tkill tgkill pause alarm sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending rt_sigprocmask
      rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
      pidfd_send_signal`,
  },
  {
    why: "Users, groups and capabilities: only downwards, unless a capability says otherwise.",
    calls: `getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid
      getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32
      setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32
      capget capset`,
  },
  {
    why: "Sandboxes of a program's own: these can only take away.",
    calls: "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self",
  },
  {
    why: "Scheduling and limits: raising them needs CAP_SYS_NICE or CAP_SYS_RESOURCE anyway.",
    calls: `getpriority setpriority ioprio_get ioprio_set getrlimit ugetrlimit setrlimit prlimit64 getrusage getcpu
      sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
      sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
      sched_rr_get_interval_time64`,
  },
  {
    why: "Clocks and timers. Adjusting a clock is left to the kernel's check of CAP_SYS_TIME.",
    calls: `time times gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep
      clock_nanosleep_time64 clock_adjtime clock_adjtime64 adjtimex nanosleep getitimer setitimer timer_create
      timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create
      timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64`,
  },
  {
    why: "Sockets, in the container's own network namespace. socket itself follows below.",
    calls: `socketcall socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt
      shutdown send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64`,
  },
  {
    why: "System V and POSIX message queues, semaphores and shared memory, in the container's own IPC namespace.",
    calls: `ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
      mq_open mq_unlink mq_getsetattr mq_notify mq_timedreceive mq_timedreceive_time64 mq_timedsend
      mq_timedsend_time64`,
  },
  {
    why: "Facts about the machine that /proc shows too, and random numbers.",
    calls: "uname sysinfo getrandom",
  },
];

const nameSpaceFlags = 0x7e020000;
const is = (value: number): readonly SeccompArgument[] => [{ index: 0, value, op: "SCMP_CMP_EQ" }];
const noNamespaces = (index: number): readonly SeccompArgument[] => [
  { index, value: nameSpaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" },
];

/** Allowed for some arguments only. */
const byArgument: readonly ProfileGroup[] = [
  {
    why: "Every address family but AF_ALG (38) and AF_VSOCK (40): the one is the kernel's crypto code, seldom used and \
often broken, the other talks to the hypervisor past every network namespace.",
    calls: "socket",
    args: [
      [{ index: 0, value: 38, op: "SCMP_CMP_LT" }],
      is(39),
      [{ index: 0, value: 40, op: "SCMP_CMP_GT" }],
    ],
  },
  {
    why: "The personalities that ordinary programs have: PER_LINUX and PER_LINUX32, each also with UNAME26 (0x20000), \
and 0xffffffff, which only asks. Others switch off protections such as address randomisation.",
    calls: "personality",
    args: [is(0), is(8), is(0x20000), is(0x20008), is(0xffffffff)],
  },
  {
    why: "New processes, but without the flags that make namespaces: those open much kernel code to a caller who has \
every capability inside. CLONE_NEWCGROUP, UTS, IPC, USER, PID, NET and NS.",
    calls: "clone",
    args: [noNamespaces(0)],
    excludes: { caps: ["CAP_SYS_ADMIN"], arches: ["s390", "s390x"] },
  },
  {
    why: "The same where clone takes its flags as second argument.",
    calls: "clone",
    args: [noNamespaces(1)],
    includes: { arches: ["s390", "s390x"] },
    excludes: { caps: ["CAP_SYS_ADMIN"] },
  },
  {
    why: "Its flags lie in memory, out of a filter's sight. ENOSYS makes C libraries fall back to clone.",
    calls: "clone3",
    errno: 38,
    excludes: { caps: ["CAP_SYS_ADMIN"] },
  },
];

/** Calls that exist on some architectures only, and are needed there. */
const byArchitecture: readonly ProfileGroup[] = [
  { why: "Thread-local storage.", calls: "arch_prctl", includes: { arches: ["amd64", "x32"] } },
  {
    why: "Segments for 16-bit programs (Wine).",
    calls: "modify_ldt",
    includes: { arches: ["amd64", "x32", "x86"] },
  },
  {
    why: "ARM's private calls, and its order of arguments for two common ones.",
    calls: "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
    includes: { arches: ["arm", "arm64"] },
  },
  {
    why: "POWER's order of arguments, and its user contexts.",
    calls: "sync_file_range2 swapcontext",
    includes: { arches: ["ppc64le"] },
  },
  {
    why: "Device memory through its own instructions, and runtime instrumentation.",
    calls: "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr",
    includes: { arches: ["s390", "s390x"] },
  },
  {
    why: "Code that a program writes itself (JIT).",
    calls: "riscv_flush_icache",
    includes: { arches: ["riscv64"] },
  },
];

/** Debugging others, harmless since ptrace cannot be used to slip past a filter. */
const byKernel: readonly ProfileGroup[] = [
  {
    why: "Before 4.8 the filter ran ahead of the tracer, who could then change the call.",
    calls: "ptrace process_vm_readv process_vm_writev",
    includes: { minKernel: "4.8" },
  },
];

const withCapability = (capability: string, calls: string, why: string): ProfileGroup => ({
  why,
  calls,
  includes: { caps: [capability] },
});

/** Allowed to whoever was given the capability that the kernel asks for. */
const byCapability: readonly ProfileGroup[] = [
  withCapability(
    "CAP_SYS_ADMIN",
    `mount umount umount2 mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick quotactl quotactl_fd
    clone clone3 unshare setns sethostname setdomainname bpf perf_event_open fanotify_init lookup_dcookie syslog
    lsm_get_self_attr lsm_set_self_attr lsm_list_modules`,
    "Mounts, namespaces and what else the kernel put under its broadest capability.",
  ),
  withCapability(
    "CAP_DAC_READ_SEARCH",
    "open_by_handle_at",
    "Reaches any file of a file system, mounted here or not.",
  ),
  withCapability("CAP_SYS_BOOT", "reboot", "Restarting; in a PID namespace it ends the namespace."),
  withCapability("CAP_SYS_CHROOT", "chroot", "Another root directory."),
  withCapability("CAP_SYS_MODULE", "init_module finit_module delete_module", "Kernel modules."),
  withCapability("CAP_SYS_PACCT", "acct", "Process accounting, machine-wide."),
  withCapability(
    "CAP_SYS_PTRACE",
    "ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd",
    "Looking into other processes.",
  ),
  withCapability("CAP_SYS_RAWIO", "iopl ioperm", "Input and output ports."),
  withCapability("CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64", "The machine's clock."),
  withCapability("CAP_SYS_TTY_CONFIG", "vhangup", "Hanging up terminals."),
  withCapability(
    "CAP_SYS_NICE",
    "get_mempolicy set_mempolicy set_mempolicy_home_node mbind",
    "Which NUMA node memory comes from.",
  ),
  withCapability("CAP_SYSLOG", "syslog", "The kernel's log."),
  withCapability("CAP_BPF", "bpf", "Loading BPF programs."),
  withCapability("CAP_PERFMON", "perf_event_open", "Performance counters."),
];

/** Every group, in the order in which `caisson explain` lists them. */
export const defaultProfileGroups: readonly ProfileGroup[] = [
  ...allowed,
  ...byArgument,
  ...byArchitecture,
  ...byKernel,
  ...byCapability,
];

let made: SeccompProfile | undefined;

/** The default profile in Docker's form; always the same object. */
export function defaultProfile(): SeccompProfile {
  made ??= {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    // 32-bit programs run on 64-bit machines, where the kernel has kept their ABI.
    archMap: [
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
      { architecture: "SCMP_ARCH_MIPS64", subArchitectures: ["SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32"] },
      { architecture: "SCMP_ARCH_MIPS64N32", subArchitectures: ["SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64"] },
      { architecture: "SCMP_ARCH_MIPSEL64", subArchitectures: ["SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32"] },
      { architecture: "SCMP_ARCH_MIPSEL64N32", subArchitectures: ["SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64"] },
      { architecture: "SCMP_ARCH_S390X", subArchitectures: ["SCMP_ARCH_S390"] },
      { architecture: "SCMP_ARCH_RISCV64", subArchitectures: [] },
      { architecture: "SCMP_ARCH_LOONGARCH64", subArchitectures: [] },
    ],
    syscalls: defaultProfileGroups.flatMap(rulesOf),
  };
  return made;
}

function rulesOf({ calls, args, includes, excludes, errno }: ProfileGroup): ProfileRule[] {
  const rule: ProfileRule = {
    names: calls.trim().split(/\s+/),
    action: errno === undefined ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO",
    errnoRet: errno,
    includes,
    excludes,
  };
  return args === undefined ? [rule] : args.map((each) => ({ ...rule, args: each }));
}
