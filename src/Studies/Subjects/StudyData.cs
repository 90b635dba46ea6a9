using System.CommandLine;
using System.Globalization;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The data set that --data names: mnist, IDX files, or a folder of class folders with pictures, which are decoded here.</summary>
internal static class StudyData
{
    /// <summary>Loads what the command line names, and says what its user should know.</summary>
    /// <exception cref="DataException">There is no such data set, or it is damaged.</exception>
    /// <exception cref="RequestException">--image-size is not a size, or not for this data set.</exception>
    public static DataSet Load(ParseResult parsed)
    {
        DataSet data = Load(parsed.GetValue(CommonOptions.Data)!, parsed.GetValue(CommonOptions.ImageSize), parsed.GetValue(CommonOptions.Transpose)!);
        if (!parsed.GetValue(CommonOptions.Quiet)) Say(data);
        return data;
    }

    /// <summary>Loads a data set.</summary>
    /// <param name="name">As --data has it.</param>
    /// <param name="imageSize">As --image-size has it: N or HxW, or null.</param>
    /// <param name="transpose">As --transpose has it.</param>
    /// <exception cref="DataException">There is no such data set, or it is damaged.</exception>
    /// <exception cref="RequestException">The size is none, or not for this data set.</exception>
    public static DataSet Load(string name, string? imageSize, string transpose = "auto")
    {
        var reading = new DataReading
        {
            Decode = ImageInput.Decode,
            Size = SizeOf(imageSize),
            Transpose = transpose switch { "yes" => true, "no" => false, _ => null },
        };
        DataSet data = DataSet.Load(name, reading, Invocation.Token);
        return imageSize is null || data.FromPictures ? data : throw new RequestException($"--image-size is for folders of class folders with pictures; {name} is none.");
    }

    /// <summary>Says on standard error what whoever uses the data should know.</summary>
    public static void Say(DataSet data)
    {
        foreach (string note in data.Notes) Console.Error.WriteLine(note);
    }

    private static (int Height, int Width)? SizeOf(string? text)
    {
        if (text is null) return null;
        string[] sides = text.Split('x');
        int[] numbers = [.. sides.Select(s => int.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 0)];
        return numbers.Length is 1 or 2 && numbers.All(n => n is > 0 and <= 4096)
            ? (numbers[0], numbers[^1])
            : throw new RequestException($"--image-size {text}: a number of pixels, as 32, or height x width, as 32x48.");
    }
}
