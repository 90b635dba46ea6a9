#:project ../src/Net/GpuConv.Net.csproj
#:property PublishAot=false

// Where a network looks: dotnet run samples/occlusion.cs [IMAGES] [INDEX]
//
// A window covers the image place by place; where the probability of its class falls, there is what the network needs (Zeiler and Fergus, 2014).

using GpuConv.Kernels;
using GpuConv.Net;

int images = args.Length > 0 ? int.Parse(args[0]) : 10_000, index = args.Length > 1 ? int.Parse(args[1]) : 0;
DataSet data = DataSet.Load("mnist");
Network network = Network.Report(data.Train.ImageShape, data.Classes, batchNormalization: true);
using Device device = Device.Open();
using var trainer = new Trainer(device, network, data, new TrainingOptions { Epochs = 1, Limit = images, Validation = 0 });
trainer.Run();
using var predictor = new Predictor(device, new Model(network, trainer.CurrentWeights, data.Mean, data.Deviation, data.Name));

// All places of an 8 x 8 window in steps of 2. A covered pixel is black, as the ground of the digits is; and each covered copy is an image like any other.
const int size = 28, window = 8, step = 2, places = (size - window) / step + 1;
byte[] image = data.Test.Image(index).ToArray();
var copies = new byte[places * places * image.Length];
for (int place = 0; place < places * places; place++)
{
    Span<byte> copy = copies.AsSpan(place * image.Length, image.Length);
    image.CopyTo(copy);
    int top = place / places * step, left = place % places * step;
    for (int row = top; row < top + window; row++) copy.Slice(row * size + left, window).Clear();
}

// One call for all copies: they go through the network in batches, and each one's result is the same as if it had gone alone.
int label = data.Test.Labels[index];
float[] probabilities = predictor.Probabilities(copies);
double[] losses = [.. Enumerable.Range(0, places * places).Select(place => -Math.Log(probabilities[place * data.Classes + label]))];
Console.WriteLine($"test image {index}, a {label}: probability {predictor.Probabilities(image)[label]:f4} with nothing covered, {Math.Exp(-losses.Max()):f4} with the window at the worst place");
Console.WriteLine("left the image; right the loss, -ln of the probability, where the window covers it, from 0 to 9 (the largest):");
for (int row = 0; row < places; row++)
{
    // The image at the windows' middles, two columns of text for each.
    string drawn = string.Concat(Enumerable.Range(0, places).Select(column => image[(row * step + window / 2) * size + column * step + window / 2] is var v && v > 170 ? "##" : v > 60 ? "::" : " ."));
    string map = string.Join(' ', Enumerable.Range(0, places).Select(column => (int)(9 * losses[row * places + column] / losses.Max())));
    Console.WriteLine($"{drawn}   {map}");
}
