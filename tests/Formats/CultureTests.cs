using System.Globalization;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>
/// What the library writes and reads where the culture of whoever uses it has a decimal comma, another minus and points between thousands. (Made here, as this program has no cultures of its own:
/// InvariantGlobalization.)
/// </summary>
public class CultureTests
{
    private const string Text = "input 1x8x8\nconv 3 3x3 pad 1 no-bias\nbatchnorm eps 0.002 momentum 0.25\nleakyrelu 0.125\nmaxpool 2\nflatten\ndropout 0.5\nlinear 3\nlogsoftmax";

    [Fact]
    public void Texts_and_files_are_the_same_in_every_culture()
    {
        using var folder = new TemporaryFolder();
        (string Text, byte[] Model, byte[] Onnx, byte[] Array) here = Written(folder["a"]), there = Under(WithDecimalComma(), () => Written(folder["b"]));
        Assert.Equal(here.Text, there.Text);
        Assert.Equal(here.Model, there.Model);
        Assert.Equal(here.Onnx, there.Onnx);
        Assert.Equal(here.Array, there.Array);
        // And read there what was written here.
        Under(WithDecimalComma(), () => Model.Read(folder["a.safetensors"]).Network.ToString());
        Assert.Contains("dropout 0.5", here.Text);
    }

    private static (string Text, byte[] Model, byte[] Onnx, byte[] Array) Written(string path)
    {
        Network network = NetworkText.Parse(Text);
        DataSet data = SmallData.Create();
        var model = new Model(network, Weights.Initial(network, 1), 0.13f, 0.31f, "some");
        model.Write($"{path}.safetensors");
        NpyFile.Write($"{path}.npy", new Shape(2), [-0.5f, 1234.5f]);
        Model read = Model.Read($"{path}.safetensors");
        return (read.Network.ToString(), File.ReadAllBytes($"{path}.safetensors"), OnnxExport.ToBytes(read, new OnnxExportOptions()), File.ReadAllBytes($"{path}.npy"));
    }

    private static CultureInfo WithDecimalComma()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NumberGroupSeparator = ".";
        culture.NumberFormat.NegativeSign = "\u2212";
        return culture;
    }

    private static T Under<T>(CultureInfo culture, Func<T> run)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = culture;
        try
        {
            return run();
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
