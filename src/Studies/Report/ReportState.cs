namespace GpuConv.Studies;

/// <summary>What a part's folder says of itself: <c>part.json</c>.</summary>
/// <param name="Key">What decides its numbers: the command with its options, the models' bytes, the data, the kind of device, the program's build.</param>
/// <param name="Done">Whether it is finished.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record ReportState(string Key, bool Done, double Seconds);

/// <summary>A part that is done.</summary>
/// <param name="Part">The part.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Reused">Whether it was done before.</param>
internal sealed record DonePart(ReportPart Part, double Seconds, bool Reused);
