using GpuConv.Net;

namespace GpuConv.Tests;

public class RandomSequenceTests
{
    [Fact]
    public void Xoshiro_gives_the_published_numbers()
    {
        // State 1, 2, 3, 4: the reference program's output, as the Rust crate rand_xoshiro's tests have it.
        var sequence = new RandomSequence((1, 2, 3, 4));
        ulong[] expected =
        [
            11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600, 16172922978634559625, 8476171486693032832,
            10595114339597558777, 2904607092377533576,
        ];
        Assert.Equal(expected, expected.Select(_ => sequence.NextBits()).ToArray());
    }

    [Fact]
    public void SplitMix64_gives_the_published_numbers()
    {
        ulong state = 1234567;
        ulong[] expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821];
        Assert.Equal(expected, expected.Select(_ => RandomSequence.SplitMix64(ref state)).ToArray());
    }

    [Fact]
    public void A_sequence_stays_what_it_was()
    {
        // Written down when the generator was: a change would change every seeded run.
        var sequence = new RandomSequence(1, 2);
        Assert.Equal([1616373938809070510, 9013835436248551033, 9661616553285443021], Enumerable.Range(0, 3).Select(_ => sequence.NextBits()).ToArray());
    }

    [Fact]
    public void Streams_and_seeds_differ_from_their_neighbours()
    {
        var first = new HashSet<ulong>();
        for (ulong seed = 0; seed < 100; seed++)
        {
            for (ulong stream = 0; stream < 100; stream++) Assert.True(first.Add(new RandomSequence(seed, stream).NextBits()));
        }
    }

    [Fact]
    public void Floats_fill_the_half_open_interval_evenly()
    {
        var sequence = new RandomSequence(3);
        var counts = new int[10];
        for (int i = 0; i < 100_000; i++)
        {
            float value = sequence.NextFloat();
            Assert.True(value is >= 0 and < 1);
            counts[(int)(value * 10)]++;
        }
        Assert.True(ChiSquare(counts, 100_000) < 27.9); // 9 degrees of freedom, 0.1 %
    }

    [Theory, InlineData(1), InlineData(2), InlineData(7), InlineData(1000)]
    public void Whole_numbers_are_each_equally_likely(int n)
    {
        var sequence = new RandomSequence(4, (ulong)n);
        var counts = new int[n];
        for (int i = 0; i < 200 * n; i++) counts[sequence.NextInt(n)]++;
        Assert.True(ChiSquare(counts, 200 * n) <= n - 1 + 4 * Math.Sqrt(2 * n));
        Assert.Throws<ArgumentOutOfRangeException>(() => sequence.NextInt(0));
    }

    [Fact]
    public void Whole_numbers_have_no_bias_where_a_plain_remainder_would()
    {
        // 2^32 / n = 2.67: without rejection some values come up three times, others twice.
        const int n = 3 << 29;
        var sequence = new RandomSequence(5);
        // floor(n * bits / 2^32) is reached by three values of bits for two results in three: those that are 0 or 1 modulo 3.
        var counts = new int[3];
        for (int i = 0; i < 30_000; i++) counts[sequence.NextInt(n) % 3]++;
        Assert.True(ChiSquare(counts, 30_000) < 13.8); // 2 degrees of freedom, 0.1 %
    }

    [Fact]
    public void Shuffling_gives_each_order_equally_often()
    {
        var counts = new int[24];
        Span<int> values = stackalloc int[4];
        for (ulong epoch = 0; epoch < 24_000; epoch++)
        {
            for (int i = 0; i < 4; i++) values[i] = i;
            new RandomSequence(6, epoch).Shuffle(values);
            int rank = 0;
            for (int i = 0; i < 4; i++)
            {
                int smaller = 0;
                for (int j = i + 1; j < 4; j++) smaller += values[j] < values[i] ? 1 : 0;
                rank = rank * (4 - i) + smaller;
            }
            counts[rank]++;
        }
        Assert.True(ChiSquare(counts, 24_000) < 49.7); // 23 degrees of freedom, 0.1 %
    }

    [Fact]
    public void Shuffling_keeps_the_values()
    {
        int[] values = [.. Enumerable.Range(0, 1000)];
        new RandomSequence(7).Shuffle(values);
        Assert.NotEqual(Enumerable.Range(0, 1000), values);
        Assert.Equal(Enumerable.Range(0, 1000), values.Order());
        new RandomSequence(7).Shuffle([]);
    }

    private static double ChiSquare(int[] counts, int total)
    {
        double expected = (double)total / counts.Length;
        return counts.Sum(c => (c - expected) * (c - expected) / expected);
    }
}
