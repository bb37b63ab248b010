#!/usr/bin/perl
# system-calls: makes each system call of its standard input once, and prints its name and errno (0: none). A line: name,
# number, arguments.
use strict;
$| = 1;
while (my $line = <STDIN>) {
	my ($name, $number, @arguments) = split ' ', $line;
	$! = 0;
	my $result = syscall($number, map { int } @arguments);
	print $name, ' ', ($result == -1 ? $! + 0 : 0), "\n";
}
