#!/usr/bin/perl
# sctp serve ADDRESS PORT: tells each client of SCTP (sctp(7)) what it said, as whom it is seen and at which port.
# sctp ask ADDRESS PORT WORD: says a word, prints the answer.
use strict;
my ($what, $address, $port, $word) = @ARGV;
my ($AF_INET, $SOCK_STREAM, $IPPROTO_SCTP) = (2, 1, 132);
my $there = pack('S n C4 x8', $AF_INET, $port, split(/\./, $address));
my $reader = sub { my (undef, $port, @bytes) = unpack('S n C4', $_[0]); join('.', @bytes) };
$| = 1;
socket(my $socket, $AF_INET, $SOCK_STREAM, $IPPROTO_SCTP) or die "socket: $!\n";
if ($what eq 'serve') {
    bind($socket, $there) and listen($socket, 16) or die "bind: $!\n";
    print "serving\n";
    while (my $from = accept(my $client, $socket)) {
        sysread($client, my $said, 1024);
        syswrite($client, "$said from " . $reader->($from) . " at $port");
        close($client);
    }
    die "accept: $!\n";
}
$SIG{ALRM} = sub { die "silence\n" };
alarm(120);
connect($socket, $there) or die "connect: $!\n";
syswrite($socket, $word) or die "write: $!\n";
sysread($socket, my $answer, 1024) or die "no answer: $!\n";
print $answer;
