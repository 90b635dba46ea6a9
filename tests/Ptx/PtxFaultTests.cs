namespace GpuConv.Tests;

/// <summary>What the interpreter refuses, in text written for it.</summary>
public class PtxFaultTests
{
    // Addresses of element %tid.x of p0 in %rd3 and of a shared array in %rd5.
    private const string Addresses = """
        ld.param.b64 %rd1, [p0];
        mov.b32 %r1, %tid.x;
        mul.wide.u32 %rd2, %r1, 4;
        add.u64 %rd3, %rd1, %rd2;
        mov.b64 %rd4, tile;
        add.u64 %rd5, %rd4, %rd2;

        """;

    private const string Tile = ".shared .align 4 .b8 tile[512];";

    [Theory]
    [InlineData("bfe.u32 %r1, %r1, 0, 8;", "bfe.u32")]
    [InlineData("mov.b64 %r1, 0;", "mov.b64")]
    [InlineData("add.s32 %r1, %r1, %f1;x", "a directive")]
    [InlineData("bar.sync 0, 64;", "bar.sync")]
    [InlineData("ld.global.v8.f32 {%f1}, [%rd1];", "ld.global.v8.f32")]
    [InlineData("bra nowhere;", "nowhere")]
    [InlineData("@%p99 mov.b32 %r1, 0;", "%p99")]
    public void What_is_not_known_is_named(string text, string name)
    {
        PtxException e = PtxText.Refused(PtxText.Entry(0, text), 1, 32);
        Assert.Equal(PtxFault.Unknown, e.Fault);
        Assert.Contains(name, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ld.global.f32 %f1, [%rd3+4];", 31)]
    [InlineData("ld.global.f32 %f1, [%rd3+-4];", 0)]
    [InlineData("st.global.b32 [%rd3+128], %r1;", 0)]
    [InlineData("ld.global.f32 %f1, [%rd2];", 0)]
    [InlineData("st.shared.b32 [%rd5+508], %r1;", 1)]
    [InlineData("st.shared.b32 [%rd5+-4], %r1;", 0)]
    [InlineData("st.shared.b32 [%rd3], %r1;", 0)]
    public void An_access_outside_of_a_view_or_an_array_is_refused(string access, int thread)
    {
        PtxException e = PtxText.Refused(PtxText.Entry(1, Addresses + access, Tile), 1, 32, new float[32]);
        Assert.Equal(PtxFault.OutOfBounds, e.Fault);
        Assert.Contains($"Kernel_Text, line 20 '{access[..^1]}', block 0, thread {thread}:", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ld.global.b32 %r2, [%rd3+2];")]
    [InlineData("ld.global.v2.f32 {%f1, %f2}, [%rd3];")]
    [InlineData("st.shared.b32 [%rd5+1], %r1;")]
    [InlineData("st.shared.v2.b32 [%rd5], {%r1, %r1};")]
    public void A_misaligned_access_is_refused(string access) =>
        Assert.Equal(PtxFault.Misaligned, PtxText.Refused(PtxText.Entry(1, Addresses + access, Tile), 1, 8, new float[32]).Fault);

    [Theory]
    [InlineData("add.f32 %f1, %f2, %f3;", "%f2")]
    [InlineData("st.global.f32 [%rd3], %f2;", "%f2")]
    [InlineData("@%p3 mov.b32 %r2, 0;", "%p3")]
    [InlineData("setp.lt.s32 %p1, %r1, 7;\n@%p1 mov.b32 %r2, 1;\nadd.s32 %r3, %r2, 1;", "thread 7: reads %r2")]
    [InlineData("ld.shared.f32 %f1, [%rd5];", "byte 0 of tile")]
    public void What_was_never_written_cannot_be_read(string body, string what)
    {
        PtxException e = PtxText.Refused(PtxText.Entry(1, Addresses + body, Tile), 1, 32, new float[32]);
        Assert.Equal(PtxFault.Uninitialised, e.Fault);
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shared_memory_of_an_earlier_block_does_not_count_as_written() =>
        Assert.Equal(PtxFault.Uninitialised, PtxText.Refused(PtxText.Entry(1, Addresses + """
            mov.b32 %r2, %ctaid.x;
            setp.eq.s32 %p1, %r2, 0;
            @%p1 st.shared.b32 [%rd5], %r1;
            bar.sync 0;
            ld.shared.b32 %r3, [%rd5];
            """, Tile), 2, 32, new float[32]).Fault);

    // The neighbour's element, in shared and in global memory: read or written after it was written or read, with and without a barrier.
    [Theory]
    [InlineData("st.shared.b32 [%rd5], %r1;", "ld.shared.b32 %r2, [%rd5+{0}];")]
    [InlineData("st.shared.b32 [%rd5], %r1;", "st.shared.b32 [%rd5+{0}], %r1;")]
    [InlineData("st.global.b32 [%rd3], %r1;", "ld.global.b32 %r2, [%rd3+{0}];")]
    [InlineData("ld.global.b32 %r2, [%rd3];", "st.global.b32 [%rd3+{0}], %r1;")]
    public void Two_threads_at_one_place_need_a_barrier_between(string first, string second)
    {
        // One thread away within a warp, and a warp away.
        foreach (int distance in new[] { 4, 128 })
        {
            string text = PtxText.Entry(1, $"{Addresses}st.shared.b32 [%rd5], %r1;\nbar.sync 0;\nsetp.lt.s32 %p1, %r1, 32;\n{first}\nBARRIER\n@%p1 {second.Replace("{0}", $"{distance}")}", Tile);
            Assert.Equal(PtxFault.Race, PtxText.Refused(text.Replace("BARRIER", ""), 1, 64, new float[64]).Fault);
            PtxText.Run(text.Replace("BARRIER", "bar.sync 0;"), 1, 64, new float[64]);
            string ofTheWarp = text.Replace("BARRIER", "bar.warp.sync -1;");
            // A warp's barrier orders its own lanes only; lane 31 has its neighbour in the next warp.
            if (distance == 4) PtxText.Run(ofTheWarp.Replace("%r1, 32;", "%r1, 31;"), 1, 64, new float[64]);
            else Assert.Equal(PtxFault.Race, PtxText.Refused(ofTheWarp, 1, 64, new float[64]).Fault);
        }
    }

    [Theory]
    [InlineData("ld.global.b32 %r2, [%rd3];\nadd.s32 %r2, %r2, 1;\nst.global.b32 [%rd3], %r2;", true)]
    [InlineData("st.global.b32 [%rd3], %r1;", true)]
    [InlineData("ld.global.b32 %r2, [%rd3];", false)]
    public void Nothing_orders_blocks(string access, bool races)
    {
        string text = PtxText.Entry(1, $"{Addresses}bar.sync 0;\n{access}\nbar.sync 0;", Tile);
        if (races) Assert.Equal(PtxFault.Race, PtxText.Refused(text, 2, 32, new float[32]).Fault);
        else PtxText.Run(text, 2, 32, new float[32]);
        PtxText.Run(text, 1, 32, new float[32]);
    }

    [Fact]
    public void A_write_races_with_any_of_several_readers()
    {
        // Element 0 is read by two blocks, and written by a thread of the second, which has read it too.
        PtxException e = PtxText.Refused(PtxText.Entry(1, """
            ld.param.b64 %rd1, [p0];
            ld.global.b32 %r2, [%rd1];
            bar.sync 0;
            mov.b32 %r1, %ctaid.x;
            setp.eq.s32 %p1, %r1, 1;
            @%p1 st.global.b32 [%rd1], %r2;
            """), 2, 1, new float[1]);
        Assert.Equal(PtxFault.Race, e.Fault);
        Assert.Contains("several blocks", e.Message, StringComparison.Ordinal);
        Assert.Contains("several threads", PtxText.Refused(PtxText.Entry(1, """
            ld.param.b64 %rd1, [p0];
            ld.global.b32 %r2, [%rd1];
            mov.b32 %r1, %tid.x;
            setp.eq.s32 %p1, %r1, 31;
            @%p1 st.global.b32 [%rd1], %r2;
            """), 1, 32, new float[1]).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("@%p1 ret;\nbar.sync 0;", "has returned")]
    [InlineData("@%p1 bra skip;\nbar.sync 0;\nskip:\nbar.sync 0;", "wait in line")]
    [InlineData("@%p2 bra skip;\nbar.sync 0;\nskip:\nbar.sync 0;", "waits at another barrier")]
    [InlineData("@%p2 bra skip;\nbar.sync 0;\nskip:", "has returned")]
    public void A_barrier_that_not_all_threads_reach_is_refused(string body, string what)
    {
        PtxException e = PtxText.Refused(PtxText.Entry(0, $"mov.b32 %r1, %tid.x;\nsetp.lt.s32 %p1, %r1, 3;\nsetp.lt.s32 %p2, %r1, 32;\n{body}"), 1, 64);
        Assert.Equal(PtxFault.DivergentBarrier, e.Fault);
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_division_by_zero_is_refused() =>
        Assert.Equal(PtxFault.DivisionByZero, PtxText.Refused(PtxText.Entry(0, "mov.b32 %r1, %tid.x;\ndiv.s32 %r2, 5, %r1;"), 1, 32).Fault);
}
