namespace GpuConv.Tests;

/// <summary>The product of two matrices, each as given or transposed, and the fully connected layer, in float64 by three loops.</summary>
public static class ReferenceMatrixProduct
{
    /// <summary>C (m, n) = op(A) op(B) + bias in each row; A is (m, k), or (k, m) if transposed, B is (k, n), or (n, k) if transposed.</summary>
    public static double[] Multiply(int m, int n, int k, double[] a, bool transposeA, double[] b, bool transposeB, double[]? bias = null)
    {
        var c = new double[m * n];
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++)
            {
                double sum = bias is null ? 0 : bias[j];
                for (int l = 0; l < k; l++)
                    sum += (transposeA ? a[l * m + i] : a[i * k + l]) * (transposeB ? b[j * k + l] : b[l * n + j]);
                c[i * n + j] = sum;
            }
        return c;
    }

    /// <summary>y[i, o] = b[o] + sum over f of x[i, f] w[o, f].</summary>
    public static double[] LinearForward(int batch, int inFeatures, int outFeatures, double[] x, double[] w, double[]? b)
    {
        var y = new double[batch * outFeatures];
        for (int i = 0; i < batch; i++)
            for (int o = 0; o < outFeatures; o++)
            {
                y[i * outFeatures + o] = b is null ? 0 : b[o];
                for (int f = 0; f < inFeatures; f++) y[i * outFeatures + o] += x[i * inFeatures + f] * w[o * inFeatures + f];
            }
        return y;
    }

    /// <summary>The gradients of the fully connected layer to its input, weights and bias: each product handed back to its factors.</summary>
    public static (double[] Dx, double[] Dw, double[] Db) LinearGradients(int batch, int inFeatures, int outFeatures, double[] x, double[] w, double[] dy)
    {
        var dx = new double[x.Length];
        var dw = new double[w.Length];
        var db = new double[outFeatures];
        for (int i = 0; i < batch; i++)
            for (int o = 0; o < outFeatures; o++)
            {
                double g = dy[i * outFeatures + o];
                db[o] += g;
                for (int f = 0; f < inFeatures; f++)
                {
                    dx[i * inFeatures + f] += g * w[o * inFeatures + f];
                    dw[o * inFeatures + f] += g * x[i * inFeatures + f];
                }
            }
        return (dx, dw, db);
    }
}
