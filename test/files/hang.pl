#!/usr/bin/perl
# hang NUMBER DIRECTORY: mounts a FUSE file system there that takes every request and answers none, so that whoever asks
# can't even be killed; NUMBER is mount's.
use strict;
my ($mount, $directory) = @ARGV;
$^F = 9;
sysopen(my $fuse, '/dev/fuse', 2) or die "/dev/fuse: $!\n";
# `syscall` takes no constants for texts.
my ($source, $type) = ('hang', 'fuse');
my $options = 'fd=' . fileno($fuse) . ',rootmode=40000,user_id=0,group_id=0,allow_other';
syscall($mount + 0, $source, $directory, $type, 0, $options) == 0 or die "mount: $!\n";
while (sysread($fuse, my $request, 1 << 17)) {
    # struct fuse_in_header; only FUSE_INIT is answered, by version 7.31 with a max_write of 4096.
    my (undef, $opcode, $unique) = unpack('LLQ', $request);
    next unless $opcode == 26;
    my $answer = pack('LLLLSSLLSSLx28', 7, 31, 0, 0, 0, 0, 4096, 0, 0, 0, 0);
    syswrite($fuse, pack('LlQ', 16 + length($answer), 0, $unique) . $answer) or die "answer: $!\n";
}
