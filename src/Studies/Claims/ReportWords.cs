namespace GpuConv.Studies;

/// <summary>
/// What the original report says, in its own words, by the name of the claim: each once. Pieces between ellipses follow one another in its text. What it does not say is no claim of its, but a
/// finding of ours (<see cref="Claim.Ours"/>).
/// </summary>
internal static class ReportWords
{
    /// <summary>All claims, in the report's order.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["results"] = "After 10 epochs: Test loss: 0.06 Test Accuracy: 98.57% Train Loss: 0.01 Train accuracy: 99.69%",
        ["turn"] = "after 5 epochs the model tends to overfit a lot, and so the validation errors increase and the validation accuracy decreases.",
        ["parameters"] = "Conv1: 320 Conv2: 9,248 fc1: 784,500 fc2: 250,500 BatchNorm1: 64 BatchNorm2: 64 Total = 1,044,696 parameters",
        ["neurons"] = "Total conv neurons = 31360 … Total FC neurons = 1000 Total neurons = 32360",
        ["time"] = "CNN without batch normalization took 5 minutes 51 seconds to train. Whereas the CNN with Batch Normalisation took 6 minutes and 32 seconds for the same number of epochs.",
        ["loss"] = "Batch normalization achieves errors of less than 0.05 within 2 epochs, which in our original case without batch norm took 5 epochs.",
        ["overfitting"] = "the degree of overfitting increases a lot with the number of epochs in batch normalization than when compared to the original case due to accelerated training.",
        ["accuracy"] = "Within 2 epochs, batch normalization achieves accuracies > 98% in train and valid set whereas in without batch normalization case the accuracies were below 98% by 2 epochs of training.",
        ["edges"] = "this means the first convolution layer might be some sort of high frequency feature capturing or an edge detection.",
        ["blur"] = "The second activation layer shows prominent BLURRING, meaning that the second convolution layer leads to some sort of a blurring filter.",
        ["sizes"] = "When the occlusion size is less, the probabilities are mostly higher. … NOw i try to increase the size, you could find that the probabilities decreases by a lot:(occlusion size 16)",
        ["strokes"] = "this strengthens out trust on the model that the model actually sees the 0 in the image and only decides.",
        ["steps"] = "as we increase the number of steps to 200 and then to 500, the confidence values of predicting the classes also increase.",
        ["fooled"] = "Now they are as high as 0.98.",
        ["parts"] = "The generated images dont look exactly like the numbers, but we can see that there are very small features that look like derived similar to the numbers",
        ["flattens"] = "Because we do a gradient ascent, we see the cost function increases and is asymptotic to x axis",
        ["case 2"] = "From the above image we could see that the generated image has some features of 3 in it - the edges of 3 among the noises. So these images sort of resemble the targeted class.",
    };
}
