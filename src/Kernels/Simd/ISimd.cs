namespace GpuConv.Kernels;

/// <summary>
/// The vectors that CPU kernels are written in, once for every width: <see cref="Simd512"/>, <see cref="Simd256"/>, <see cref="Simd128"/> and, for processors without vectors, <see cref="SimdScalar"/>
/// implement them, and <see cref="HostTeam"/> chooses one by <see cref="SimdWidth"/>. Beside the arithmetic of lanes, which a GPU has too, what goes to memory or takes lanes across.
/// </summary>
/// <typeparam name="TVector">The vector of floats.</typeparam>
internal unsafe interface ISimd<TVector> : ILanes<TVector> where TVector : struct
{
    /// <summary>The number of lanes: 4, 8 or 16.</summary>
    static abstract int Count { get; }

    /// <summary>Loads <see cref="Count"/> floats; the address need not be aligned.</summary>
    static abstract TVector Load(float* source);

    /// <summary>Stores <see cref="Count"/> floats; the address need not be aligned.</summary>
    static abstract void Store(TVector value, float* destination);

    /// <summary>Lanes 0, 2, 4, ... of a followed by those of b.</summary>
    static abstract TVector Even(TVector a, TVector b);

    /// <summary>Lanes 1, 3, 5, ... of a followed by those of b.</summary>
    static abstract TVector Odd(TVector a, TVector b);

    /// <summary>a0 b0 a1 b1 ... of the lower halves: what <see cref="Even"/> and <see cref="Odd"/> take apart, first vector.</summary>
    static abstract TVector InterleaveLow(TVector a, TVector b);

    /// <summary>a0 b0 a1 b1 ... of the upper halves, second vector.</summary>
    static abstract TVector InterleaveHigh(TVector a, TVector b);

    /// <summary>Loads <see cref="Count"/> integers as floats, exact below 2^24.</summary>
    static abstract TVector LoadInt32(int* source);

    /// <summary>Stores lanes that hold integers below 2^24 as integers.</summary>
    static abstract void StoreInt32(TVector value, int* destination);

    /// <summary>Loads <see cref="Count"/> bytes as floats.</summary>
    static abstract TVector LoadBytes(byte* source);

    /// <summary>Stores lanes that hold integers from 0 to 127 as bytes.</summary>
    static abstract void StoreBytes(TVector value, byte* destination);
}
