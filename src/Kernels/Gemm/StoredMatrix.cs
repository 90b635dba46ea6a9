using ILGPU;

namespace GpuConv.Kernels;

/// <summary>The order of a <see cref="StoredMatrix{TRead}"/>, as a type, so that each has a kernel of its own.</summary>
internal interface IGemmRead
{
    static abstract GemmRead Value { get; }
}

/// <inheritdoc cref="GemmRead.QuadsAlongK"/>
internal struct QuadsAlongK : IGemmRead
{
    public static GemmRead Value => GemmRead.QuadsAlongK;
}

/// <inheritdoc cref="GemmRead.QuadsAlongOuter"/>
internal struct QuadsAlongOuter : IGemmRead
{
    public static GemmRead Value => GemmRead.QuadsAlongOuter;
}

/// <inheritdoc cref="GemmRead.ThreadsAlongK"/>
internal struct ThreadsAlongK : IGemmRead
{
    public static GemmRead Value => GemmRead.ThreadsAlongK;
}

/// <inheritdoc cref="GemmRead.ThreadsAlongOuter"/>
internal struct ThreadsAlongOuter : IGemmRead
{
    public static GemmRead Value => GemmRead.ThreadsAlongOuter;
}

/// <summary>
/// A dense matrix in memory as an operand, its lines <c>stride</c> apart: along k they lie side by side, or along the outer index, as
/// <typeparamref name="TRead"/> says. Several matrices lie <c>sliceStride</c> apart.
/// </summary>
internal readonly struct StoredMatrix<TRead>(ArrayView<float> values, int stride, int sliceStride = 0) : IGemmOperand where TRead : struct, IGemmRead
{
    private readonly ArrayView<float> values = values;
    private readonly int stride = stride;
    private readonly int sliceStride = sliceStride;

    public static GemmRead Read => TRead.Value;

    private static bool IsAlongK => TRead.Value == GemmRead.QuadsAlongK || TRead.Value == GemmRead.ThreadsAlongK;

    public static bool OuterIsPadded => false;

    public static bool InnerIsPadded => false;

    public static bool IsStored => true;

    public ArrayView<float> Memory => values;

    public GemmPlace Outer(int slice, int outer, int further) => new() { Offset = slice * sliceStride + (IsAlongK ? (outer + further) * stride : outer + further) };

    public GemmPlace Inner(int slice, int inner, int further) => new() { Offset = IsAlongK ? inner + further : (inner + further) * stride };

    public GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside) => new() { At = outer.Offset + inner.Offset, IsInside = inside };

    public float Load(GemmPlace outer, GemmPlace inner, bool inside) => Locate(outer, inner, inside).Load(values);

    public Quad Load4(GemmPlace outer, GemmPlace inner) => Quad.Of(values)[(outer.Offset + inner.Offset) / 4];
}

/// <summary>What can be known of a matrix before its order is.</summary>
internal static class StoredMatrix
{
    /// <summary>Whether lines can be read in quads: every line starts at a multiple of 16 bytes and holds a multiple of four elements.</summary>
    public static bool HasQuads(ArrayView<float> values, int stride, int sliceStride = 0) => stride % 4 == 0 && sliceStride % 4 == 0 && Quad.AreAligned(values);
}

/// <summary>The other reading of an operand: its outer index becomes the one summed over.</summary>
internal readonly struct TransposedOperand<TOperand>(TOperand operand) : IGemmOperand where TOperand : struct, IGemmOperand
{
    private readonly TOperand operand = operand;

    public static GemmRead Read => TOperand.Read == GemmRead.ThreadsAlongOuter ? GemmRead.ThreadsAlongK
        : TOperand.Read == GemmRead.ThreadsAlongK ? GemmRead.ThreadsAlongOuter
        : TOperand.Read == GemmRead.QuadsAlongK ? GemmRead.QuadsAlongOuter : GemmRead.QuadsAlongK;

    public static bool OuterIsPadded => TOperand.InnerIsPadded;

    public static bool InnerIsPadded => TOperand.OuterIsPadded;

    public static bool IsStored => TOperand.IsStored;

    public ArrayView<float> Memory => operand.Memory;

    public GemmPlace Outer(int slice, int outer, int further) => operand.Inner(slice, outer, further);

    public GemmPlace Inner(int slice, int inner, int further) => operand.Outer(slice, inner, further);

    public GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside) => operand.Locate(inner, outer, inside);

    public float Load(GemmPlace outer, GemmPlace inner, bool inside) => operand.Load(inner, outer, inside);

    public Quad Load4(GemmPlace outer, GemmPlace inner) => operand.Load4(inner, outer);
}

/// <summary>A row-major matrix as the result, with what is to happen to the sums. Several products lie <c>sliceStride</c> apart.</summary>
internal readonly struct MatrixResult(ArrayView<float> values, int columns, ProductEpilogue epilogue = default, int sliceStride = 0) : IGemmResult
{
    private readonly ArrayView<float> values = values;
    private readonly ArrayView<float> bias = epilogue.Bias is { } given ? given.View : values;
    private readonly ArrayView<float> reluOutput = epilogue.ReluOutput is { } output ? output.View : values;
    private readonly int hasBias = epilogue.Bias is null ? 0 : 1;
    private readonly int throughRelu = epilogue.ThroughRelu ? 1 : 0;
    private readonly int hasReluOutput = epilogue.ReluOutput is null ? 0 : 1;
    private readonly int columns = columns;
    private readonly int sliceStride = sliceStride;
    private readonly int inQuads =
        columns % 4 == 0 && sliceStride % 4 == 0 && Quad.AreAligned(values) && AreAligned(epilogue.Bias) && AreAligned(epilogue.ReluOutput) ? 1 : 0;

    public int InQuads => inQuads;

    public int Column(int slice, int n) => slice * sliceStride + n;

    public void Store(int slice, int m, int n, int column, float sum)
    {
        int at = column + m * columns;
        if (hasBias != 0) sum += bias[n];
        if (throughRelu != 0) sum = Relu(sum);
        if (hasReluOutput != 0) sum = Gate(sum, reluOutput[at]);
        values[at] = sum;
    }

    public void Store4(int slice, int m, int n, int column, Quad sums)
    {
        int at = (column + m * columns) / 4;
        if (hasBias != 0) sums = Quad.Add(sums, Quad.Of(bias)[n / 4]);
        if (throughRelu != 0) sums = new Quad(Relu(sums.X), Relu(sums.Y), Relu(sums.Z), Relu(sums.W));
        if (hasReluOutput != 0)
        {
            Quad output = Quad.Of(reluOutput)[at];
            sums = new Quad(Gate(sums.X, output.X), Gate(sums.Y, output.Y), Gate(sums.Z, output.Z), Gate(sums.W, output.W));
        }
        Quad.Of(values)[at] = sums;
    }

    private static bool AreAligned(Tensor<float>? tensor) => tensor is not { } given || Quad.AreAligned(given.View);

    private static float Relu(float x) => default(ReluFunction).Forward<Lane, float>(x);

    private static float Gate(float gradient, float output) => default(ReluFunction).Backward<Lane, float>(output, gradient);
}
