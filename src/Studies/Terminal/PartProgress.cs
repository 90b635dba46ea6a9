namespace GpuConv.Studies;

/// <summary>How far a command is that runs as a part of a larger one: its display tells it here.</summary>
internal static class PartProgress
{
    private static Action<double, string>? told;

    /// <summary>Whether the command that runs is a part.</summary>
    public static bool IsFollowed => told is not null;

    /// <summary>Tells how much of the part is done, 0 to 1, and what it is at; nothing happens where no one follows.</summary>
    public static void Tell(double share, string now) => told?.Invoke(share, now);

    /// <summary>Follows what runs.</summary>
    public static void Follow(Action<double, string> tell, Action run)
    {
        told = tell;
        try
        {
            run();
        }
        finally
        {
            told = null;
        }
    }
}
