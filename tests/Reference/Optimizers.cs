namespace GpuConv.Tests.Reference;

/// <summary>One parameter's optimizer in float64, line by line from PyTorch 2's documentation of torch.optim.SGD, Adam and AdamW.</summary>
public sealed class Sgd(double momentum, bool nesterov, double weightDecay)
{
    private double buffer;
    private bool stepped;

    public double Step(double theta, double g, double lr)
    {
        if (weightDecay != 0) g += weightDecay * theta;
        if (momentum != 0)
        {
            buffer = stepped ? momentum * buffer + g : g;
            stepped = true;
            g = nesterov ? g + momentum * buffer : buffer;
        }
        return theta - lr * g;
    }
}

public sealed class Adam(double beta1, double beta2, double epsilon, double weightDecay, bool decoupled)
{
    private double m, v;
    private int t;

    public double Step(double theta, double g, double lr)
    {
        t++;
        if (decoupled) theta -= lr * weightDecay * theta;
        else g += weightDecay * theta;
        m = beta1 * m + (1 - beta1) * g;
        v = beta2 * v + (1 - beta2) * g * g;
        double mHat = m / (1 - Math.Pow(beta1, t));
        double vHat = v / (1 - Math.Pow(beta2, t));
        return theta - lr * mHat / (Math.Sqrt(vHat) + epsilon);
    }
}
