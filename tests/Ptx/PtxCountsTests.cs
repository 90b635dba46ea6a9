namespace GpuConv.Tests;

/// <summary>The interpreter's counts, on access patterns whose counts are known.</summary>
public class PtxCountsTests
{
    // Thread t loads word stride t of p0 and stores it at word t of p1.
    private static string Strided(int stride, string load) => PtxText.Entry(2, $"""
        ld.param.b64 %rd1, [p0];
        ld.param.b64 %rd2, [p1];
        mov.b32 %r1, %tid.x;
        mul.wide.u32 %rd3, %r1, {4 * stride};
        add.u64 %rd1, %rd1, %rd3;
        mul.wide.u32 %rd4, %r1, 4;
        add.u64 %rd2, %rd2, %rd4;
        {load}
        st.global.f32 [%rd2], %f1;
        """);

    [Theory]
    [InlineData(1, 4, 4, 128)]
    [InlineData(2, 8, 4, 128)]
    [InlineData(8, 32, 4, 128)]
    [InlineData(0, 1, 1, 4)]
    public void Sectors_follow_the_stride(int stride, int sectors, int ideal, int bytes)
    {
        PtxCounts counts = PtxText.Run(Strided(stride, "ld.global.f32 %f1, [%rd1];"), 1, 32, new float[256], new float[32]);
        Assert.Equal(new PtxGlobalCounts(1, sectors, ideal, bytes), counts.GlobalLoads);
        Assert.Equal(new PtxGlobalCounts(1, 4, 4, 128), counts.GlobalStores);
        Assert.Equal(32 * (sectors + 4), counts.BytesMoved);
        Assert.Equal(bytes + 128, counts.BytesTouched);
    }

    [Fact]
    public void Loads_of_sixteen_bytes_and_shifted_ones_count_their_sectors()
    {
        Assert.Equal(new PtxGlobalCounts(1, 16, 16, 512), PtxText.Run(Strided(4, "ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];"), 1, 32, new float[128], new float[32]).GlobalLoads);
        Assert.Equal(new PtxGlobalCounts(1, 5, 4, 128), PtxText.Run(Strided(1, "ld.global.f32 %f1, [%rd1+4];"), 1, 32, new float[33], new float[32]).GlobalLoads);
        // Two loads of the same bytes are two requests, but the bytes are one array.
        Assert.Equal(new PtxGlobalCounts(2, 8, 8, 128), PtxText.Run(Strided(1, "ld.global.f32 %f1, [%rd1];\nld.global.f32 %f1, [%rd1];"), 1, 32, new float[32], new float[32]).GlobalLoads);
    }

    [Theory]
    [InlineData(4, "b32 [%rd2], %r1", 1, 0)]
    [InlineData(8, "b32 [%rd2], %r1", 2, 1)]
    [InlineData(128, "b32 [%rd2], %r1", 32, 31)]
    [InlineData(132, "b32 [%rd2], %r1", 1, 0)]
    [InlineData(8, "v2.b32 [%rd2], {%r1, %r1}", 2, 0)]
    [InlineData(16, "v4.b32 [%rd2], {%r1, %r1, %r1, %r1}", 4, 0)]
    [InlineData(32, "v4.b32 [%rd2], {%r1, %r1, %r1, %r1}", 8, 4)]
    [InlineData(144, "v4.b32 [%rd2], {%r1, %r1, %r1, %r1}", 4, 0)]
    public void Bank_conflicts_follow_the_stride(int stride, string store, int wavefronts, int conflicts)
    {
        PtxCounts counts = PtxText.Run(PtxText.Entry(0, $"""
            mov.b64 %rd1, tile;
            mov.b32 %r1, %tid.x;
            mul.wide.u32 %rd2, %r1, {stride};
            add.u64 %rd2, %rd1, %rd2;
            st.shared.{store};
            """, ".shared .align 16 .b8 tile[8192];"), 1, 32);
        Assert.Equal(new PtxSharedCounts(1, wavefronts, conflicts), counts.SharedStores);
        Assert.Equal(8192, counts.SharedBytes);
    }

    [Fact]
    public void One_word_for_all_lanes_is_no_conflict() =>
        Assert.Equal(new PtxSharedCounts(1, 1, 0), PtxText.Run(PtxText.Entry(0, """
            mov.b64 %rd1, tile;
            mov.b32 %r1, %tid.x;
            setp.eq.s32 %p1, %r1, 0;
            @%p1 st.shared.b32 [%rd1], %r1;
            bar.sync 0;
            ld.shared.b32 %r2, [%rd1];
            """, ".shared .align 4 .b8 tile[4];"), 1, 32).SharedLoads);

    [Fact]
    public void Instructions_are_counted_by_warps_and_threads_and_the_hot_loop_apart()
    {
        PtxCounts counts = PtxText.Run(PtxText.Entry(0, """
            mov.b32 %r1, 0;
            mov.f32 %f1, 0f00000000;
            mov.f32 %f2, 0f3F800000;
            outer:
            mov.b32 %r2, 0;
            inner:
            fma.rn.f32 %f1, %f2, %f2, %f1;
            mul.f32 %f3, %f2, %f2;
            add.f32 %f1, %f1, %f3;
            add.s32 %r2, %r2, 1;
            setp.lt.s32 %p1, %r2, 10;
            @%p1 bra inner;
            add.s32 %r1, %r1, 1;
            setp.lt.s32 %p1, %r1, 5;
            @%p1 bra outer;
            """), 3, 40);
        Assert.Equal((3, 40), (counts.Blocks, counts.Threads));
        Assert.Equal(3 * 2 * 50, counts.Instructions.Warp["fma.rn.f32"]);
        Assert.Equal(3 * 40 * 50, counts.Instructions.Thread["fma.rn.f32"]);
        Assert.Equal(3 * 2 * (50 + 5), counts.Instructions.Warp["bra"]);
        Assert.Equal(["add.f32", "add.s32", "bra", "fma.rn.f32", "mul.f32", "setp.lt.s32"], counts.HotLoop!.Warp.Keys);
        Assert.Equal(300, counts.HotLoop.FusedPairs);
        Assert.Equal(0.4, counts.HotLoop.FmaShare, 1e-9);
        Assert.Equal(0, counts.DivergentBranches);
    }

    // The product is read twice, read after the block, or rounded by name.
    [Theory]
    [InlineData("mul.f32 %f3, %f1, %f1;\nadd.f32 %f4, %f3, %f1;\nadd.f32 %f5, %f3, %f1;", 0)]
    [InlineData("mul.f32 %f3, %f1, %f1;\nadd.f32 %f4, %f3, %f1;\nbra.uni next;\nnext:\nadd.f32 %f5, %f3, %f1;", 0)]
    [InlineData("mul.rn.f32 %f3, %f1, %f1;\nadd.f32 %f4, %f3, %f1;", 0)]
    [InlineData("mul.f32 %f3, %f1, %f1;\nadd.f32 %f4, %f3, %f1;\nmov.f32 %f3, %f4;\nadd.f32 %f5, %f3, %f1;", 1)]
    [InlineData("mul.f32 %f3, %f1, %f1;\nsub.f32 %f3, %f1, %f3;", 1)]
    public void A_product_with_one_use_is_fused_with_its_sum(string body, int pairs) =>
        Assert.Equal(pairs, PtxText.Run(PtxText.Entry(0, $"mov.f32 %f1, 0f3F800000;\n{body}"), 1, 32).Instructions.FusedPairs);

    [Fact]
    public void Lanes_that_went_different_ways_come_together_behind_a_branch()
    {
        // The second way stands far away in the text, as ILGPU likes to put it, and jumps back into the loop.
        PtxCounts counts = PtxText.Run(PtxText.Entry(0, """
            mov.b32 %r1, %tid.x;
            mov.b32 %r2, 0;
            loop:
            setp.ge.s32 %p1, %r2, 8;
            @%p1 bra done;
            add.s32 %r3, %r1, %r2;
            and.b32 %r3, %r3, 1;
            setp.ne.s32 %p2, %r3, 0;
            @%p2 bra odd;
            mov.b32 %r4, 1;
            join:
            add.s32 %r2, %r2, 1;
            not.b32 %r5, %r4;
            bra loop;
            done:
            clz.b32 %r6, %r5;
            ret;
            odd:
            mov.b32 %r4, 2;
            bra join;
            """), 1, 32);
        Assert.Equal(8, counts.Instructions.Warp["not.b32"]);
        Assert.Equal(1, counts.Instructions.Warp["clz.b32"]);
        Assert.Equal(8, counts.DivergentBranches);
    }
}
