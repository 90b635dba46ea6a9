using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>A number for each channel, added to its maps, and the gradient: the sum of each channel over images and pixels.</summary>
internal sealed class ChannelBias(Device device)
{
    private readonly SpanKernel<AddKernel> add = new(device);
    private readonly GroupKernel<GradientKernel> gradient = new(device);

    /// <summary>y[:, k] += b[k]. Updates y (N, K, P, Q).</summary>
    public void Add(Tensor<float> b, Tensor<float> y) => add.Launch(y.Count, new AddKernel(b.Count, y.Shape[2] * y.Shape[3], b.View, y.View));

    /// <summary>db[k] = the sum of dy[:, k]. Overwrites db.</summary>
    public void Gradient(Tensor<float> dy, Tensor<float> db)
    {
        if (device.IsHost) PlaneSum.Run(dy, db);
        else gradient.Launch(new KernelConfig(db.Count, PlaneReduction.GroupSize), new GradientKernel(dy.Shape[0], dy.Shape[2] * dy.Shape[3], dy.View, db.View));
    }

    // One index owns one element.
    internal readonly struct AddKernel(int channels, int pixels, ArrayView<float> b, ArrayView<float> y) : ISpanKernel
    {
        public void Run(int i) => y[i] += b[i / pixels % channels];

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* values = y.Start();
            for (int i = from; i < to;)
            {
                float bias = b.Start()[i / pixels % channels];
                int end = Math.Min(to, (i / pixels + 1) * pixels);
                for (; i <= end - TSimd.Count; i += TSimd.Count) TSimd.Store(TSimd.Add(TSimd.Load(values + i), TSimd.Broadcast(bias)), values + i);
                for (; i < end; i++) values[i] += bias;
            }
        }
    }

    // One group owns one channel. Its threads take every 64th pixel of all images in ascending order, and are added in the order of PlaneReduction. Moves 4 N P Q bytes for each group.
    internal readonly struct GradientKernel(int batch, int pixels, ArrayView<float> dy, ArrayView<float> db) : IGroupKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(PlaneReduction.GroupSize);
            int channel = Grid.IdxX, channels = db.IntLength, lane = Group.IdxX;
            float sum = 0;
            for (int i = lane; i < batch * pixels; i += PlaneReduction.GroupSize)
            {
                int image = i / pixels;
                sum += dy[(image * channels + channel) * pixels + i - image * pixels];
            }
            sum = PlaneReduction.GroupSum(lanes, lane, sum);
            if (lane == 0) db[channel] = sum;
        }
    }
}
