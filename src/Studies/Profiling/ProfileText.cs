using System.Text;
using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Where the time of each pass goes, as a table: its steps in the order in which they ran, under each its kernels.</summary>
internal static class ProfileText
{
    public static string Of(Profile profile)
    {
        IReadOnlyList<ProfileTotal> totals = profile.Totals;
        var text = new StringBuilder();
        foreach (ProfileTotal pass in totals.Where(t => t.Pass.Length > 0 && t.Step.Length == 0 && t.Kernel.Length == 0))
        {
            if (text.Length > 0) text.Append('\n');
            text.Append($"{pass.Pass}: {(pass.Count == 1 ? "once" : $"{pass.Count:n0} times")}, {1e3 * pass.Seconds / pass.Count:f3} ms\n\n");
            text.Append(Table(pass, [.. totals.Where(t => t.Pass == pass.Pass && t.Step.Length > 0)]));
        }
        return text.ToString();
    }

    private static TextTable Table(ProfileTotal pass, ProfileTotal[] parts)
    {
        var table = new TextTable("", ">runs", ">ms", ">share");
        ProfileTotal[] steps = [.. parts.Where(t => t.Kernel.Length == 0)];
        foreach (ProfileTotal step in steps)
        {
            Row(step.Step, step.Count, step.Seconds);
            foreach (ProfileTotal kernel in parts.Where(t => t.Step == step.Step && t.Kernel.Length > 0)) Row($"  {kernel.Kernel}", kernel.Count, kernel.Seconds);
        }
        Row("all steps", steps.Sum(s => s.Count), steps.Sum(s => s.Seconds));
        return table;

        // Runs and milliseconds of one pass, on average.
        void Row(string name, long count, double seconds) =>
            table.Add(name, $"{(double)count / pass.Count:0.##}", $"{1e3 * seconds / pass.Count:f4}", $"{100 * seconds / pass.Seconds:f1} %");
    }
}
