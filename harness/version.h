/* Which build this is. */
#ifndef PX_VERSION_H
#define PX_VERSION_H

/* The commit it was built from, as the build says; "unknown" outside a checkout. */
const char *px_build_id(void);

#endif
