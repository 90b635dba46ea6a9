using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>A function of one vector, for <see cref="HostLoop"/>.</summary>
internal interface IMap1
{
    TVector Apply<TSimd, TVector>(TVector a) where TSimd : struct, ISimd<TVector> where TVector : struct;
}

/// <summary>A function of two vectors, for <see cref="HostLoop"/>.</summary>
internal interface IMap2
{
    TVector Apply<TSimd, TVector>(TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct;
}

/// <summary>A function of three vectors, for <see cref="HostLoop"/>.</summary>
internal interface IMap3
{
    TVector Apply<TSimd, TVector>(TVector a, TVector b, TVector c) where TSimd : struct, ISimd<TVector> where TVector : struct;
}

/// <summary>Elementwise CPU kernels: a function of vectors applied over whole tensors, in blocks shared out among the threads.</summary>
internal static unsafe class HostLoop
{
    // 16 KiB of each tensor: a block of three or four stays in the first-level cache, and sharing it out costs little.
    private const int Block = 4096;

    /// <summary>destination = f(a).</summary>
    public static void Map<TMap>(Device device, TMap map, Tensor<float> a, Tensor<float> destination) where TMap : unmanaged, IMap1 =>
        device.Host.Run(new Kernel1<TMap>(map, a.Pointer, destination.Pointer, a.Count), Blocks(a.Count));

    /// <summary>destination = f(a, b).</summary>
    public static void Map<TMap>(Device device, TMap map, Tensor<float> a, Tensor<float> b, Tensor<float> destination) where TMap : unmanaged, IMap2 =>
        device.Host.Run(new Kernel2<TMap>(map, a.Pointer, b.Pointer, destination.Pointer, a.Count), Blocks(a.Count));

    /// <summary>destination = f(a, b, c).</summary>
    public static void Map<TMap>(Device device, TMap map, Tensor<float> a, Tensor<float> b, Tensor<float> c, Tensor<float> destination) where TMap : unmanaged, IMap3 =>
        device.Host.Run(new Kernel3<TMap>(map, a.Pointer, b.Pointer, c.Pointer, destination.Pointer, a.Count), Blocks(a.Count));

    /// <summary>The number of blocks that elementwise work of this many elements is shared out in.</summary>
    public static int Blocks(int count) => (count + Block - 1) / Block;

    /// <summary>The elements of one block.</summary>
    public static (int Start, int End) BlockRange(int block, int count) => (block * Block, Math.Min((block + 1) * Block, count));

    private readonly struct Kernel1<TMap>(TMap map, float* a, float* y, int count) : IHostKernel where TMap : unmanaged, IMap1
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int i, int end) = BlockRange(item, count);
            for (; i <= end - TSimd.Count; i += TSimd.Count)
                TSimd.Store(map.Apply<TSimd, TVector>(TSimd.Load(a + i)), y + i);
            int rest = end - i;
            if (rest > 0)
                SimdTail.Store<TSimd, TVector>(map.Apply<TSimd, TVector>(SimdTail.Load<TSimd, TVector>(a + i, rest)), y + i, rest);
        }
    }

    private readonly struct Kernel2<TMap>(TMap map, float* a, float* b, float* y, int count) : IHostKernel where TMap : unmanaged, IMap2
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int i, int end) = BlockRange(item, count);
            for (; i <= end - TSimd.Count; i += TSimd.Count)
                TSimd.Store(map.Apply<TSimd, TVector>(TSimd.Load(a + i), TSimd.Load(b + i)), y + i);
            int rest = end - i;
            if (rest > 0)
                SimdTail.Store<TSimd, TVector>(map.Apply<TSimd, TVector>(SimdTail.Load<TSimd, TVector>(a + i, rest), SimdTail.Load<TSimd, TVector>(b + i, rest)), y + i, rest);
        }
    }

    private readonly struct Kernel3<TMap>(TMap map, float* a, float* b, float* c, float* y, int count) : IHostKernel where TMap : unmanaged, IMap3
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int i, int end) = BlockRange(item, count);
            for (; i <= end - TSimd.Count; i += TSimd.Count)
                TSimd.Store(map.Apply<TSimd, TVector>(TSimd.Load(a + i), TSimd.Load(b + i), TSimd.Load(c + i)), y + i);
            int rest = end - i;
            if (rest > 0)
            {
                TVector result = map.Apply<TSimd, TVector>(SimdTail.Load<TSimd, TVector>(a + i, rest), SimdTail.Load<TSimd, TVector>(b + i, rest), SimdTail.Load<TSimd, TVector>(c + i, rest));
                SimdTail.Store<TSimd, TVector>(result, y + i, rest);
            }
        }
    }
}
