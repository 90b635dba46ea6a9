using System.Text.RegularExpressions;
using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>The table <c>eng/figures.tsv</c>, which says what command makes which figure, held against the documents.</summary>
internal sealed partial class FigureTable
{
    private const string Readme = "README.md", Numbers = "docs/numbers.md";

    // README's sections whose figures all have a command, beside those that are made from claims.
    private static readonly string[] Measured = ["What was measured", "Under attack"];

    private static readonly string[] NoFigures = ["command", "machine", "verdict"];

    private static readonly string[] Commands = [.. GpuConvCommand.Create().Subcommands.Select(c => c.Name)];

    private readonly Dictionary<string, string> commands;

    private readonly Figure[] figures;

    private readonly string[] claims, quoted;

    private readonly List<string> problems = [];

    private FigureTable(string table)
    {
        string[][] lines = [.. table.ReplaceLineEndings("\n").Split('\n').Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split('\t'))];
        commands = lines.Where(l => l[0] == "run").ToDictionary(l => l[1], l => l[3]);
        string[][] made = [.. lines.Where(l => l[0] == "figure")];
        figures = [.. made.Select(l => new Figure(Readme, l[3], l[5].Split(' '))), .. made.Select(l => new Figure(Numbers, l[4], l[5].Split(' ')))];
        figures = [.. figures.Where(f => f.Row != "-")];
        claims = [.. lines.Where(l => l[0] == "claims").Select(l => l[2])];
        quoted = [.. lines.Where(l => l[0] == "quoted").Select(l => l[1])];
        foreach (string run in lines.Where(l => l[0] == "claims").SelectMany(l => l[3].Split(' ')).Concat(figures.SelectMany(f => f.Runs)).Where(r => !commands.ContainsKey(r)))
            problems.Add($"eng/figures.tsv: there is no run '{run}'.");
    }

    /// <summary>What is wrong: figures without a command, rows that are not there, commands that differ.</summary>
    public static IReadOnlyList<string> Problems(string readme, string numbers, string table)
    {
        var figures = new FigureTable(table);
        Row[] inReadme = [.. Rows(readme)], inNumbers = [.. Rows(numbers)];
        foreach (Figure figure in figures.figures) figures.CheckPlace(figure, figure.Document == Readme ? readme : numbers, figure.Document == Readme ? inReadme : inNumbers);
        foreach (Row row in inReadme.Where(r => Measured.Contains(r.Section))) figures.CheckKnown(Readme, row);
        foreach (Row row in inNumbers) figures.CheckKnown(Numbers, row);
        foreach (Row row in inNumbers) figures.CheckCommands(row);
        figures.CheckOnce(inNumbers);
        foreach (string section in Measured) figures.CheckProse(section, Prose(readme, section));
        foreach (string section in (string[])[.. Measured, .. figures.claims]) figures.CheckOptions(Readme, Section(readme, section));
        figures.CheckOptions(Numbers, numbers);
        return figures.problems;
    }

    private void CheckPlace(Figure figure, string text, Row[] rows)
    {
        int count = figure.Row[0] == '~' ? figure.Pattern.Count(text) : rows.Count(r => r.HasFigure && r.Is(figure));
        if (count != 1) problems.Add($"{figure.Document}: the row '{figure.Row}' of eng/figures.tsv is there {count} times.");
    }

    private void CheckKnown(string document, Row row)
    {
        if (row.HasFigure && figures.Count(f => f.Document == document && row.Is(f)) != 1) problems.Add($"{document}: no command of eng/figures.tsv makes the figure of '{row.Label}': {row.Figures}");
    }

    // The commands of a row are those that make its figure.
    private void CheckCommands(Row row)
    {
        if (!row.HasFigure || figures.FirstOrDefault(f => f.Document == Numbers && row.Is(f)) is not { } figure) return;
        string[] here = [.. Code(row.Command).Select(RunOf).OfType<string>().Distinct().Order(StringComparer.Ordinal)];
        if (!here.SequenceEqual(figure.Runs.Order(StringComparer.Ordinal)))
            problems.Add($"{Numbers}: '{row.Label}' is made by {string.Join(", ", figure.Runs)} in eng/figures.tsv, here by {(here.Length == 0 ? "nothing of it" : string.Join(", ", here))}: {row.Command}");
    }

    private void CheckOnce(Row[] rows)
    {
        string[] given = [.. rows.SelectMany(r => Code(r.Command))];
        foreach ((string name, string command) in commands)
            if (given.Count(c => c == command) != 1) problems.Add($"{Numbers}: the command of '{name}' is given {given.Count(c => c == command)} times: {command}");
        foreach (IGrouping<string, string> same in commands.Keys.GroupBy(n => commands[n]).Where(g => g.Count() > 1)) problems.Add($"eng/figures.tsv: {string.Join(", ", same)} are one command.");
    }

    // Shares in running text: made by a command, or somebody's.
    private void CheckProse(string section, string text)
    {
        foreach (string known in quoted) text = text.Replace(known, "", StringComparison.Ordinal);
        foreach (Figure figure in figures.Where(f => f.Document == Readme && f.Row[0] == '~')) text = figure.Pattern.Replace(text, "");
        foreach (Match share in Share().Matches(text)) problems.Add($"{Readme}, {section}: no command of eng/figures.tsv makes '{share.Value}'.");
    }

    // A command with options is one of the table's but for the models' files; options with values are some of one.
    private void CheckOptions(string document, string text)
    {
        foreach (string code in Code(text))
        {
            string first = code.Split(' ')[0];
            bool isCommand = Commands.Contains(first) && code.Contains(" --", StringComparison.Ordinal), areOptions = document == Readme && code.StartsWith("--", StringComparison.Ordinal) && code.Contains(' ');
            HashSet<string> options = Options(code);
            if (isCommand && !commands.Values.Any(c => c.Split(' ')[0] == first && Options(c).SetEquals(options)) || areOptions && !commands.Values.Any(c => options.IsSubsetOf(Options(c))))
                problems.Add($"{document}: `{code}` is not what eng/figures.tsv runs.");
        }
    }

    private string? RunOf(string code) => commands.ContainsKey(code) ? code : commands.FirstOrDefault(r => r.Value == code).Key;

    // Each with its value.
    private static HashSet<string> Options(string command) =>
        [.. Option().Matches(command).Select(m => m.Value.Trim()).Where(o => !o.StartsWith("--model ", StringComparison.Ordinal))];

    private static IEnumerable<string> Code(string text) => CodeSpan().Matches(text).Select(m => m.Groups["text"].Value);

    private static string Section(string text, string heading)
    {
        Match found = Regex.Match(text, $@"^## {Regex.Escape(heading)}\n(?<text>.*?)(?=^## |\z)", RegexOptions.Multiline | RegexOptions.Singleline);
        return found.Groups["text"].Value;
    }

    private static string Prose(string text, string section) => CodeSpan().Replace(string.Join(' ', Section(text, section).Split('\n').Where(l => !l.StartsWith('|'))), m => m.Value.Replace(" %", "", StringComparison.Ordinal));

    private static IEnumerable<Row> Rows(string text)
    {
        string section = "";
        string[]? header = null;
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal)) section = line[3..];
            string[]? cells = line.StartsWith('|') ? [.. line.Trim()[1..^1].Split('|').Select(c => c.Trim())] : null;
            if (cells is not null && header is not null && !cells.All(c => c.All(x => x == '-')))
            {
                int command = Array.IndexOf(header, "command");
                yield return new Row(section, cells[0], string.Join(" | ", cells.Where((_, i) => i > 0 && !NoFigures.Contains(header[i]))), command < 0 ? "" : cells[command]);
            }
            header = cells is null ? null : header ?? cells;
        }
    }

    [GeneratedRegex("`(?<text>[^`]+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"--[a-z-]+( (?!--)\S+)?")]
    private static partial Regex Option();

    [GeneratedRegex(@"\d+(\.\d+)? %")]
    private static partial Regex Share();

    private sealed record Figure(string Document, string Row, string[] Runs)
    {
        /// <summary>Of running text: its words with a number for each #, wherever lines end.</summary>
        public Regex Pattern => new(string.Join(@"\s+", Row[1..].Split(' ').Select(w => Regex.Escape(w).Replace(@"\#", @"\d+(,\d{3})*(\.\d+)?", StringComparison.Ordinal))));
    }

    private sealed record Row(string Section, string Label, string Figures, string Command)
    {
        public bool HasFigure => CodeSpan().Replace(Figures, "").Any(char.IsAsciiDigit);

        public bool Is(Figure figure) => Label.StartsWith(figure.Row, StringComparison.Ordinal);
    }
}
