using System.Diagnostics;
using System.Runtime.CompilerServices;
using GpuConv.Kernels;

namespace GpuConv.Bench;

/// <summary>The processor's peak: twelve independent chains of multiply-adds on each thread, nothing loaded or stored.</summary>
internal static unsafe class FmaPeak
{
    private const int Steps = 2_000_000;

    /// <summary>GFLOP/s of all threads of the device together: the best of several runs.</summary>
    public static double Measure(Device device)
    {
        double best = 0;
        float* sums = stackalloc float[device.Threads];
        for (int run = 0; run < 8; run++)
        {
            long start = Stopwatch.GetTimestamp();
            device.Host.Run(new Kernel(sums), device.Threads);
            double flops = 2.0 * 12 * device.SimdFloats * Steps * device.Threads;
            best = Math.Max(best, flops / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }
        return best;
    }

    private readonly struct Kernel(float* sums) : IHostKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector a = TSimd.Broadcast(0.5f), b = TSimd.Broadcast(0.25f);
            TVector c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
            for (int i = 0; i < Steps; i++)
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
