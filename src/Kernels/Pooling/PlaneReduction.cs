using ILGPU;

namespace GpuConv.Kernels;

/// <summary>What reductions over whole planes share: how planes are dealt out, and the order of a group's sum.</summary>
internal static class PlaneReduction
{
    /// <summary>Threads of a GPU group: two warps, and as many lanes as the simulated device runs without much cost.</summary>
    public const int GroupSize = 64;

    // Floats that a CPU item covers at least.
    private const int ItemFloats = 8192;

    /// <summary>The pixels of a plane of x (N, C, H, W), after a check that there is one result for each plane.</summary>
    public static int Pixels(Shape x, Shape y)
    {
        if (x.Rank != 4) throw new ArgumentException($"Images are (batch, channel, height, width), not {x}.");
        if (y.Count != x[0] * x[1]) throw new ArgumentException($"{x} has {x[0] * x[1]} planes, the pooled tensor {y} has {y.Count} elements.");
        if (x[2] * x[3] == 0) throw new ArgumentException($"The planes of {x} are empty.");
        return x[2] * x[3];
    }

    /// <summary>
    /// The sum of one value of each thread of a group of <see cref="GroupSize"/>, in a fixed order: 8 sums of every eighth, then one. Valid in
    /// thread 0. Every thread must call it; <paramref name="lanes"/> is shared memory of that many floats, free for use again afterwards.
    /// </summary>
    public static float GroupSum(ArrayView<float> lanes, int lane, float value)
    {
        lanes[lane] = value;
        Group.Barrier();
        float sum = 0;
        if (lane < 8)
        {
            // Eight apart, so that the eight threads read different banks. What a thread writes only it has read.
            for (int i = 0; i < 8; i++) sum += lanes[i * 8 + lane];
            lanes[lane] = sum;
        }
        Group.Barrier();
        float total = 0;
        if (lane == 0)
            for (int i = 0; i < 8; i++) total += lanes[i];
        Group.Barrier();
        return total;
    }

    /// <summary>The planes that a thread of the CPU takes at a time.</summary>
    public static int Block(int pixels) => Math.Max(1, ItemFloats / pixels);
}
