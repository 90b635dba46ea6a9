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
        // The first integer of the first operand, behind its view, is the distance of its rows.
        bool seen;
        try
        {
            seen = !Matches((_, text) => Regex.Replace(text, @"ld\.param\.b32\s+(%r\d+), \[_a_\d+\+16\];", "$0\nadd.s32 $1, $1, 1;"));
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
    public void A_barrier_that_some_threads_skip_is_seen() =>
        Assert.Equal(PtxFault.DivergentBarrier, Assert.Throws<PtxException>(() => Multiply((_, text) =>
            Replace(text, @"bar\.sync\s+0;", 0, "mov.b32 %r0, %tid.x;\nsetp.lt.s32 %p0, %r0, 5;\n@%p0 ret;\nbar.sync 0;"))).Fault);

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

    private static Device Interpreted(Func<System.Reflection.MethodInfo, string, string> alter)
    {
        Device device = Device.Open("simulated");
        device.Runner = new PtxRunner { Alter = alter };
        return device;
    }

    private static bool Matches(Func<System.Reflection.MethodInfo, string, string> alter)
    {
        (double[] reference, float[] c) = Multiply(alter);
        return reference.Zip(c, (r, v) => Math.Abs(r - v) <= 1e-4).All(close => close);
    }

    // Large enough for several tiles and several steps along k, whatever the tile.
    private static (double[] Reference, float[] C) Multiply(Func<System.Reflection.MethodInfo, string, string> alter)
    {
        const int m = 150, n = 140, k = 72;
        using Device device = Interpreted(alter);
        using var arena = new DeviceArena(device);
        var random = new Random(4);
        double[] a = Values.Normal(random, m * k), b = Values.Normal(random, k * n);
        Tensor<float> c = arena.Allocate<float>(new Shape(m, n));
        new MatMul(arena, false, false, m * n).Multiply(Values.On(arena, new Shape(m, k), a), Values.On(arena, new Shape(k, n), b), null, c);
        return (ReferenceMatrixProduct.Multiply(m, n, k, a, false, b, false), c.ToArray());
    }
}
