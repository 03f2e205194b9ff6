/* AMD SMI's C interface over a folder of text files, one a processor of one socket: the count of
 * its energy accumulator, in units of 15.3 µJ, or "lost". The library's other functions, which the
 * Python module looks up when it is imported, are made by the test and do nothing. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SUCCESS = 0, NO_DATA = 40 };

int amdsmi_init(uint64_t flags) { (void)flags; return SUCCESS; }

int amdsmi_get_socket_handles(uint32_t *count, void **sockets) {
    *count = 1;
    if (sockets) sockets[0] = (void *)1;
    return SUCCESS;
}

int amdsmi_get_processor_handles(void *socket, uint32_t *count, void **processors) {
    (void)socket;
    *count = (uint32_t)atoi(getenv("AMD_SMI_BENCH_BOARDS"));
    if (processors)
        for (uint32_t i = 0; i < *count; i++) processors[i] = (void *)(uintptr_t)(i + 1);
    return SUCCESS;
}

int amdsmi_get_energy_count(void *processor, uint64_t *units, float *unit_uj, uint64_t *time) {
    char path[512];
    snprintf(path, sizeof path, "%s/%d", getenv("AMD_SMI_BENCH"), (int)(uintptr_t)processor - 1);
    FILE *file = fopen(path, "r");
    if (!file) return NO_DATA;
    unsigned long long value;
    int read = fscanf(file, "%llu", &value);
    fclose(file);
    if (read < 1) return NO_DATA;
    *units = value;
    *unit_uj = 15.3f;
    *time = 0;
    return SUCCESS;
}
