using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// The arithmetic that a device can do at most: every thread runs chains of multiply-adds that do not wait for one another, and loads
/// and stores nothing. Twelve chains of vectors on the CPU (two units, four to five cycles each), sixteen of scalars on GPUs.
/// </summary>
internal static unsafe class MultiplyAddPeak
{
    private const int Runs = 8;
    private const int HostFirstSteps = 20_000;
    private const double HostSeconds = 0.01;
    private const double GpuSeconds = 0.01;
    private const int GpuFirstSteps = 16, GpuMostSteps = 4096;

    /// <summary>Floating-point operations in a second by all threads of the device together: the best of several runs.</summary>
    public static double FlopsPerSecond(Device device) => device.IsHost ? OnHost(device) : OnGpu(device);

    private static double OnHost(Device device)
    {
        float* sums = stackalloc float[device.Threads];
        // A hundredth of a second each, also where multiply-adds are not in hardware and take a thousand times as long.
        int steps = HostFirstSteps;
        steps = (int)Math.Clamp(steps * HostSeconds / Seconds(), steps, 1 << 30);
        return 2.0 * 12 * device.SimdFloats * steps * device.Threads / Seconds();

        double Seconds() => BestTime.Seconds(device, Runs, () => device.Host.Run(new HostKernel(sums, steps), device.Threads));
    }

    private static double OnGpu(Device device)
    {
        bool simulated = device.Kind == DeviceKind.Simulated;
        // On a GPU enough threads to fill it several times over; the simulated one only has to show that the kernel runs.
        int threads = simulated ? 32 : 64 * device.Accelerator.MaxNumThreads, steps = GpuFirstSteps;
        using var arena = new DeviceArena(device);
        Tensor<float> sums = arena.Allocate<float>(new Shape(threads));
        var kernel = new IndexKernel<Kernel>(device);
        // An OpenCL driver for processors takes a second for what a GPU does in a millisecond.
        if (!simulated) steps = (int)Math.Clamp(steps * GpuSeconds / Seconds(), steps, GpuMostSteps);
        return 2.0 * 4 * 8 * steps * threads / Seconds();

        double Seconds() => BestTime.Seconds(device, Runs, () => kernel.Launch(threads, new(steps, 0.5f, 0.25f, sums.View)));
    }

    // One index owns sixteen chains c = a c + b: with the chain's own value in the product nothing can be computed ahead of the loop.
    // ILGPU unrolls no loops: two rounds in each keep the loop's own instructions few.
    internal readonly struct Kernel(int steps, float a, float b, ArrayView<float> sums) : IIndexKernel
    {
        public void Run(int i)
        {
            Quad fourth = new(b, b, b, b);
            Float8 addend = new(fourth, fourth), c0 = addend, c1 = addend;
            for (int step = 0; step < steps; step++)
            {
                c0 = Float8.MultiplyAdd(a, c0, addend);
                c1 = Float8.MultiplyAdd(b, c1, addend);
                c0 = Float8.MultiplyAdd(a, c0, addend);
                c1 = Float8.MultiplyAdd(b, c1, addend);
            }
            sums[i] = Sum(c0.Low) + Sum(c0.High) + Sum(c1.Low) + Sum(c1.High);
        }
    }

    private static float Sum(Quad quad) => quad.X + quad.Y + quad.Z + quad.W;

    private readonly struct HostKernel(float* sums, int steps) : IHostKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector a = TSimd.Broadcast(0.5f), b = TSimd.Broadcast(0.25f);
            TVector c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
            for (int i = 0; i < steps; i++)
            {
                c0 = TSimd.MultiplyAdd(a, b, c0);
                c1 = TSimd.MultiplyAdd(a, b, c1);
                c2 = TSimd.MultiplyAdd(a, b, c2);
                c3 = TSimd.MultiplyAdd(a, b, c3);
                c4 = TSimd.MultiplyAdd(a, b, c4);
                c5 = TSimd.MultiplyAdd(a, b, c5);
                c6 = TSimd.MultiplyAdd(a, b, c6);
                c7 = TSimd.MultiplyAdd(a, b, c7);
                c8 = TSimd.MultiplyAdd(a, b, c8);
                c9 = TSimd.MultiplyAdd(a, b, c9);
                c10 = TSimd.MultiplyAdd(a, b, c10);
                c11 = TSimd.MultiplyAdd(a, b, c11);
            }
            TVector sum = TSimd.Add(TSimd.Add(TSimd.Add(c0, c1), TSimd.Add(c2, c3)), TSimd.Add(TSimd.Add(c4, c5), TSimd.Add(c6, c7)));
            sum = TSimd.Add(sum, TSimd.Add(TSimd.Add(c8, c9), TSimd.Add(c10, c11)));
            float* lanes = stackalloc float[16];
            TSimd.Store(sum, lanes);
            sums[item] = lanes[0];
        }
    }
}
