using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary><c>Gemm</c> and <c>MatMul</c>.</summary>
internal static class OnnxProducts
{
    public static void Gemm(OnnxCall call)
    {
        OnnxValue a = call.Float(0), b = call.Float(1);
        float alpha = call.Number("alpha", 1), beta = call.Number("beta", 1);
        bool transposeA = call.Int("transA", 0) != 0, transposeB = call.Int("transB", 0) != 0;
        if (a.Shape.Length != 2 || b.Shape.Length != 2) throw call.Malformed($"takes matrices, not {OnnxArray.TextOf(a.Shape)} and {OnnxArray.TextOf(b.Shape)}");
        int m = a.Shape[transposeA ? 1 : 0], k = a.Shape[transposeA ? 0 : 1], n = b.Shape[transposeB ? 0 : 1];
        if (b.Shape[transposeB ? 1 : 0] != k) throw call.Malformed($"multiplies {OnnxArray.TextOf(a.Shape)} and {OnnxArray.TextOf(b.Shape)}, whose inner sizes differ");
        int[] shape = [m, n];
        OnnxValue? c = call.Optional(2) is null ? null : call.Float(2);
        if (c is not null && call.Opset < 7) c = OnnxElementwise.OldBroadcast(call, shape, c);
        if (beta == 0) c = null;
        // A bias of one value for each column is added on the way to memory.
        bool isBias = c is not null && alpha == 1 && beta == 1 && c.Count == n && c.Shape[^1] == n;
        Tensor<float> y = Product(call, a.Floats, b.Floats, m, n, k, transposeA, transposeB, isBias ? c!.Floats.Reshape(new Shape(n)) : null);
        if (alpha != 1) call.Run.Elementwise.Scale(y, alpha, y);
        if (c is not null && !isBias) call.Run.Elementwise.AddScaled(y, beta, OnnxGrid.Broadcast(call, c, shape).Floats, y);
        call.Set(0, a.Type, shape, y);
    }

    /// <summary>numpy's matmul: of stacks of matrices, whose outer dimensions are broadcast; a vector is a row on the left, a column on the right.</summary>
    public static void MatMul(OnnxCall call)
    {
        OnnxValue a = call.Float(0), b = call.Float(1);
        bool row = a.Shape.Length == 1, column = b.Shape.Length == 1;
        if (a.Shape.Length == 0 || b.Shape.Length == 0) throw call.Malformed("multiplies a single number");
        if (row) a = a.Reshape([1, a.Shape[0]]);
        if (column) b = b.Reshape([b.Shape[0], 1]);
        int m = a.Shape[^2], k = a.Shape[^1], n = b.Shape[^1];
        if (b.Shape[^2] != k) throw call.Malformed($"multiplies {OnnxArray.TextOf(a.Shape)} and {OnnxArray.TextOf(b.Shape)}, whose inner sizes differ");
        int[] outer = OnnxGrid.Common(call, a.Shape[..^2], b.Shape[..^2]), shape = [.. outer, .. row ? (int[])[] : [m], .. column ? (int[])[] : [n]];
        int stack = outer.Aggregate(1, (count, size) => checked(count * size));
        if (stack == 1)
        {
            call.Set(0, a.Type, shape, Product(call, a.Floats, b.Floats, m, n, k, false, false, null));
            return;
        }
        Tensor<float> left = OnnxGrid.Broadcast(call, a, [.. outer, m, k]).Floats, right = OnnxGrid.Broadcast(call, b, [.. outer, k, n]).Floats;
        Tensor<float> y = call.Run.Allocate<float>([.. outer, m, n]);
        var product = new MatMul(call.Run.Arena, false, false, Largest(m, n, k));
        for (int i = 0; i < stack && m * n > 0; i++)
            Multiply(call, product, left.Slice(i * m * k, m * k), right.Slice(i * k * n, k * n), null, m, n, k, y.Slice(i * m * n, m * n));
        call.Set(0, a.Type, shape, y);
    }

    private static Tensor<float> Product(OnnxCall call, Tensor<float> a, Tensor<float> b, int m, int n, int k, bool transposeA, bool transposeB, Tensor<float>? bias)
    {
        Tensor<float> y = call.Run.Allocate<float>(m, n);
        if (y.Count > 0) Multiply(call, new MatMul(call.Run.Arena, transposeA, transposeB, Largest(m, n, k)), a, b, bias, m, n, k, y);
        return y;
    }

    private static void Multiply(OnnxCall call, MatMul product, Tensor<float> a, Tensor<float> b, Tensor<float>? bias, int m, int n, int k, Tensor<float> y)
    {
        if (k == 0) throw call.Unsupported("of matrices without inner elements");
        product.Multiply(a.Reshape(product.TransposeA ? new Shape(k, m) : new Shape(m, k)), b.Reshape(product.TransposeB ? new Shape(n, k) : new Shape(k, n)), bias, y.Reshape(new Shape(m, n)));
    }

    private static int Largest(int m, int n, int k) => Math.Max(checked(m * k), Math.Max(checked(k * n), checked(m * n)));
}
