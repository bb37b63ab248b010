/* hang DIRECTORY: mounts a FUSE file system there that never answers. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char options[100];
	int fuse = open("/dev/fuse", O_RDWR);
	if (argc != 2 || fuse < 0)
		return 2;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
	if (mount("hang", argv[1], "fuse", 0, options) < 0) {
		perror("mount");
		return 1;
	}
	for (;;)
		pause();
}
