using System.Runtime.InteropServices;
using System.Text.Json;
using GpuConv.Peers;

if (args is [Options.WorkerCommand, string count]) return Worker.Serve(int.Parse(count));
if (args.Contains("--help"))
{
    Console.WriteLine(Options.Help);
    return 0;
}

Options options;
try
{
    options = Options.Parse(args);
}
catch (FormatException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
Case[] cases = [.. Case.All.Where(c => c.Name.Contains(options.Only, StringComparison.OrdinalIgnoreCase))];
if (cases.Length == 0)
{
    Console.Error.WriteLine($"No case's name contains '{options.Only}'. There are: {string.Join("; ", Case.All.Select(c => c.Name))}.");
    return 2;
}

TextWriter text = options.AsJson ? Console.Error : Console.Out;
using var contest = new Contest(options);
var results = new List<CaseResult>();
var run = new RunResult(
    options.Threads, RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription,
    DateTime.UtcNow.ToString("yyyy-MM-dd"), options.Rounds, options.Seconds, options.OneProcess, contest.Peers, results);
text.WriteLine(Table.Machine(run));
text.WriteLine();
text.WriteLine(Table.Heading);
foreach (Case work in cases)
{
    results.Add(contest.Run(work));
    text.WriteLine(Table.Row(results[^1]));
}
text.WriteLine();
text.WriteLine(Table.Notes(run));
if (options.AsMarkdown) text.WriteLine(Table.Markdown(run));
if (options.AsJson) Console.WriteLine(JsonSerializer.Serialize(run, Json.Document));
return Verdict.ExitCode(options, run, text);
