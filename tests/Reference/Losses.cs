namespace GpuConv.Tests.Reference;

/// <summary>Softmax, its logarithm and the cross-entropy with their gradients, row by row in float64.</summary>
public static class Losses
{
    public static double[] Softmax(double[] x, int rows, int columns) => [.. LogSoftmax(x, rows, columns).Select(Math.Exp)];

    public static double[] LogSoftmax(double[] x, int rows, int columns)
    {
        var y = new double[x.Length];
        for (int i = 0; i < rows; i++)
        {
            double max = double.NegativeInfinity, sum = 0;
            for (int j = 0; j < columns; j++) max = Math.Max(max, x[i * columns + j]);
            for (int j = 0; j < columns; j++) sum += Math.Exp(x[i * columns + j] - max);
            for (int j = 0; j < columns; j++) y[i * columns + j] = x[i * columns + j] - max - Math.Log(sum);
        }
        return y;
    }

    /// <summary>The gradient by the full Jacobian dy[k]/dx[j] = y[k] ([j = k] - y[j]).</summary>
    public static double[] SoftmaxGradient(double[] y, double[] dy, int rows, int columns)
    {
        var dx = new double[y.Length];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                for (int k = 0; k < columns; k++)
                    dx[i * columns + j] += dy[i * columns + k] * y[i * columns + k] * ((j == k ? 1 : 0) - y[i * columns + j]);
        return dx;
    }

    /// <summary>The gradient by the full Jacobian dy[k]/dx[j] = [j = k] - e^y[j].</summary>
    public static double[] LogSoftmaxGradient(double[] y, double[] dy, int rows, int columns)
    {
        var dx = new double[y.Length];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                for (int k = 0; k < columns; k++)
                    dx[i * columns + j] += dy[i * columns + k] * ((j == k ? 1 : 0) - Math.Exp(y[i * columns + j]));
        return dx;
    }

    public static double[] NegativeLogLikelihood(double[] logp, int[] labels, int columns) => [.. labels.Select((label, i) => -logp[i * columns + label])];

    public static double[] NegativeLogLikelihoodGradient(int[] labels, int columns, double scale)
    {
        var gradient = new double[labels.Length * columns];
        for (int i = 0; i < labels.Length; i++) gradient[i * columns + labels[i]] = -scale;
        return gradient;
    }

    public static double[] CrossEntropy(double[] logits, int[] labels, int columns) =>
        NegativeLogLikelihood(LogSoftmax(logits, labels.Length, columns), labels, columns);

    public static double[] CrossEntropyGradient(double[] logits, int[] labels, int columns, double scale) => SmoothedCrossEntropyGradient(logits, labels, columns, scale, 0);

    /// <summary>The sum over all rows of the cross-entropy to (1 - smoothing) onehot + smoothing / C.</summary>
    public static double SmoothedCrossEntropy(double[] logits, int[] labels, int columns, double smoothing)
    {
        double[] logp = LogSoftmax(logits, labels.Length, columns);
        double sum = 0;
        for (int i = 0; i < labels.Length; i++)
            for (int j = 0; j < columns; j++)
                sum -= ((j == labels[i] ? 1 - smoothing : 0) + smoothing / columns) * logp[i * columns + j];
        return sum;
    }

    public static double[] SmoothedCrossEntropyGradient(double[] logits, int[] labels, int columns, double scale, double smoothing)
    {
        double[] y = Softmax(logits, labels.Length, columns);
        for (int i = 0; i < y.Length; i++) y[i] -= smoothing / columns;
        for (int i = 0; i < labels.Length; i++) y[i * columns + labels[i]] -= 1 - smoothing;
        return [.. y.Select(v => scale * v)];
    }
}
