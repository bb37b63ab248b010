#!/usr/bin/perl
# look-at-executables PATH...: what can be done to each executable, a line each.
# look-at-executables watch: the same for /proc/PID/exe of whatever of the engine's it sees come and go, each line once.
#
# A line: PATH's target, its seals in hexadecimal (or `unsealed`), the errno of opening it for writing and for both, and of
# each attempt to change it by way of a descriptor that was opened for reading: opened anew, extended, cut off. `own` stands
# before it if the process is in a pid namespace below ours, `-` else.
use strict;
$| = 1;

my ($O_RDONLY, $O_WRONLY, $O_RDWR, $O_APPEND) = (0, 1, 2, 02000);
my ($F_GET_SEALS, $ESRCH) = (1034, 3);

# Its seals; undefined if it can't be sealed.
sub seals {
	my $seals = fcntl($_[0], $F_GET_SEALS, 0);
	return defined $seals ? $seals + 0 : undef;
}

# 0 if it can be opened and written to.
sub write_error {
	my ($path, $flags) = @_;
	sysopen(my $file, $path, $flags) or return $! + 0;
	# It has executed something else meanwhile: nothing of the machine's own is to be written to.
	return $ESRCH unless defined seals($file);
	# Where writing is allowed a byte more does no harm to whoever runs it.
	sysseek($file, 0, 2);
	return syswrite($file, 'x') ? 0 : $! + 0;
}

sub truncate_error {
	return truncate($_[0], 0) ? 0 : $! + 0;
}

sub describe {
	my ($path, $kind) = @_;
	sysopen(my $file, $path, $O_RDONLY) or return;
	my $again = '/proc/self/fd/' . fileno($file);
	# Of what is open: the process may execute something else at any moment.
	my $target = readlink($again) or return;
	my $seals = seals($file);
	# Nothing of the machine's own is to be tried: an unsealed executable is only shown.
	return "$kind $target unsealed" unless defined $seals;
	return join ' ', $kind, $target, sprintf('%x', $seals), write_error($path, $O_WRONLY), write_error($path, $O_RDWR),
		write_error($again, $O_WRONLY), write_error($again, $O_RDWR | $O_APPEND), truncate_error($again);
}

# Whether a process is in a pid namespace of its own: its status has a number for each.
sub namespace_of {
	open(my $status, '<', "/proc/$_[0]/status") or return '-';
	my ($numbers) = map { /^NSpid:(.*)/ ? $1 : () } <$status>;
	my @numbers = split ' ', $numbers // '';
	return @numbers > 1 ? 'own' : '-';
}

sub watch {
	my %seen;
	while (1) {
		opendir(my $proc, '/proc') or die "/proc: $!\n";
		for my $pid (grep { /^\d+$/ } readdir $proc) {
			my $path = "/proc/$pid/exe";
			next unless (readlink($path) // '') =~ m{^/memfd:caisson};
			my $line = describe($path, namespace_of($pid)) // next;
			next if $line !~ m{ /memfd:caisson} or $seen{$line}++;
			print "$line\n";
		}
	}
}

watch() if "@ARGV" eq 'watch';
print describe($_, '-') // 'gone', "\n" for @ARGV;
