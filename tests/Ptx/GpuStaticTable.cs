using System.Reflection;
using System.Text;
using GpuConv.Kernels;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>A GPU as far as a roofline needs it.</summary>
internal sealed record Gpu(string Name, double Flops, double TensorFlops, double BytesPerSecond)
{
    /// <summary>Peaks in float32, on tensor cores in TF32 (dense; 0: none), and of memory, from the makers' specification sheets; of the H100 the SXM form's.</summary>
    public static readonly Gpu[] All = [new("H100", 66.9e12, 494.7e12, 3.35e12), new("1660 Ti", 5.4e12, 0, 288e9)];

    public double Seconds(long flops, double bytes, bool onTensorCores = false) => Math.Max(flops / (onTensorCores ? TensorFlops : Flops), bytes / BytesPerSecond);
}

/// <summary>What is known of the GPU's kernels without a GPU, as <c>bench/gpu-static.md</c>: <c>eng/gpu-static</c> writes it.</summary>
internal static class GpuStaticTable
{
    private const int InterpretedBatch = 8;

    private static readonly int[] Batches = [64, 4096];

    public static string Create()
    {
        Dictionary<GpuKernel, AssembledKernel>[] assembled = [.. KernelPtx.Architectures.Select(a => KernelCatalog.For(a).Zip(Assembler.For(a)).ToDictionary(k => k.First, k => k.Second))];
        (RecordedLaunch Launch, PtxCounts Counts)[] interpreted =
        [
            .. StepLaunches.Interpret(InterpretedBatch, batchNormalization: true), .. StepLaunches.Interpret(InterpretedBatch, batchNormalization: false),
            .. StepLaunches.Interpret(InterpretedBatch, batchNormalization: false, MathMode.Tf32),
        ];
        ILookup<MethodInfo, PtxCounts> counts = interpreted.ToLookup(i => i.Launch.Kernel, i => i.Counts);
        var text = new StringBuilder();
        text.Append($"""
            # GPU kernels without a GPU

            Written by `eng/gpu-static`; no GPU was used. Registers, shared memory and machine code are what `ptxas` and `cuobjdump` made of the PTX
            that ILGPU generates; a driver's own compiler may differ. Counts are the PTX interpreter's (`tests/Ptx`).

            ## Registers, occupancy, inner loops

            Every kernel in every form that the library can load, for {string.Join(", ", KernelPtx.Architectures.Select(NameOf))}. {Spills(assembled)} Registers, shared memory and
            FFMA and HMMA stand for {NameOf(KernelPtx.Architectures[^1])}; kernels with HMMA (`--math tf32`) need sm_80. `AsyncStaging` is loaded from sm_80 on, `RegisterStaging` without HMMA before, and its figures are sm_75's. Threads: of a group, in a training step; `auto`: ILGPU asks the driver for the number that fills most.
            Occupancy: the share of a multiprocessor's warps that registers, shared memory and group size allow (limits: CUDA C++ Programming Guide). FFMA: multiply-adds
            among 100 instructions of the loop that has the most of them, without the loops inside it. HMMA: matrix products among all instructions of that loop, each
            1024 multiply-adds of a warp, where an FFMA is 32.

            | kernel | registers | shared bytes | threads | occupancy {string.Join(", ", KernelPtx.Architectures.Select(NameOf))} | FFMA | HMMA |
            | --- | ---: | ---: | ---: | --- | ---: | ---: |

            """);
        foreach (GpuKernel kernel in KernelCatalog.All)
        {
            AssembledKernel newest = assembled.Last(a => a.ContainsKey(kernel))[kernel];
            int threads = kernel.IsGrouped ? counts[kernel.Method].FirstOrDefault()?.Threads ?? -1 : 0;
            string occupancy = threads < 0 ? "" : string.Join(", ", KernelPtx.Architectures.Zip(assembled, (a, all) => all.TryGetValue(kernel, out AssembledKernel? k) ? $"{Occupancy.Of(a).Share(threads, k.Registers, k.SharedBytes):p0}" : "none"));
            text.Append($"| `{kernel.Name}` | {newest.Registers} | {newest.SharedBytes} | {(threads == 0 ? "auto" : threads < 0 ? "" : $"{threads}")} | {occupancy} | {(newest.MainLoop is { MatrixProducts: 0 } loop ? $"{100 * loop.Share:f0}" : "")} | {(newest.MainLoop is { MatrixProducts: > 0 } matrix ? $"{matrix.MatrixProducts} / {matrix.Instructions}" : "")} |\n");
        }
        text.Append($"""

            ## Memory traffic

            A training step of `gpuconv train` at batch {InterpretedBatch}, without and with batch normalisation, and without in TF32, interpreted. Sectors: 32-byte pieces of global memory that
            each warp's accesses touch, beside the fewest that their bytes fill. Conflicts: passes through shared memory beyond those needed, for 100 accesses.
            Moved: 32 bytes for each sector, as if no cache held anything, beside the bytes that must move, each read or written once. FMA: of 100 PTX instructions of the hottest loop.

            | kernel | launches | sectors / ideal | conflicts | bytes moved | must move | ratio | FMA |
            | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |

            """);
        foreach (GpuKernel kernel in KernelCatalog.All.Where(k => counts.Contains(k.Method)))
        {
            PtxCounts[] of = [.. counts[kernel.Method]];
            long sectors = of.Sum(c => c.GlobalLoads.Sectors + c.GlobalStores.Sectors), ideal = of.Sum(c => c.GlobalLoads.IdealSectors + c.GlobalStores.IdealSectors);
            long requests = of.Sum(c => c.SharedLoads.Requests + c.SharedStores.Requests), conflicts = of.Sum(c => c.SharedLoads.Conflicts + c.SharedStores.Conflicts);
            long moved = of.Sum(c => c.BytesMoved), must = of.Sum(c => c.BytesTouched);
            text.Append($"| `{kernel.Name}` | {of.Length} | {(double)sectors / ideal:f2} | {(requests == 0 ? "" : $"{100.0 * conflicts / requests:f1}")} | {moved:n0} | {must:n0} | {(double)moved / must:f2} | {(of.Max(c => c.HotLoop?.FmaShare ?? 0) is > 0 and var share ? $"{100 * share:f0}" : "")} |\n");
        }
        Estimate(text, interpreted);
        return text.ToString();
    }

    private static string Spills(Dictionary<GpuKernel, AssembledKernel>[] assembled)
    {
        int bytes = assembled.Sum(kernels => kernels.Values.Sum(k => k.SpillBytes + k.StackBytes));
        return bytes == 0 ? "No kernel spills registers or has a stack, on any of them." : $"Spills and stacks: {bytes} bytes in all.";
    }

    private static void Estimate(StringBuilder text, (RecordedLaunch Launch, PtxCounts Counts)[] interpreted)
    {
        // Reads and writes of one tensor are two passes over it; how many passes a kernel makes does not depend on the batch.
        Dictionary<string, double> passes = interpreted.GroupBy(i => Plain(KernelCatalog.NameOf(i.Launch.Kernel)))
            .ToDictionary(g => g.Key, g => (double)g.Sum(i => i.Counts.BytesTouched) / Math.Max(1, g.Sum(i => StepLaunches.TensorBytes(i.Launch))));
        text.Append($"""

            ## Estimate of a training step

            **An estimate, not a measurement**: the roofline, the longer of arithmetic and memory for each launch, as if each reached the peak of one of them and no cache
            kept a tensor from one kernel to the next. Peaks from the specification sheets, float32 without tensor cores, and dense TF32 on them: {string.Join("; ", Gpu.All.Select(g => $"{g.Name} {g.Flops / 1e12:f1} TFLOP/s, {(g.TensorFlops > 0 ? $"TF32 {g.TensorFlops / 1e12:f0}" : "no TF32")}, {g.BytesPerSecond / 1e9:n0} GB/s"))}.
            Launches cost time of their own, which is not in it: at small batches it is most of a step.

            """);
        foreach ((int batch, MathMode mathMode) in from batch in Batches from mathMode in new[] { MathMode.Fp32, MathMode.Tf32 } select (batch, mathMode))
        {
            bool onTensorCores = mathMode == MathMode.Tf32;
            Gpu[] gpus = [.. Gpu.All.Where(g => !onTensorCores || g.TensorFlops > 0)];
            (string Name, RecordedLaunch Launch, double Bytes)[] launches = [.. StepLaunches.Record(batch, batchNormalization: false, mathMode)
                .Select(l => (Name: KernelCatalog.NameOf(l.Kernel), Launch: l))
                .Select(l => (l.Name, l.Launch, StepLaunches.TensorBytes(l.Launch) * passes.GetValueOrDefault(Plain(l.Name), 1)))];
            text.Append($"""

                ### Batch {batch}{(onTensorCores ? ", TF32" : "")}

                | kernel | launches | MFLOP | MB | {string.Join(" | ", gpus.Select(g => $"{g.Name}, µs"))} |
                | --- | ---: | ---: | ---: | {string.Join(" | ", gpus.Select(_ => "---:"))} |

                """);
            foreach (var kernel in launches.GroupBy(l => l.Name)) Row(gpus, $"`{kernel.Key}`", [.. kernel]);
            Row(gpus, "**the step**", launches);
        }

        void Row(Gpu[] gpus, string name, (string Name, RecordedLaunch Launch, double Bytes)[] launches) => text.Append(
            $"| {name} | {launches.Length} | {launches.Sum(l => StepLaunches.Flops(l.Launch)) / 1e6:n1} | {launches.Sum(l => l.Bytes) / 1e6:n2} | {string.Join(" | ", gpus.Select(g => $"{1e6 * launches.Sum(l => g.Seconds(StepLaunches.Flops(l.Launch), l.Bytes, KernelCatalog.IsOnTensorCores(l.Launch.Kernel))):n1}"))} |\n");
    }

    private static string NameOf(CudaArchitecture architecture) => architecture.ToString().ToLowerInvariant();

    // A kernel's name without its type arguments: another batch has other tiles.
    private static string Plain(string name) => name.Split('<')[0];
}
