using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class NetworkDrawingTests
{
    [Fact]
    public void A_sequence_has_no_branches() => Assert.Empty(NetworkDrawing.Branches(Network.Report(new Shape(1, 28, 28), 10, batchNormalization: true)));

    [Fact]
    public void Branches_that_overlap_lie_in_lanes_of_their_own_and_others_share_one() =>
        // Rows: 0 input, 1 conv1, 2 bn1, 3 relu1, 4 conv2, 5 relu2, 6 conv3, 7 add1, 8 add2, 9 relu3, 10 pool1, 11 conv4, 12 add3.
        Assert.Equal([(5, 7, 0), (10, 12, 0), (3, 8, 1)], NetworkDrawing.Branches(MadeUpRun.Branches()));
}
