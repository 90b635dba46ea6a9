using System.Globalization;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

// What a reader of a report sees: opens the page in Chromium, on a telephone and on a desk, light and dark, and looks for what must not be:
// pictures that do not load, text that sticks out, errors, requests to anywhere, what people with a screen reader cannot use.
//   GpuConv.Browser PAGE [--shots FOLDER]
// CHROMIUM names the browser, where it is not /usr/bin/chromium.

if (args.Length is not (1 or 3) || !File.Exists(args[0]) || (args.Length == 3 && args[1] != "--shots"))
{
    Console.Error.WriteLine("GpuConv.Browser: give the file of a page, and --shots FOLDER for pictures of it.");
    return 2;
}
string page = Path.GetFullPath(args[0]);
string? shots = args.Length == 3 ? args[2] : null;
if (shots is not null) Directory.CreateDirectory(shots);
string browserPath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium";
if (!File.Exists(browserPath))
{
    Console.Error.WriteLine($"GpuConv.Browser: no browser at {browserPath} (Debian: apt-get install chromium); CHROMIUM can name one.");
    return 2;
}

using IPlaywright playwright = await Playwright.CreateAsync();
await using IBrowser browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = browserPath, Args = ["--no-sandbox", "--disable-quic"] });
int faults = 0;
foreach (int width in (int[])[390, 1440])
    foreach (ColorScheme scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
        await LookAsync(width, scheme);
Console.WriteLine(faults == 0 ? "nothing wrong" : string.Create(CultureInfo.InvariantCulture, $"{faults} faults"));
return faults == 0 ? 0 : 1;

async Task LookAsync(int width, ColorScheme scheme)
{
    await using IBrowserContext context = await browser.NewContextAsync(new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = width, Height = 900 }, ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce });
    IPage tab = await context.NewPageAsync();
    string name = $"{width}-{scheme.ToString().ToLowerInvariant()}";
    tab.Console += (_, message) => { if (message.Type is "error" or "warning") Fault(name, $"console: {message.Text}"); };
    tab.PageError += (_, error) => Fault(name, $"error: {error}");
    tab.Request += (_, request) => { if (!request.Url.StartsWith("data:", StringComparison.Ordinal) && !request.Url.StartsWith("file:", StringComparison.Ordinal)) Fault(name, $"it asks for {request.Url}"); };
    await tab.GotoAsync(new Uri(page).AbsoluteUri, new PageGotoOptions { WaitUntil = WaitUntilState.Load });
    string[] broken = await tab.EvaluateAsync<string[]>("() => [...document.images].filter(i => !(i.complete && i.naturalWidth > 0)).map(i => i.alt || '(no alt)')");
    foreach (string alt in broken) Fault(name, $"a picture does not load: {alt}");
    int nameless = await tab.EvaluateAsync<int>("() => [...document.images].filter(i => !i.alt.trim()).length");
    if (nameless > 0) Fault(name, $"{nameless} pictures without a text");
    int wide = await tab.EvaluateAsync<int>("() => document.documentElement.scrollWidth");
    if (wide > width) Fault(name, $"the page is {wide} pixels wide");
    // What is wider than the screen must stand in something that scrolls.
    string[] out_ = await tab.EvaluateAsync<string[]>("""
        () => [...document.querySelectorAll('body *')].filter(e => {
          if (e.getBoundingClientRect().right <= innerWidth + 1) return false;
          for (let p = e.parentElement; p; p = p.parentElement) if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(p).overflowX)) return false;
          return true;
        }).map(e => e.tagName + ' ' + (e.textContent || '').trim().slice(0, 60))
        """);
    foreach (string element in out_.Take(5)) Fault(name, $"it sticks out: {element}");
    string[] dangling = await tab.EvaluateAsync<string[]>("() => [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1)).filter(id => !document.getElementById(id))");
    foreach (string id in dangling) Fault(name, $"a link goes nowhere: #{id}");
    AxeResult axe = await tab.RunAxe();
    foreach (AxeResultItem violation in axe.Violations) Fault(name, $"accessibility: {violation.Help} ({violation.Nodes.Length} places, as {violation.Nodes[0].Html[..Math.Min(120, violation.Nodes[0].Html.Length)]})");
    int pictures = await tab.EvaluateAsync<int>("() => document.images.length"), downloads = await tab.EvaluateAsync<int>("() => document.querySelectorAll('a[download]').length");
    Console.WriteLine($"{name}: {pictures} pictures, {downloads} files to load down");
    if (shots is null) return;
    // A page of the whole would be too high for one picture.
    IReadOnlyList<ILocator> sections = await tab.Locator("header, main > section > section, main > section:not(:has(section))").AllAsync();
    for (int i = 0; i < sections.Count; i++) await sections[i].ScreenshotAsync(new LocatorScreenshotOptions { Path = Path.Combine(shots, string.Create(CultureInfo.InvariantCulture, $"{name}-{i:d2}.png")) });
}

void Fault(string where, string what)
{
    faults++;
    Console.WriteLine($"{where}: {what}");
}
