namespace GpuConv.Kernels;

/// <summary>The gradient to a bias on the CPU: the sum of each channel over images and pixels of dy (N, K, P, Q).</summary>
internal static unsafe class PlaneSum
{
    /// <summary>db[k] = the sum of dy[:, k]. Overwrites db.</summary>
    public static void Run(Tensor<float> dy, Tensor<float> db)
    {
        int batch = dy.Shape[0], channels = dy.Shape[1];
        dy.Device.Host.Run(new Kernel(batch, channels, dy.Shape[2] * dy.Shape[3], dy.Pointer, db.Pointer), channels);
    }

    // One item owns one channel: the planes' sums, each in 16 lanes, in order of the images. In double, which costs nothing.
    private readonly struct Kernel(int batch, int channels, int pixels, float* dy, float* db) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            double sum = 0;
            for (int n = 0; n < batch; n++)
                sum += LaneSum.Sum<DeviationTerm, TSimd, TVector>(new DeviationTerm(dy + ((long)n * channels + item) * pixels, 0), pixels);
            db[item] = (float)sum;
        }
    }
}
