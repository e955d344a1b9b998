#define _GNU_SOURCE
#include "harness/tests/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "harness/tests/give_up.h"

/* Of process @name, "PID (COMMAND) STATE PARENT ..." in its stat file; false when it is gone. */
static bool state_of(const char *name, char *state, pid_t *parent)
{
    char path[64], line[256];
    (void)snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    const char *text = fgets(line, sizeof line, file), *behind = text ? strrchr(text, ')') : NULL;
    fclose(file);
    if (!behind || strlen(behind) <= 4)
        return false;
    *state = behind[2];
    *parent = (pid_t)strtol(behind + 4, NULL, 10);
    return true;
}

static int is_number(const struct dirent *entry)
{
    return isdigit((unsigned char)entry->d_name[0]);
}

size_t children_of(pid_t parent, pid_t *children, size_t room)
{
    struct dirent **list;
    size_t count = 0;
    int processes = scandir("/proc", &list, is_number, alphasort);
    if (processes < 0)
        give_up("/proc");
    for (int i = 0; i < processes; i++) {
        char state;
        pid_t its_parent;
        if (count < room && state_of(list[i]->d_name, &state, &its_parent) && its_parent == parent)
            children[count++] = (pid_t)strtol(list[i]->d_name, NULL, 10);
        free(list[i]);
    }
    free(list);
    return count;
}

bool process_lives(pid_t pid)
{
    char name[24], state;
    pid_t parent;
    (void)snprintf(name, sizeof name, "%d", (int)pid);
    return state_of(name, &state, &parent) && state != 'Z' && state != 'X';
}
