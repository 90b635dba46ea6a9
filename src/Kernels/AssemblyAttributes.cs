using System.Runtime.CompilerServices;

// ILGPU's CPU back end generates code in an assembly of this name that calls our kernels.
[assembly: InternalsVisibleTo("ILGPURuntime")]
[module: SkipLocalsInit]
