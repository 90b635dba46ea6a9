using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>Rows with two bars each, their values written behind them, and an axis below.</summary>
/// <param name="Title">What is shown, with its unit.</param>
/// <param name="Rows">Label and the two values of each row.</param>
/// <param name="Colors">The two bars' colours.</param>
/// <param name="FirstText">How the first values are written.</param>
/// <param name="SecondText">How the second ones are.</param>
internal sealed record PairedBars(string Title, IReadOnlyList<(string Label, double First, double Second)> Rows, (SKColor First, SKColor Second) Colors, Func<double, string> FirstText, Func<double, string> SecondText)
{
    private const float RowHeight = 34, BarHeight = 11, Top = 30, Bottom = 26, ValueRoom = 100;

    public float Height => Top + Rows.Count * RowHeight + Bottom;

    public void Draw(Picture picture, float left, float top, float width)
    {
        picture.Text(Title, left, top + Theme.HeadingSize, Theme.HeadingSize, bold: true);
        float labels = Math.Min(width / 2, Rows.Max(r => Picture.TextWidth(r.Label, Theme.SmallSize)) + 10);
        float origin = left + labels, room = width - labels - ValueRoom;
        double largest = Rows.Max(r => Math.Max(r.First, r.Second));
        Ticks ticks = Ticks.Linear(0, largest > 0 ? largest : 1, Math.Max(2, (int)(room / 90)));
        float bottom = top + Top + Rows.Count * RowHeight;
        for (int i = 0; i < ticks.Positions.Length; i++)
        {
            float x = origin + (float)(ticks.Positions[i] / ticks.Maximum) * room;
            picture.Line(x, top + Top, x, bottom, Theme.Grid);
            picture.Text(ticks.Labels[i], x, bottom + 16, Theme.SmallSize, Theme.Muted, align: SKTextAlign.Center);
        }
        for (int i = 0; i < Rows.Count; i++)
        {
            (string label, double first, double second) = Rows[i];
            float middle = top + Top + (i + 0.5f) * RowHeight;
            picture.Text(label, origin - 6, middle + Theme.SmallSize * Picture.CapitalHeight / 2, Theme.SmallSize, align: SKTextAlign.Right);
            Bar(first, middle - BarHeight - 1, Colors.First, FirstText);
            Bar(second, middle + 1, Colors.Second, SecondText);

            void Bar(double value, float y, SKColor color, Func<double, string> text)
            {
                float length = (float)(value / ticks.Maximum) * room;
                picture.Fill(SKRect.Create(origin, y, length, BarHeight), color);
                picture.Text(text(value), origin + length + 5, y + BarHeight - 1.5f, Theme.SmallSize, Theme.Muted);
            }
        }
        picture.Line(origin, top + Top, origin, bottom, Theme.Rule);
    }
}
