namespace GpuConv.Kernels;

/// <summary>What <see cref="SimdFold"/> does with each vector of its one or two inputs.</summary>
internal interface IFold
{
    /// <summary>The value that padding lanes of the first input have.</summary>
    static abstract float Padding { get; }

    /// <summary>The new value of the running result.</summary>
    static abstract TVector Step<TSimd, TVector>(TVector result, TVector a, TVector b)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;

    /// <summary>The result of two lanes.</summary>
    static abstract float Combine(float a, float b);
}

/// <summary>The sum of a.</summary>
internal readonly struct SumFold : IFold
{
    public static float Padding => 0;

    public static TVector Step<TSimd, TVector>(TVector result, TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct => TSimd.Add(result, a);

    public static float Combine(float a, float b) => a + b;
}

/// <summary>The sum of a * b.</summary>
internal readonly struct DotFold : IFold
{
    public static float Padding => 0;

    public static TVector Step<TSimd, TVector>(TVector result, TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct => TSimd.MultiplyAdd(a, b, result);

    public static float Combine(float a, float b) => a + b;
}

/// <summary>The largest of a; NaN if one is NaN.</summary>
internal readonly struct MaxFold : IFold
{
    public static float Padding => float.NegativeInfinity;

    public static TVector Step<TSimd, TVector>(TVector result, TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct => TSimd.Max(result, a);

    public static float Combine(float a, float b) => Math.Max(a, b);
}

/// <summary>
/// One number from a row of numbers. Element j belongs to logical lane j mod 16, whatever the vector width; lanes are joined by a
/// tree at the end, and a row whose length 16 does not divide is padded. So the order, and the bits, follow from the length alone.
/// </summary>
internal static unsafe class SimdFold
{
    /// <summary>The logical lanes: as many as the widest vector has.</summary>
    public const int Lanes = 16;

    /// <summary>Folds a row, or two together.</summary>
    public static float Row<TFold, TSimd, TVector>(float* a, float* b, int count)
        where TFold : struct, IFold
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        float* lanes = stackalloc float[Lanes], paddedA = stackalloc float[Lanes], paddedB = stackalloc float[Lanes];
        for (int k = 0; k < Lanes; k++) lanes[k] = TFold.Padding;
        for (int j = 0; j < count; j += Lanes)
        {
            float* fromA = a + j, fromB = b + j;
            if (count - j < Lanes)
            {
                fromA = Pad(fromA, count - j, TFold.Padding, paddedA);
                fromB = Pad(fromB, count - j, 0, paddedB);
            }
            for (int k = 0; k < Lanes; k += TSimd.Count)
                TSimd.Store(TFold.Step<TSimd, TVector>(TSimd.Load(lanes + k), TSimd.Load(fromA + k), TSimd.Load(fromB + k)), lanes + k);
        }
        return Join<TFold>(lanes);
    }

    /// <summary>Copies a row's rest of fewer than 16 elements and fills it up. Returns the copy.</summary>
    public static float* Pad(float* source, int count, float padding, float* destination)
    {
        for (int k = 0; k < count; k++) destination[k] = source[k];
        for (int k = count; k < Lanes; k++) destination[k] = padding;
        return destination;
    }

    /// <summary>Joins the lanes by a tree. Overwrites them.</summary>
    public static float Join<TFold>(float* lanes) where TFold : struct, IFold
    {
        for (int half = Lanes / 2; half > 0; half /= 2)
            for (int k = 0; k < half; k++) lanes[k] = TFold.Combine(lanes[k], lanes[k + half]);
        return lanes[0];
    }
}
