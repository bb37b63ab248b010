#!/usr/bin/perl
# activate PATH PORT PROGRAM [ARG...]: as systemd does it (sd_listen_fds(3)), a unix and a TCP socket, opened here, are
# descriptors 3 and 4 of a program.
use strict;
$^F = 4;
my ($path, $port, @program) = @ARGV;
my ($AF_UNIX, $AF_INET, $SOCK_STREAM) = (1, 2, 1);
socket(my $first, $AF_UNIX, $SOCK_STREAM, 0) and socket(my $second, $AF_INET, $SOCK_STREAM, 0) or die "socket: $!\n";
fileno($first) == 3 and fileno($second) == 4 or die "the sockets are not descriptors 3 and 4\n";
bind($first, pack('S a108', $AF_UNIX, $path)) and listen($first, 64)
	and bind($second, pack('S n C4 x8', $AF_INET, $port, 127, 0, 0, 1)) and listen($second, 64)
	or die "bind: $!\n";
@ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, 2, 'api:network');
exec { $program[0] } @program or die "$program[0]: $!\n";
