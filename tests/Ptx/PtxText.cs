using System.Runtime.InteropServices;
using ILGPU;

namespace GpuConv.Tests;

/// <summary>Runs PTX text written by hand on arrays of the host.</summary>
internal static class PtxText
{
    /// <summary>An entry whose parameters p0, p1 and so on are the addresses of arrays.</summary>
    public static string Entry(int arrays, string body, string shared = "") => $$"""
        .version 8.0
        .target sm_80
        .address_size 64
        .visible .entry Kernel_Text(
        {{string.Join(",\n", Enumerable.Range(0, arrays).Select(i => $".param .b64 p{i}"))}}
        )
        {
        {{shared}}
        .reg .pred %p<10>;
        .reg .b16 %rs<10>;
        .reg .b32 %r<20>;
        .reg .f32 %f<20>;
        .reg .b64 %rd<20>;
        {{body}}
        ret;
        }
        """;

    /// <summary>Runs it, and returns what was counted.</summary>
    public static PtxCounts Run(string text, int blocks, int threads, params Array[] arrays)
    {
        var clock = new PtxClock();
        var machine = new PtxMachine(new PtxProgram(PtxModule.Parse(text)), clock, new PtxShadow(clock));
        GCHandle[] pins = [.. arrays.Select(a => GCHandle.Alloc(a, GCHandleType.Pinned))];
        try
        {
            PtxView[] views = [.. arrays.Select((a, i) => new PtxView(i, pins[i].AddrOfPinnedObject(), Buffer.ByteLength(a), Buffer.ByteLength(a) / a.Length, 0))];
            machine.Run(new Index3D(blocks, 1, 1), new Index3D(threads, 1, 1), [.. views.Select((v, i) => BitConverter.GetBytes(PtxGlobalMemory.Address(i, v)))], views);
            return machine.Counts(typeof(PtxText).GetMethod(nameof(Run))!, blocks, threads);
        }
        finally
        {
            foreach (GCHandle pin in pins) pin.Free();
        }
    }

    /// <summary>The fault that it is refused with.</summary>
    public static PtxException Refused(string text, int blocks, int threads, params Array[] arrays) => Assert.Throws<PtxException>(() => Run(text, blocks, threads, arrays));
}
