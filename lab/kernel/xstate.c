/* Preloaded into User-mode Linux. Of a processor's extended state its kernel (6.1) knows 2,696 bytes, and Linux takes it
 * back by ptrace(2) only whole: on a processor that has more of it (AMX) the guest would not start. So what the guest
 * does not know stays as it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef long (*call_t)(enum __ptrace_request, pid_t, void *, void *);

long ptrace(enum __ptrace_request request, ...)
{
	static char whole[1 << 16]; /* the guest's kernel is one thread, on small stacks */
	static call_t next;
	va_list rest;

	va_start(rest, request);
	pid_t pid = va_arg(rest, pid_t);
	void *address = va_arg(rest, void *), *data = va_arg(rest, void *);
	va_end(rest);
	if (!next)
		next = (call_t)dlsym(RTLD_NEXT, "ptrace");
	if (request != PTRACE_SETREGSET || (long)address != NT_X86_XSTATE)
		return next(request, pid, address, data);
	struct iovec all = {whole, sizeof whole}, *known = data;
	if (next(PTRACE_GETREGSET, pid, address, &all) < 0)
		return -1;
	memcpy(whole, known->iov_base, known->iov_len < all.iov_len ? known->iov_len : all.iov_len);
	return next(PTRACE_SETREGSET, pid, address, &all);
}
