// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * slip: a network interface whose wire nobody reads, so that a queue forms in front of it. Prints the interface's name;
 * after SIGUSR1 it reads the wire, and everything that was sent goes to stdout.
 */
#include <fcntl.h>
#include <linux/tty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The wire: a pseudo terminal with the line discipline of SLIP. Returns its other end. */
static int make_interface(void)
{
	int wire = posix_openpt(O_RDWR | O_NOCTTY), line, discipline = N_SLIP;
	struct termios raw;
	char name[64];

	if (wire < 0 || grantpt(wire) < 0 || unlockpt(wire) < 0)
		die("pty");
	line = open(ptsname(wire), O_RDWR | O_NOCTTY);
	if (line < 0 || tcgetattr(line, &raw) < 0)
		die("pty");
	cfmakeraw(&raw);
	if (tcsetattr(line, TCSANOW, &raw) < 0 || ioctl(line, TIOCSETD, &discipline) < 0 ||
	    ioctl(line, SIOCGIFNAME, name) < 0)
		die("slip");
	printf("%s\n", name);
	fflush(stdout);
	return wire;
}

int main(void)
{
	char buffer[4096];
	sigset_t go;
	ssize_t n;
	int wire, signal;

	sigemptyset(&go);
	sigaddset(&go, SIGUSR1);
	sigprocmask(SIG_BLOCK, &go, NULL);
	wire = make_interface();
	sigwait(&go, &signal);
	while ((n = read(wire, buffer, sizeof(buffer))) > 0)
		if (write(STDOUT_FILENO, buffer, n) != n)
			die("write");
	return 0;
}
