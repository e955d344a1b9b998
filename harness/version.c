#include "harness/version.h"

#ifndef PX_BUILD_ID
#define PX_BUILD_ID "unknown"
#endif

const char *px_build_id(void)
{
    return PX_BUILD_ID;
}
