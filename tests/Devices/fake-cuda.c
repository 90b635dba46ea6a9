/*
 * A CUDA driver with no GPU behind it: memory is the host's, kernels are taken and not run. What is asked of streams and graphs it keeps to
 * the rules of the real driver (CUDA driver API, Stream Management and Graph Management), and writes each call into the file that
 * FAKE_CUDA_LOG names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

typedef struct { int capturing, broken, nodes; } Stream;
typedef struct { int nodes; } Graph;

enum { SUCCESS = 0, INVALID_VALUE = 1, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, CAPTURE_IMPLICIT = 906 };

static Stream *captured;
static FILE *out;

static void note(const char *call, long number)
{
    if (!out && getenv("FAKE_CUDA_LOG")) out = fopen(getenv("FAKE_CUDA_LOG"), "w");
    if (out) fprintf(out, "%s %ld\n", call, number), fflush(out);
}

/* Work on a stream: kept if the stream is being captured; on the driver's own stream, which waits for all others, it ends a capture. */
static int work(const char *call, Stream *stream, int *runs)
{
    note(call, stream ? stream->capturing : -1);
    *runs = !(stream && stream->capturing);
    if (stream && stream->capturing) stream->nodes++;
    if (!stream && captured) return captured->broken = 1, CAPTURE_IMPLICIT;
    return SUCCESS;
}

static int waiting(const char *call)
{
    note(call, captured != 0);
    if (captured) return captured->broken = 1, CAPTURE_UNSUPPORTED;
    return SUCCESS;
}

API int cuInit(unsigned flags) { return SUCCESS; }
API int cuDriverGetVersion(int *version) { *version = 12040; return SUCCESS; }
API int cuDeviceGetCount(int *count) { *count = 1; return SUCCESS; }
API int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return SUCCESS; }
API int cuDeviceGetName(char *name, int length, int device) { strncpy(name, "Fake GPU", length); return SUCCESS; }
API int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = 1L << 33; return SUCCESS; }
API int cuDeviceCanAccessPeer(int *can, int a, int b) { *can = 0; return SUCCESS; }

API int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    switch (attribute) {
    case 1: case 2: case 3: *value = 1024; break;              /* threads of a block */
    case 4: *value = 64; break;
    case 5: *value = 2147483647; break;                        /* blocks of a grid */
    case 6: case 7: *value = 65535; break;
    case 8: *value = 49152; break;                             /* shared memory of a block */
    case 9: *value = 65536; break;
    case 10: *value = 32; break;                               /* a warp */
    case 12: case 82: *value = 65536; break;                   /* registers */
    case 16: *value = 132; break;                              /* multiprocessors */
    case 39: *value = 2048; break;
    case 75: *value = 9; break;                                /* compute capability 9.0 */
    case 76: *value = 0; break;
    case 81: *value = 233472; break;
    default: *value = 1; break;
    }
    return SUCCESS;
}

API int cuCtxCreate_v2(void **context, unsigned flags, int device) { *context = context; return SUCCESS; }
API int cuCtxDestroy_v2(void *context) { return SUCCESS; }
API int cuCtxSetCurrent(void *context) { return SUCCESS; }
API int cuCtxSynchronize(void) { return waiting("wait"); }
API int cuCtxGetCacheConfig(int *config) { *config = 0; return SUCCESS; }
API int cuCtxGetSharedMemConfig(int *config) { *config = 0; return SUCCESS; }
API int cuPointerGetAttribute(void *to, int attribute, void *pointer) { return INVALID_VALUE; }

API int cuMemGetInfo_v2(size_t *free, size_t *total) { *free = *total = 1L << 33; return SUCCESS; }
API int cuMemAlloc_v2(void **memory, size_t bytes) { *memory = calloc(1, bytes); note("allocate", bytes); return SUCCESS; }
API int cuMemFree_v2(void *memory) { free(memory); return SUCCESS; }
API int cuMemAllocHost_v2(void **memory, size_t bytes) { *memory = calloc(1, bytes); return SUCCESS; }
API int cuMemFreeHost(void *memory) { free(memory); return SUCCESS; }
API int cuMemHostRegister_v2(void *memory, size_t bytes, int flags) { note("lock", bytes); return SUCCESS; }
API int cuMemHostUnregister(void *memory) { note("unlock", 0); return SUCCESS; }
API int cuMemHostGetDevicePointer_v2(void **device, void *host, int flags) { *device = host; return SUCCESS; }

API int cuMemcpyAsync(void *to, const void *from, size_t bytes, Stream *stream)
{
    int runs, error = work("copy", stream, &runs);
    if (!error && runs) memmove(to, from, bytes);
    return error;
}

API int cuMemsetD8Async(void *to, unsigned char value, size_t bytes, Stream *stream)
{
    int runs, error = work("set", stream, &runs);
    if (!error && runs) memset(to, value, bytes);
    return error;
}

API int cuModuleLoadData(void **module, const char *text) { note("load", captured != 0); *module = module; return SUCCESS; }
API int cuModuleLoadDataEx(void **module, const char *text, int count, void *options, void *values) { return cuModuleLoadData(module, text); }
API int cuModuleGetFunction(void **function, void *module, const char *name) { *function = function; return SUCCESS; }
API int cuModuleUnload(void *module) { return SUCCESS; }
API int cuOccupancyMaxPotentialBlockSize(int *grid, int *block, void *function, void *shared, size_t bytes, int limit) { *grid = 264; *block = 256; return SUCCESS; }
API int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *function, int size, size_t bytes) { *blocks = 2; return SUCCESS; }

API int cuLaunchKernel(void *function, int gx, int gy, int gz, int bx, int by, int bz, int shared, Stream *stream, void **arguments, void **extra)
{
    int runs;
    if (gx < 1 || gy < 1 || gz < 1 || bx < 1 || by < 1 || bz < 1 || bx * by * bz > 1024) return INVALID_VALUE;
    return work("launch", stream, &runs);
}

API int cuStreamCreate(Stream **stream, int flags) { *stream = calloc(1, sizeof **stream); return SUCCESS; }
API int cuStreamDestroy_v2(Stream *stream) { free(stream); return SUCCESS; }
API int cuStreamSynchronize(Stream *stream) { return waiting("wait"); }

API int cuEventCreate(void **event, int flags) { *event = event; return SUCCESS; }
API int cuEventDestroy_v2(void *event) { return SUCCESS; }
API int cuEventRecord(void *event, Stream *stream) { return SUCCESS; }
API int cuEventQuery(void *event) { return SUCCESS; }
API int cuEventSynchronize(void *event) { return waiting("wait"); }
API int cuEventElapsedTime(float *milliseconds, void *start, void *end) { *milliseconds = 1; return SUCCESS; }

API int cuStreamBeginCapture_v2(Stream *stream, int mode)
{
    note("begin-capture", mode);
    if (!stream || captured) return CAPTURE_UNSUPPORTED;
    *stream = (Stream){ .capturing = 1 };
    captured = stream;
    return SUCCESS;
}

API int cuStreamEndCapture(Stream *stream, Graph **graph)
{
    note("end-capture", stream->nodes);
    captured = 0;
    stream->capturing = 0;
    if (stream->broken) return *graph = 0, CAPTURE_INVALIDATED;
    *graph = malloc(sizeof **graph);
    (*graph)->nodes = stream->nodes;
    return SUCCESS;
}

API int cuGraphInstantiateWithFlags(Graph **executable, Graph *graph, unsigned long long flags)
{
    if (!graph || flags) return INVALID_VALUE;
    *executable = malloc(sizeof **executable);
    **executable = *graph;
    return SUCCESS;
}

API int cuGraphLaunch(Graph *executable, Stream *stream) { note("launch-graph", executable->nodes); return SUCCESS; }
API int cuGraphDestroy(Graph *graph) { note("free-graph", 0); free(graph); return SUCCESS; }
API int cuGraphExecDestroy(Graph *executable) { note("free-executable", 0); free(executable); return SUCCESS; }

API int cuGetErrorName(int error, const char **name)
{
    *name = error == CAPTURE_UNSUPPORTED ? "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED" : error == CAPTURE_INVALIDATED ? "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"
        : error == CAPTURE_IMPLICIT ? "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT" : "CUDA_ERROR_INVALID_VALUE";
    return SUCCESS;
}

API int cuGetErrorString(int error, const char **text) { return cuGetErrorName(error, text); }
