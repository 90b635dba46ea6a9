using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class OverfittingTests
{
    private static EpochRow[] Rows(double[] validation, Func<int, double>? train = null) =>
        [.. validation.Select((v, i) => new EpochRow(i + 1, train?.Invoke(i + 1) ?? 0.16 * Math.Pow(i + 1, -1.3), 0.9, v, 0.9, 1, 1, 1))];

    [Fact]
    public void A_validation_loss_that_rises_for_good_is_found_with_its_epoch_and_said_in_the_numbers()
    {
        Overfitting found = Overfitting.Of(Rows([0.060, 0.042, 0.036, 0.032, 0.030, 0.033, 0.035, 0.039, 0.042, 0.046], e => 0.1 / e));
        Assert.Equal((OverfittingKind.Found, 5), (found.Kind, found.Epoch));
        Assert.Equal("Overfitting: the validation loss rises for good after epoch 5, from 0.0320 to 0.0420 (31 % more; medians of 3 epochs), while the training loss falls from 0.0200 to 0.0100.", found.Text);
    }

    [Theory]
    [InlineData(0.060, 0.042, 0.036, 0.033, 0.031, 0.045, 0.030, 0.029, 0.029, 0.028)] // one wobble within
    [InlineData(0.060, 0.042, 0.036, 0.033, 0.031, 0.030, 0.0295, 0.029, 0.0285, 0.060)] // one at the end
    [InlineData(0.060, 0.042, 0.036, 0.020, 0.031, 0.030, 0.0295, 0.029, 0.0285, 0.028)] // a lucky epoch
    [InlineData(0.060, 0.042, 0.036, 0.033, 0.031, 0.030, 0.0302, 0.0304, 0.0303, 0.0306)] // a rise of 2 %
    [InlineData(0.060, 0.030, 0.038, 0.029, 0.040, 0.031, 0.036, 0.030, 0.041, 0.036)] // wobbles as large as the rise
    [InlineData(0.060, 0.042, 0.036, 0.033, 0.031, 0.030, 0.0295, 0.029, 0.033, 0.034)] // two epochs are too few to be for good
    public void What_only_wobbles_is_no_overfitting(params double[] validation)
    {
        Overfitting none = Overfitting.Of(Rows(validation));
        Assert.Equal(OverfittingKind.None, none.Kind);
        Assert.Null(none.Epoch);
        Assert.StartsWith("No overfitting", none.Text);
    }

    [Fact]
    public void What_does_not_stand_out_is_said_with_its_reason()
    {
        Assert.Equal(
            "No overfitting that stands out: after epoch 4 the validation loss rises from 0.0391 to 0.0462 (medians of 3 epochs), but it wobbles by 0.0082 from one epoch to the next. The last is 0.0455, against 0.0080 in training.",
            Overfitting.Of(Rows([0.0944, 0.0461, 0.0307, 0.0391, 0.0529, 0.0532, 0.0555, 0.0462, 0.0601, 0.0455])).Text);
        Assert.Equal(
            "No overfitting that stands out: after epoch 7 the validation loss rises from 0.0302 to 0.0304 (medians of 3 epochs), by less than 5 %. The last is 0.0306, against 0.0080 in training.",
            Overfitting.Of(Rows([0.060, 0.042, 0.036, 0.033, 0.031, 0.030, 0.0302, 0.0304, 0.0303, 0.0306])).Text);
        Assert.Equal(
            "No overfitting: the validation loss was still falling or level at the end (lowest 0.0280, after epoch 6). The last is 0.0280, against 0.0156 in training.",
            Overfitting.Of(Rows([0.060, 0.042, 0.036, 0.033, 0.031, 0.028])).Text);
    }

    [Fact]
    public void One_wobble_does_not_hide_a_rise_either()
    {
        Overfitting found = Overfitting.Of(Rows([0.060, 0.042, 0.036, 0.033, 0.031, 0.034, 0.036, 0.031, 0.042, 0.045, 0.048, 0.040]));
        Assert.Equal(OverfittingKind.Found, found.Kind);
        Assert.InRange(found.Epoch!.Value, 4, 6);
    }

    [Fact]
    public void Where_the_training_loss_rises_too_it_is_another_fault()
    {
        Overfitting worse = Overfitting.Of(Rows([0.060, 0.042, 0.036, 0.032, 0.030, 0.033, 0.036, 0.039, 0.042, 0.046], e => 0.1 + 0.01 * e));
        Assert.Equal(OverfittingKind.TrainingRises, worse.Kind);
        Assert.StartsWith("No overfitting, but a training that gets worse", worse.Text);
    }

    [Fact]
    public void Without_validation_or_with_few_epochs_nothing_is_claimed()
    {
        EpochRow[] unvalidated = [.. Rows([1, 1, 1, 1, 1, 1]).Select(r => r with { ValidationLoss = null })];
        Assert.Equal((OverfittingKind.NotValidated, "No validation was made, so nothing can be said about overfitting."), (Overfitting.Of(unvalidated).Kind, Overfitting.Of(unvalidated).Text));
        Assert.Equal(OverfittingKind.NotValidated, Overfitting.Of([]).Kind);
        Assert.Equal(OverfittingKind.TooShort, Overfitting.Of(Rows([0.1])).Kind);
        Assert.StartsWith("One epoch is too few", Overfitting.Of(Rows([0.1])).Text);
        Assert.StartsWith("4 epochs are too few", Overfitting.Of(Rows([0.1, 0.2, 0.3, 0.4])).Text);
        Assert.Equal(OverfittingKind.None, Overfitting.Of(Rows([0.1, 0.1, 0.1, 0.1, 0.1])).Kind);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(20)]
    [InlineData(100)]
    public void A_level_that_wobbles_by_any_amount_is_rarely_taken_for_a_rise_and_a_rise_in_noise_is_found(int epochs)
    {
        var random = new Random(epochs);
        int alarms = 0, found = 0, trainings = 1000;
        for (int t = 0; t < trainings; t++)
        {
            double noise = 0.01 + 0.2 * random.NextDouble();
            if (Overfitting.Of(Rows([.. Enumerable.Range(1, epochs).Select(e => 0.03 * (1 + noise * Normal()))])).Kind == OverfittingKind.Found) alarms++;
            if (Overfitting.Of(Rows([.. Enumerable.Range(1, epochs).Select(e => (0.03 + 0.05 * Math.Exp(-e) + 0.003 * Math.Max(0, e - 5)) * (1 + 0.04 * Normal()))])).Kind == OverfittingKind.Found) found++;
        }
        Assert.InRange(alarms, 0, trainings / 25);
        Assert.InRange(found, trainings * 9 / 10, trainings);

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }

    [Fact]
    public void Medians_and_wobble_are_those_of_their_definitions()
    {
        Assert.Equal([2.0, 2, 3, 3, 3], Overfitting.Medians([1, 9, 2, 3, 4], 3));
        Assert.Equal([5.0, 5], Overfitting.Medians([4, 5], 3));
        Assert.Equal([3.0, 3, 3, 3, 3], Overfitting.Medians([1, 9, 2, 3, 4], 5));
        Assert.Equal(0, Overfitting.WobbleOf([9, 1, 2, 3, 4, 5, 6]), 12);
        // Each bend of a zigzag is twice its height; the first epoch's fall is left out.
        Assert.Equal(1.4826 * 2 / Math.Sqrt(6), Overfitting.WobbleOf([9, 1, 0, 1, 0, 1]), 12);
    }
}
