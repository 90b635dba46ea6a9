#:project ../src/Net/GpuConv.Net.csproj
#:property PublishAot=false

// An attack in ten lines: dotnet run samples/attack.cs [IMAGES]
//
// A network is trained for a moment; then test images are changed a little so that it takes them for something else.

using GpuConv.Kernels;
using GpuConv.Net;

int images = args.Length > 0 ? int.Parse(args[0]) : 10_000;
DataSet data = DataSet.Load("mnist");
Network network = NetworkText.Parse("input 1x28x28\nconv 16 3x3 pad 1\nrelu\nmaxpool 2\nconv 32 3x3 pad 1\nrelu\nmaxpool 2\nflatten\nlinear 10\nlogsoftmax");
using Device device = Device.Open();
using var trainer = new Trainer(device, network, data, new TrainingOptions { Epochs = 1, Limit = images, Validation = 0 });
trainer.Run();
var model = new Model(network, trainer.CurrentWeights, data.Mean, data.Deviation, data.Name);

// No pixel changes by more than epsilon, of 0 to 1. FGSM takes one step along the sign of the gradient; PGD takes many small ones, each brought back into the bound.
using var attacker = new Attacker(device, model);
LabelledImages test = data.Test.First(50);
foreach (float epsilon in (float[])[0.05f, 0.1f, 0.2f])
{
    foreach (IAttack attack in (IAttack[])[Pgd.Fgsm(epsilon), new Pgd { Epsilon = epsilon, Steps = 10 }])
    {
        AttackResult result = attacker.Run(attack, test);
        Console.WriteLine($"{attack.Name,-5} epsilon {epsilon:f2}: {result.CleanAccuracy:p0} right before, {result.RobustAccuracy:p0} after");
    }
}

// One image before and after.
AttackResult last = attacker.Run(new Pgd { Epsilon = 0.2f, Steps = 10 }, test);
if (last.Images.FirstOrDefault(i => i.Fooled) is { } fooled)
{
    Console.WriteLine($"\na {fooled.Label}, and what the network takes for a {fooled.Predicted} ({fooled.Confidence:p0} sure); the largest change of a pixel is {fooled.Linf:f2}:");
    int at = fooled.Number * test.ImageSize;
    for (int row = 2; row < 26; row += 2)
        Console.WriteLine($"{Line(row, p => test.Pixels[at + p] / 255f)}  {Line(row, p => last.Pixels[at + p])}");
}

// Two rows of pixels as a line of text, which is twice as high as it is wide.
static string Line(int row, Func<int, float> pixel) =>
    string.Concat(Enumerable.Range(0, 28).Select(column => " .:-=+*#%@"[(int)(4.5f * (pixel(28 * row + column) + pixel(28 * row + 28 + column)))]));
