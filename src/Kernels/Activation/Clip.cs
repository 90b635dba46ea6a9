namespace GpuConv.Kernels;

/// <summary>min(max(x, low), high); the gradient passes from low to high, both included, as in PyTorch. NaN stays NaN.</summary>
internal readonly struct ClipFunction(float low, float high) : IActivation
{
    // The bounds themselves let the gradient pass, which y does not tell from values beyond them.
    public static bool DerivativeFromOutput => false;

    // In this order, so that high wins where the bounds are the wrong way round, as ONNX has it.
    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector least = TSimd.Broadcast(low), most = TSimd.Broadcast(high);
        TVector raised = TSimd.Select(TSimd.GreaterThan(least, x), least, x);
        return TSimd.Select(TSimd.GreaterThan(raised, most), most, raised);
    }

    public TVector Backward<TSimd, TVector>(TVector x, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector outside = TSimd.Or(TSimd.GreaterThan(TSimd.Broadcast(low), x), TSimd.GreaterThan(x, TSimd.Broadcast(high)));
        return TSimd.Select(outside, default, dy);
    }
}
