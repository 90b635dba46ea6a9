using System.Text;
using System.Text.Json;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public class ClassNamesCommandTests
{
    private const string Long = "a-rather-long-class-name-here";

    /// <summary>Every study that names classes, with what its terminal output says and the pictures that must show a class by name.</summary>
    [Fact]
    public void Every_study_calls_classes_by_their_names_and_its_numbers_by_theirs()
    {
        using var folder = new TemporaryFolder();
        PictureFolder.Write(folder["set"], [Long, "cat", "tit"], 15, 12, colour: false);
        string model = folder["run/best.safetensors"];
        Done("train", "--data", folder["set"], "--epochs", "1", "--batch", "12", "--device", "cpu", "--out", folder["run"], "--quiet");
        (string Command, string[] Options, string Printed, string[] Pictures)[] studies =
        [
            ("occlusion", ["--images", "0,1", "--sizes", "8", "--stride", "4"], "", ["occlusion", "00-test-0", "01-test-1"]),
            ("fool", ["--steps", "2", "--save-every", "0", "--seeds", "1", "--regularise", "false"], Long, ["fool", "costs"]),
            ("target", ["--steps", "1", "--beta", "1"], Long, ["target", "success"]),
            ("noise", ["--other", model, "--eps", "0.1", "--steps", "1"], "", ["classes", "patterns", "examples"]),
            ("attack", ["--method", "fgsm", "--limit", "9", "--target", "0", "--curve", "0.1"], "", ["curves", "samples-fgsm"]),
            ("attribute", ["--images", "0,1", "--methods", "saliency", "--sanity", "weights", "--target", "0"], $"class {Long}", ["attribute", "curves", "sanity-maps"]),
            ("activations", ["--images", "0", "--steps", "1", "--starts", "1"], "", ["00-test-0"]),
        ];
        foreach ((string command, string[] options, string printed, string[] pictures) in studies)
        {
            string output = Done([command, .. options, "--model", model, "--data", folder["set"], "--device", "cpu", "--out", folder[command], "--format", "svg", "--quiet"]);
            Assert.Contains(printed, output);
            foreach (string picture in pictures)
            {
                IReadOnlyList<string> texts = SvgTexts.AssertApart(File.ReadAllBytes(Path.Combine(folder[command], $"{picture}.svg")), $"{command}/{picture}");
                Assert.True(texts.Any(t => t.Contains("cat", StringComparison.Ordinal) || t.Contains("tit", StringComparison.Ordinal) || t.Contains("a-r", StringComparison.Ordinal)), $"{command}/{picture}: {string.Join(" | ", texts)}");
                Assert.DoesNotContain(texts, t => t.Contains("class 0", StringComparison.Ordinal) || t.Contains("class 1", StringComparison.Ordinal) || t.Contains("class 2", StringComparison.Ordinal) || t.Contains("digit", StringComparison.Ordinal));
            }
        }
        // What other programs read has numbers.
        Assert.Equal([0, 1, 2], JsonDocument.Parse(File.ReadAllText(Path.Combine(folder["fool"], "fool.json"), Encoding.UTF8)).RootElement.GetProperty("classes").EnumerateArray().Select(c => c.GetProperty("class").GetInt32()));
        Assert.StartsWith("source_label,target_label,predicted,confidence,l2,linf,ssim,beta\n0,1,", File.ReadAllText(Path.Combine(folder["target"], "target.csv")));
    }
}
