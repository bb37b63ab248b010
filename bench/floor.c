/*
 * The kernel's floor: what a container costs if nothing but the kernel's own work is done. A loop makes it, executes
 * /bin/true in it and awaits the end: five namespaces (six with -u), overlay over one lower directory with fresh
 * upper and work directories, proc, dev with its devices, sysfs, devpts, shm, mqueue, pivot_root.
 *
 *   floor [-u] [-c NAME] COUNT ROOTFS SCRATCH
 *
 * -u adds a user namespace with a range of ids and an idmapped lower directory, -c a cgroup NAME in each hierarchy of
 * version 1. Prints for each container two times in microseconds: from start to exit, and the whole of it with making
 * and removing directories and cgroups. No seccomp, no capabilities, no masked paths, no output: what those cost is
 * the engine's to answer for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RANGE 0x70000000u

static int with_user, hierarchies;
static const char *cgroup, *rootfs;
static char upper[4096], work[4096];
static char hierarchy[16][4400];

static void check(long result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  check(fd, path);
  check(write(fd, text, strlen(text)), path);
  close(fd);
}

static double microseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

/* Sends two descriptors, or receives them. */
static void pass(int socket, int fds[2], int receive) {
  char byte = 0, control[CMSG_SPACE(2 * sizeof(int))] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (receive) {
    check(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 ? 0 : -1, "receive the mounts");
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), 2 * sizeof(int));
    return;
  }
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(header), fds, 2 * sizeof(int));
  check(sendmsg(socket, &message, 0), "pass the mounts");
}

static int fs_open(const char *type) {
  int fd = syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  check(fd, type);
  return fd;
}

static void fs_set(int fd, const char *key, const char *value) {
  check(syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, key, value, 0), key);
}

static int fs_mount(int fd, unsigned attributes) {
  check(syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, 0, 0, 0), "create a file system");
  int mount = syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes);
  check(mount, "fsmount");
  close(fd);
  return mount;
}

static int make_root(pid_t pid) {
  int layer = syscall(SYS_open_tree, AT_FDCWD, rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  check(layer, rootfs);
  if (with_user) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    int user = open(path, O_RDONLY | O_CLOEXEC);
    check(user, path);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .propagation = MS_PRIVATE, .userns_fd = user};
    check(syscall(SYS_mount_setattr, layer, "", AT_EMPTY_PATH, &attributes, sizeof attributes), "idmap the layer");
    close(user);
  }
  char lower[64];
  snprintf(lower, sizeof lower, "/proc/self/fd/%d", layer);
  int context = fs_open("overlay");
  fs_set(context, "lowerdir", lower);
  fs_set(context, "upperdir", upper);
  fs_set(context, "workdir", work);
  int root = fs_mount(context, 0);
  close(layer);
  return root;
}

static int make_dev(uid_t owner) {
  static const struct { const char *name; int major, minor; } devices[] = {
      {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
  static const char *links[][2] = {{"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
                                   {"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"}, {"pts/ptmx", "ptmx"}};
  char id[16];
  snprintf(id, sizeof id, "%u", owner);
  int context = fs_open("tmpfs");
  fs_set(context, "mode", "755");
  fs_set(context, "size", "65536k");
  fs_set(context, "uid", id);
  fs_set(context, "gid", id);
  int dev = fs_mount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
    check(mknodat(dev, devices[i].name, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)), "mknod");
    check(fchownat(dev, devices[i].name, owner, owner, 0), "chown");
  }
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) check(symlinkat(links[i][0], dev, links[i][1]), "symlink");
  return dev;
}

static void in_container(int socket) {
  int fds[2];
  for (int i = 0; i < hierarchies; i++) {
    char path[4608];
    snprintf(path, sizeof path, "%.4000s/tasks", hierarchy[i]);
    put(path, "0");
  }
  pass(socket, fds, 1);
  if (with_user) check(setresgid(0, 0, 0) | setresuid(0, 0, 0), "become root");
  check(mount(0, "/", 0, MS_REC | MS_PRIVATE, 0), "make / private");
  check(syscall(SYS_move_mount, fds[0], "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "attach the root");
  check(fchdir(fds[0]), "enter the root");
  const unsigned strict = MS_NOSUID | MS_NOEXEC | MS_NODEV;
  check(mount("proc", "proc", "proc", strict, 0), "mount proc");
  check(syscall(SYS_move_mount, fds[1], "", AT_FDCWD, "dev", MOVE_MOUNT_F_EMPTY_PATH), "mount dev");
  check(mkdir("dev/pts", 0755) | mkdir("dev/shm", 01777) | mkdir("dev/mqueue", 0755), "make directories in dev");
  check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"), "mount devpts");
  check(mount("sysfs", "sys", "sysfs", strict | MS_RDONLY, 0), "mount sys");
  check(mount("shm", "dev/shm", "tmpfs", strict, "mode=1777,size=65536k"), "mount shm");
  check(mount("mqueue", "dev/mqueue", "mqueue", strict, 0), "mount mqueue");
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "detach the old root");
  check(chdir("/"), "go to /");
  execl("/bin/true", "true", (char *)0);
  check(-1, "execute /bin/true");
}

static void run(void) {
  int sockets[2];
  check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), "socketpair");
  struct clone_args arguments = {
      .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | (with_user ? CLONE_NEWUSER : 0),
      .exit_signal = SIGCHLD};
  pid_t pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  check(pid, "clone3");
  if (pid == 0) {
    close(sockets[0]);
    in_container(sockets[1]);
  }
  close(sockets[1]);
  if (with_user) {
    static const char *const maps[] = {"uid_map", "gid_map"};
    char path[64], map[64];
    snprintf(map, sizeof map, "0 %u 65536\n", RANGE);
    for (int i = 0; i < 2; i++) {
      snprintf(path, sizeof path, "/proc/%d/%s", pid, maps[i]);
      put(path, map);
    }
  }
  int fds[2] = {make_root(pid), make_dev(with_user ? RANGE : 0)}, status;
  pass(sockets[0], fds, 0);
  close(fds[0]);
  close(fds[1]);
  close(sockets[0]);
  check(waitpid(pid, &status, 0), "wait");
  if (status != 0) {
    fprintf(stderr, "the container ended with status %d\n", status);
    exit(1);
  }
}

/* The hierarchies of version 1 that are mounted here. */
static void find_hierarchies(void) {
  FILE *mounts = fopen("/proc/self/mounts", "re");
  char line[4096], path[128], type[32];
  check(mounts ? 0 : -1, "read the mounts");
  while (hierarchies < 16 && fgets(line, sizeof line, mounts))
    if (sscanf(line, "%*s %127s %31s", path, type) == 2 && strcmp(type, "cgroup") == 0)
      snprintf(hierarchy[hierarchies++], sizeof hierarchy[0], "%s/%s", path, cgroup);
  fclose(mounts);
}

static void make_cgroups(void) {
  for (int i = 0; i < hierarchies; i++) {
    check(mkdir(hierarchy[i], 0755), hierarchy[i]);
    if (strstr(hierarchy[i], "/cpuset/")) {
      /* A new CPU set is empty and takes nobody: it gets what its parent has. */
      static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
      for (int f = 0; f < 2; f++) {
        char path[4608], value[256] = "";
        snprintf(path, sizeof path, "%.4000s/../%s", hierarchy[i], files[f]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        check(fd, path);
        check(read(fd, value, sizeof value - 1), path);
        close(fd);
        snprintf(path, sizeof path, "%.4000s/%s", hierarchy[i], files[f]);
        put(path, value);
      }
    }
  }
}

int main(int argc, char **argv) {
  for (int option; (option = getopt(argc, argv, "uc:")) != -1;) {
    if (option == 'u') with_user = 1;
    else if (option == 'c') cgroup = optarg;
    else return 2;
  }
  if (argc - optind != 3) return fprintf(stderr, "floor [-u] [-c NAME] COUNT ROOTFS SCRATCH\n"), 2;
  int count = atoi(argv[optind]);
  rootfs = argv[optind + 1];
  const char *scratch = argv[optind + 2];
  if (cgroup) find_hierarchies();
  umask(0);
  for (int i = 0; i < count; i++) {
    char inner[4200];
    snprintf(upper, sizeof upper, "%s/upper%d", scratch, i);
    snprintf(work, sizeof work, "%s/work%d", scratch, i);
    snprintf(inner, sizeof inner, "%s/work", work);
    double made = microseconds();
    check(mkdir(upper, 0755) | mkdir(work, 0755), "make upper and work");
    if (with_user) check(chown(upper, RANGE, RANGE), "chown upper");
    double started = microseconds();
    make_cgroups();
    run();
    double ended = microseconds();
    for (int h = 0; h < hierarchies; h++) check(rmdir(hierarchy[h]), hierarchy[h]);
    check(rmdir(upper), "remove upper");
    check(rmdir(inner) | rmdir(work), "remove work");
    printf("%.0f %.0f\n", ended - started, microseconds() - made);
  }
  return 0;
}
