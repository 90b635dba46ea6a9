using System.Text.RegularExpressions;
using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>Bugs planted into the text of our own kernels, one at a time: the interpreter, or the reference, must see each.</summary>
public class PlantedBugTests
{
    [Fact]
    public void The_product_as_it_is_passes() => Assert.True(Matches((_, text) => text));

    [Fact]
    public void A_barrier_less_is_a_race()
    {
        int barriers = 0;
        Multiply((_, text) =>
        {
            barriers = Regex.Count(text, "bar.sync");
            return text;
        });
        Assert.True(barriers >= 2, "The tiled product has no barriers.");
        for (int removed = 0; removed < barriers; removed++)
        {
            PtxException e = Assert.Throws<PtxException>(() => Multiply((_, text) => Replace(text, @"bar\.sync\s+0;", removed, "")));
            // Warps run one after the other here: where one was to wait for all, it finds nothing written yet.
            Assert.True(e.Fault is PtxFault.Race or PtxFault.Uninitialised, $"Barrier {removed}: {e.Message}");
            TestContext.Current.TestOutputHelper?.WriteLine(e.Message);
        }
    }

    [Theory]
    [InlineData(@"(ld\.global[^\[]*\[%rd\d+)(?:\+(\d+))?\]")]
    [InlineData(@"(st\.global[^\[]*\[%rd\d+)(?:\+(\d+))?\]")]
    public void An_index_too_far_is_out_of_bounds(string access)
    {
        // All accesses one vector further, so that the one at the end leaves the view.
        PtxException e = Assert.Throws<PtxException>(() => Multiply((_, text) =>
            Regex.Replace(text, access, m => $"{m.Groups[1].Value}+{(m.Groups[2].Success ? int.Parse(m.Groups[2].Value) : 0) + 16}]")));
        Assert.Equal(PtxFault.OutOfBounds, e.Fault);
    }

    [Fact]
    public void A_wrong_stride_is_seen()
    {
        // The first integer of the first operand, behind the product's six sizes and its view, is the distance of its rows.
        bool seen;
        try
        {
            seen = !Matches((_, text) => Regex.Replace(text, @"ld\.param\.b32\s+(%r\d+), \[_kernel_\d+\+40\];", "$0\nadd.s32 $1, $1, 1;"));
        }
        catch (PtxException e) when (e.Fault == PtxFault.OutOfBounds)
        {
            seen = true;
        }
        Assert.True(seen);
    }

    [Fact]
    public void A_tile_that_is_not_filled_is_seen() =>
        Assert.Equal(PtxFault.Uninitialised, Assert.Throws<PtxException>(() => Multiply((_, text) => Regex.Replace(text, @"st\.shared[^;]*;", ""))).Fault);

    [Fact]
    public void A_wait_less_for_copies_is_a_race()
    {
        int waits = 0, copies = 0;
        Multiply((_, text) =>
        {
            waits = Regex.Count(text, "cp.async.wait_all");
            copies = Regex.Count(text, "cp.async.c[ag]");
            return text;
        });
        Assert.True(waits >= 2 && copies > 0, "The tiled product copies nothing.");
        for (int removed = 0; removed < waits; removed++)
            Assert.Equal(PtxFault.Race, Assert.Throws<PtxException>(() => Multiply((_, text) => Replace(text, "cp.async.wait_all;", removed, ""))).Fault);
    }

    // The end of k is not that of a step; there the last line would be read again.
    [Fact]
    public void A_copy_that_writes_no_zeros_is_seen()
    {
        Assert.True(Matches((_, text) => text, k: 70));
        Assert.False(Matches((_, text) => Regex.Replace(text, @"(cp\.async\.c[ag]\S*\s[^;]*, (\d+)), %r\d+;", "$1, $2;"), k: 70));
    }

    [Fact]
    public void A_barrier_that_some_threads_skip_is_seen() =>
        Assert.Equal(PtxFault.DivergentBarrier, Assert.Throws<PtxException>(() => Multiply((_, text) =>
            Replace(text, @"bar\.sync\s+0;", 0, "mov.b32 %r0, %tid.x;\nsetp.lt.s32 %p0, %r0, 5;\n@%p0 ret;\nbar.sync 0;"))).Fault);

    // Registers of a fragment of A, of B and of the sums.
    [Theory]
    [InlineData(@"(mma\.sync[^{]*\{[^}]*\},\s*\{\s*)(%r\d+)(,\s*)(%r\d+)")]
    [InlineData(@"(mma\.sync[^{]*\{[^}]*\},\s*\{[^}]*\},\s*\{\s*)(%r\d+)(,\s*)(%r\d+)")]
    [InlineData(@"(mma\.sync[^{]*\{\s*)(%f\d+)(,\s*)(%f\d+)")]
    public void A_swapped_register_of_a_tensor_cores_product_is_seen(string pair)
    {
        Assert.True(Matches((_, text) => text, MathMode.Tf32, 0.1));
        int swapped = 0;
        Assert.False(Matches((_, text) =>
        {
            swapped += Regex.Count(text, pair);
            return Regex.Replace(text, pair, "$1$4$3$2");
        }, MathMode.Tf32, 0.1));
        Assert.True(swapped > 0, "The tiled product has none on tensor cores.");
    }

    [Fact]
    public void A_factor_that_is_not_rounded_is_seen() =>
        Assert.Equal(PtxFault.NotRounded, Assert.Throws<PtxException>(() => Multiply((_, text) => text.Replace("cvt.rna.tf32.f32", "mov.b32"), MathMode.Tf32)).Fault);

    [Fact]
    public void Reads_and_writes_of_tensor_cores_tiles_meet_in_no_bank() => MeetInNoBank(MathMode.Tf32);

    [Fact]
    public void Reads_and_copies_of_tiles_meet_in_no_bank() => MeetInNoBank(MathMode.Fp32);

    private static void MeetInNoBank(MathMode mathMode)
    {
        var counts = new List<PtxCounts>();
        Multiply((_, text) => text, mathMode, counts.Add);
        PtxCounts product = counts.Single(c => c.SharedLoads.Requests > 0);
        Assert.Equal((0, 0), (product.SharedLoads.Conflicts, product.SharedStores.Conflicts));
    }

    [Fact]
    public void A_thread_too_many_in_a_kernel_of_one_index_for_each_element_is_out_of_bounds()
    {
        using Device device = Interpreted((_, text) => text.Replace("setp.ge.s32", "setp.gt.s32"));
        using var arena = new DeviceArena(device);
        Tensor<float> x = arena.Allocate<float>(new Shape(77));
        Assert.Equal(PtxFault.OutOfBounds, Assert.Throws<PtxException>(() => new Elementwise(device).Fill(x, 1)).Fault);
    }

    private static string Replace(string text, string pattern, int number, string with)
    {
        Match match = Regex.Matches(text, pattern)[number];
        return text[..match.Index] + with + text[(match.Index + match.Length)..];
    }

    private static Device Interpreted(Func<System.Reflection.MethodInfo, string, string> alter, MathMode mathMode = MathMode.Fp32, Action<PtxCounts>? launched = null)
    {
        Device device = Device.OpenSimulated(mathMode, copiesAsync: true);
        var runner = new PtxRunner { Alter = alter };
        runner.Launched += launched;
        device.Runner = runner;
        return device;
    }

    private static bool Matches(Func<System.Reflection.MethodInfo, string, string> alter, MathMode mathMode = MathMode.Fp32, double tolerance = 1e-4, int k = 72)
    {
        (double[] reference, float[] c) = Multiply(alter, mathMode, k: k);
        return reference.Zip(c, (r, v) => Math.Abs(r - v) <= tolerance).All(close => close);
    }

    // Large enough for several tiles and several steps along k, whatever the tile.
    private static (double[] Reference, float[] C) Multiply(Func<System.Reflection.MethodInfo, string, string> alter, MathMode mathMode = MathMode.Fp32, Action<PtxCounts>? launched = null, int k = 72)
    {
        const int m = 150, n = 140;
        using Device device = Interpreted(alter, mathMode, launched);
        using var arena = new DeviceArena(device);
        var random = new Random(4);
        double[] a = Values.Normal(random, m * k), b = Values.Normal(random, k * n);
        Tensor<float> c = arena.Allocate<float>(new Shape(m, n));
        new MatMul(arena, false, false, m * n).Multiply(Values.On(arena, new Shape(m, k), a), Values.On(arena, new Shape(k, n), b), null, c);
        return (ReferenceMatrixProduct.Multiply(m, n, k, a, false, b, false), c.ToArray());
    }
}
