namespace GpuConv.Peers;

/// <summary>Whether a peer computes the same: what differs is not timed.</summary>
internal static class Agreement
{
    // Of the largest value: sums of up to 50,000 float32 products in different orders. Five steps of Adam amplify roundings, as it
    // divides gradients by their size.
    private const double Allowed = 1e-4, AllowedTraining = 1e-3;

    /// <summary>What is wrong with results; null if nothing.</summary>
    public static string? Complaint(Case work, float[] ours, float[] theirs)
    {
        if (ours.Length == 0 || ours.Length != theirs.Length) return $"it gave {theirs.Length} results, we {ours.Length}";
        double allowed = (work.Work == Work.Train ? AllowedTraining : Allowed) * ours.Max(v => (double)Math.Abs(v));
        for (int i = 0; i < ours.Length; i++)
        {
            // Written so that NaN fails.
            if (!(Math.Abs(ours[i] - theirs[i]) <= allowed)) return $"result {i} is {theirs[i]:g7}, ours {ours[i]:g7}: it is not the same work, and is not timed";
        }
        return null;
    }
}
