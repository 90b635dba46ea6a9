using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class MistakesTests
{
    private static readonly int[] Labels = [0, 1, 2, 1, 0, 2, 1];

    private static readonly Evaluation Evaluated = new(1, 2 / 7.0, [[1, 1, 0], [2, 1, 0], [1, 1, 0]], [0, 1, 0, 0, 1, 1, 0], [0.99f, 0.98f, 0.6f, 0.9f, 0.7f, 0.6f, 0.95f]);

    [Fact]
    public void The_most_confident_come_first_right_ones_never_and_equals_in_order()
    {
        Assert.Equal([6, 3, 4, 2, 5], Mistakes.MostConfident(Evaluated, Labels, 50));
        Assert.Equal([6, 3], Mistakes.MostConfident(Evaluated, Labels, 2));
        Assert.Empty(Mistakes.MostConfident(Evaluated with { Predicted = Labels }, Labels, 50));
    }

    [Fact]
    public void Recall_is_by_true_class_precision_by_predicted_and_what_is_never_predicted_has_none()
    {
        Evaluation.ClassScore[] rows = [.. Evaluated.PerClass];
        Assert.Equal(new Evaluation.ClassScore(0, 2, 0.5, 0.25), rows[0]);
        Assert.Equal(new Evaluation.ClassScore(1, 3, 1 / 3.0, 1 / 3.0), rows[1]);
        Assert.Equal(new Evaluation.ClassScore(2, 2, 0, null), rows[2]);
        EvaluationJson.ClassRow[] json = [.. EvaluationJson.From(Evaluated).PerClass];
        Assert.Equal(new EvaluationJson.ClassRow(0, 2, 0.5, 0.5, 0.25), json[0]);
        Assert.Null(json[2].Precision);
    }

    [Theory]
    [InlineData(1, ">\u200999.9 %")]
    [InlineData(0.9994, "99.9 %")]
    [InlineData(0.5, "50.0 %")]
    [InlineData(0.0004, "<\u20090.1 %")]
    [InlineData(0, "0.0 %")]
    public void Probabilities_are_not_rounded_to_certainty(double probability, string text) => Assert.Equal(text, PredictionGrid.Percent(probability));
}
