#:project ../src/Net/GpuConv.Net.csproj
#:property PublishAot=false

// What a network takes your own drawing for: dotnet run samples/draw.cs [IMAGES]
//
// Draw another digit below. The image is made as those of MNIST were: white on black, with grey edges, its centre of mass in the middle.

using GpuConv.Kernels;
using GpuConv.Net;

string[] drawing =
[
    "  ######  ",
    " ##    ## ",
    "        ##",
    "        ##",
    "       ## ",
    "   ####   ",
    "       ## ",
    "        ##",
    "        ##",
    " ##    ## ",
    "  ######  ",
];

// Each character is two pixels wide and high, in the middle of 28 x 28.
const int size = 28, zoom = 2;
var ink = new float[size, size];
double mass = 0, rowSum = 0, columnSum = 0;
for (int row = 0; row < drawing.Length; row++)
{
    for (int column = 0; column < drawing[row].Length; column++)
    {
        if (drawing[row][column] == ' ') continue;
        (mass, rowSum, columnSum) = (mass + 1, rowSum + row + 0.5, columnSum + column + 0.5);
    }
}
int top = (int)Math.Round(size / 2 - zoom * rowSum / mass), left = (int)Math.Round(size / 2 - zoom * columnSum / mass);
for (int y = 0; y < size; y++)
{
    for (int x = 0; x < size; x++)
    {
        int row = (y - top) / zoom, column = (x - left) / zoom;
        if (y >= top && x >= left && row < drawing.Length && column < drawing[row].Length && drawing[row][column] != ' ') ink[y, x] = 255;
    }
}
// Grey edges: the mean of a pixel and its neighbours, its own share the largest.
var image = new byte[size * size];
for (int y = 1; y < size - 1; y++)
    for (int x = 1; x < size - 1; x++)
        image[y * size + x] = (byte)((4 * ink[y, x] + ink[y - 1, x] + ink[y + 1, x] + ink[y, x - 1] + ink[y, x + 1]) / 8);

int images = args.Length > 0 ? int.Parse(args[0]) : 20_000;
DataSet data = DataSet.Load("mnist");
Network network = Network.Report(data.Train.ImageShape, data.Classes, batchNormalization: true);
using Device device = Device.Open();
using var trainer = new Trainer(device, network, data, new TrainingOptions { Epochs = 1, Limit = images, Validation = 0 });
trainer.Run();
using var predictor = new Predictor(device, new Model(network, trainer.CurrentWeights, data.Mean, data.Deviation, data.Name));

// A bar for each class. The ten probabilities add up to 1; what is no digit at all gets one all the same.
float[] probabilities = predictor.Probabilities(image);
for (int digit = 0; digit < probabilities.Length; digit++)
    Console.WriteLine($"{digit} {probabilities[digit],6:p1} {new string('#', (int)Math.Round(40 * probabilities[digit]))}");
Console.WriteLine($"it looks like a {Predictor.MostProbable(probabilities)}");
