namespace GpuConv.Kernels;

/// <summary>min(max(x, low), high); the gradient passes from low to high, both included, as in PyTorch. NaN stays NaN.</summary>
internal readonly struct ClipFunction(float low, float high) : IActivation
{
    // The bounds themselves let the gradient pass, which y does not tell from values beyond them.
    public static bool DerivativeFromOutput => false;

    // In this order, so that high wins where the bounds are the wrong way round, as ONNX has it.
    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector least = TLanes.Broadcast(low), most = TLanes.Broadcast(high);
        TVector raised = TLanes.Select(TLanes.GreaterThan(least, x), least, x);
        return TLanes.Select(TLanes.GreaterThan(raised, most), most, raised);
    }

    public TVector Backward<TLanes, TVector>(TVector x, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector outside = TLanes.Or(TLanes.GreaterThan(TLanes.Broadcast(low), x), TLanes.GreaterThan(x, TLanes.Broadcast(high)));
        return TLanes.Select(outside, default, dy);
    }
}
