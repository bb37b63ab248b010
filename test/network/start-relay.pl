#!/usr/bin/perl
# start-relay NATIVE-BINARY RESOLVER-SOCKET CONTAINER-ID: binds the sockets of a container's resolver in this network
# namespace and becomes the relay behind them, which has them as its descriptors 3 and 4.
use strict;
$^F = 4;
my ($native, $resolver, $id) = @ARGV;
my ($AF_INET, $SOCK_STREAM, $SOCK_DGRAM, $SOL_SOCKET, $SO_REUSEADDR) = (2, 1, 2, 1, 2);
my $here = pack('S n C4 x8', $AF_INET, 53, 127, 0, 0, 11);
socket(my $udp, $AF_INET, $SOCK_DGRAM, 0) and socket(my $tcp, $AF_INET, $SOCK_STREAM, 0) or die "socket: $!\n";
fileno($udp) == 3 and fileno($tcp) == 4 or die "the sockets are not descriptors 3 and 4\n";
setsockopt($tcp, $SOL_SOCKET, $SO_REUSEADDR, 1) and bind($udp, $here) and bind($tcp, $here) and listen($tcp, 128)
	or die "bind 127.0.0.11:53: $!\n";
exec { $native } 'caisson-relay', $resolver, $id or die "$native: $!\n";
