namespace GpuConv.Tests;

/// <summary>Copies from global to shared memory past the registers, in text written for them.</summary>
public class PtxAsyncCopyTests
{
    // Thread t copies element t of p0 to element t of a shared array; the address of its element of p1 is in %rd6.
    private const string Addresses = """
        ld.param.b64 %rd1, [p0];
        ld.param.b64 %rd6, [p1];
        mov.b32 %r1, %tid.x;
        mul.wide.u32 %rd2, %r1, 4;
        add.u64 %rd3, %rd1, %rd2;
        add.u64 %rd6, %rd6, %rd2;
        mov.b64 %rd4, tile;
        add.u64 %rd5, %rd4, %rd2;

        """;

    private const string Copy = "cp.async.ca.shared.global [\t%rd5], [%rd3], 4, 4;\n", Wait = "cp.async.wait_all;\n", Barrier = "bar.sync 0;\n";

    private static readonly float[] Source = [.. Enumerable.Range(0, 64).Select(i => i + 0.5f)];

    [Theory]
    [InlineData("ca", 4)]
    [InlineData("ca", 8)]
    [InlineData("ca", 16)]
    [InlineData("cg", 16)]
    public void Bytes_arrive_as_they_are_and_zeros_where_none_are_read(string cache, int bytes)
    {
        // The last quarter of the threads reads nothing, at addresses where nothing is.
        float[] result = new float[64 * bytes / 4], source = [.. Enumerable.Range(0, 48 * bytes / 4).Select(i => i + 0.5f)];
        PtxCounts counts = PtxText.Run(Text($"""
            mul.wide.u32 %rd2, %r1, {bytes};
            add.u64 %rd3, %rd1, %rd2;
            add.u64 %rd5, %rd4, %rd2;
            setp.lt.s32 %p1, %r1, 48;
            selp.b32 %r2, {bytes}, 0, %p1;
            cp.async.{cache}.shared.global [%rd5], [%rd3], {bytes}, %r2;
            {Wait}{Barrier}ld.param.b64 %rd6, [p1];
            add.u64 %rd6, %rd6, %rd2;
            {string.Join('\n', Enumerable.Range(0, bytes / 4).Select(i => $"ld.shared.f32 %f1, [%rd5+{4 * i}];\nst.global.f32 [%rd6+{4 * i}], %f1;"))}
            """, 64 * bytes), 1, 64, source, result);
        Assert.Equal([.. source, .. new float[16 * bytes / 4]], result);
        // 48 threads' bytes in sectors of 32; both warps write to shared memory, in as many passes as their bytes fill banks.
        Assert.Equal((2, 48 * bytes / 32, 48 * bytes), (counts.GlobalLoads.Requests, counts.GlobalLoads.Sectors, counts.GlobalLoads.DistinctBytes));
        Assert.Equal((2, 64 * bytes / 128, 0), (counts.SharedStores.Requests, counts.SharedStores.Wavefronts, counts.SharedStores.Conflicts));
    }

    // Between the start and the wait even the thread itself may not touch the target; others not before a barrier after the wait.
    [Theory]
    [InlineData(Copy + "ld.shared.f32 %f1, [%rd5];", "on its way")]
    [InlineData(Copy + "st.shared.f32 [%rd5], 0f00000000;", "on its way")]
    [InlineData(Copy + Copy, "on its way")]
    [InlineData(Copy + Barrier + "ld.shared.f32 %f1, [%rd5+4];" + Wait, "copy of thread 1 is on its way")]
    [InlineData(Copy + Wait + "ld.shared.f32 %f1, [%rd5+4];", "thread 1 accessed")]
    [InlineData(Copy + Barrier + Wait + "ld.shared.f32 %f1, [%rd5+4];", "thread 1 accessed")]
    [InlineData("st.shared.f32 [%rd5+4], 0f00000000;\n" + Copy, "thread 0 accessed")]
    [InlineData("setp.ne.s32 %p1, %r1, 3;\n" + Copy + "@%p1 " + Wait + Barrier + "ld.shared.f32 %f1, [%rd5];", "copy of thread 3 is on its way")]
    public void What_is_on_its_way_is_nobodys(string body, string what)
    {
        PtxException e = PtxText.Refused(Text(body), 1, 32, Source, new float[64]);
        Assert.Equal(PtxFault.Race, e.Fault);
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Copy + Wait + "ld.shared.f32 %f1, [%rd5];")]
    [InlineData(Copy + Wait + Barrier + "ld.shared.f32 %f1, [%rd5+4];")]
    [InlineData(Copy + Barrier + Wait + "ld.shared.f32 %f1, [%rd5];")]
    [InlineData(Copy + Wait + Barrier + Copy + Wait + "ld.shared.f32 %f1, [%rd5];")]
    [InlineData("ld.global.f32 %f1, [%rd3];\n" + Copy)]
    public void What_has_arrived_may_be_read(string body) => PtxText.Run(Text("st.shared.f32 [%rd4+128], 0f00000000;\n").Replace("st.shared", "@%p1 st.shared").Replace("mov.b64 %rd4", "setp.eq.s32 %p1, %r1, 0;\nmov.b64 %rd4").Replace("\nret;", $"\n{body}\nret;"), 3, 32, Source, new float[64]);

    // A copy moves its bytes at the wait, not at the start.
    [Fact]
    public void Bytes_are_read_when_they_arrive()
    {
        var result = new float[32];
        PtxText.Run(Text($"{Copy}st.global.f32 [%rd3], 0f40000000;\n{Wait}ld.shared.f32 %f1, [%rd5];\nst.global.f32 [%rd6], %f1;"), 1, 32, new float[32], result);
        Assert.Equal(Enumerable.Repeat(2f, 32), result);
    }

    [Theory]
    [InlineData("cp.async.ca.shared.global [%rd5], [%rd3], 4, 2;", PtxFault.Unknown)]
    [InlineData("cp.async.cg.shared.global [%rd5], [%rd3], 4, 4;", PtxFault.Unknown)]
    [InlineData("cp.async.ca.shared.global [%rd5], [%rd3], 4;", PtxFault.Unknown)]
    [InlineData("cp.async.wait_group 0;", PtxFault.Unknown)]
    [InlineData("cp.async.ca.shared.global [%rd5], [%rd3], 4, %r9;", PtxFault.Uninitialised)]
    [InlineData("cp.async.ca.shared.global [%rd9], [%rd3], 4, 4;", PtxFault.Uninitialised)]
    [InlineData("cp.async.ca.shared.global [%rd3], [%rd3], 4, 4;", PtxFault.OutOfBounds)]
    [InlineData("cp.async.ca.shared.global [%rd5], [%rd5], 4, 4;", PtxFault.OutOfBounds)]
    [InlineData("add.u64 %rd3, %rd3, 132;\ncp.async.ca.shared.global [%rd5], [%rd3], 4, 4;", PtxFault.OutOfBounds)]
    [InlineData("add.u64 %rd5, %rd5, 132;\ncp.async.ca.shared.global [%rd5], [%rd3], 4, 0;", PtxFault.OutOfBounds)]
    [InlineData("cp.async.ca.shared.global [%rd5], [%rd3], 8, 8;", PtxFault.Misaligned)]
    [InlineData("mul.wide.u32 %rd2, %r1, 8;\nadd.u64 %rd5, %rd4, %rd2;\ncp.async.ca.shared.global [%rd5], [%rd3], 8, 8;", PtxFault.Misaligned)]
    internal void Addresses_and_sizes_are_checked(string body, PtxFault fault) =>
        Assert.Equal(fault, PtxText.Refused(Text(body), 1, 32, Source, new float[64]).Fault);

    private static string Text(string body, int sharedBytes = 256) => PtxText.Entry(2, Addresses + body, $".shared .align 16 .b8 tile[{sharedBytes}];");
}
