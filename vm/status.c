#include "vm/status.h"

#include <stdarg.h>
#include <stdio.h>

enum px_status px_fail(struct px_error *err, enum px_status status, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
    }
    return status;
}

const char *px_status_name(enum px_status status)
{
    static const char *const names[] = {
        [PX_OK] = "ok",
        [PX_ERR_INPUT] = "bad input",
        [PX_ERR_NOMEM] = "out of memory",
        [PX_ERR_SYSTEM] = "system call failed",
        [PX_ERR_FULL] = "buffer full",
        [PX_UNSUPPORTED] = "unsupported",
        [PX_ERR_INTERNAL] = "internal error",
        [PX_ERR_LOST] = "helper process gone",
    };
    return (unsigned)status < sizeof names / sizeof names[0] ? names[status] : "unknown status";
}
