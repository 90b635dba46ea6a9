using GpuConv.Kernels;

namespace GpuConv.Tests;

public class DivisorTests
{
    [Fact]
    public void Quotients_are_those_of_division_for_the_smallest_the_largest_and_drawn_numbers()
    {
        var random = new Random(1);
        int[] divisors = [1, 2, 3, 5, 7, 9, 14, 49, 196, 255, 256, 257, 65535, 65536, (1 << 30) - 1, 1 << 30, int.MaxValue - 1, int.MaxValue, .. Enumerable.Range(0, 2000).Select(_ => Drawn())];
        foreach (int d in divisors)
        {
            var divisor = new Divisor(d);
            int last = int.MaxValue / d * d;
            foreach (int x in (int[])[0, 1, d - 1, d, last - 1, last, int.MaxValue, .. Enumerable.Range(0, 20).Select(_ => Drawn())])
                Assert.Equal(x / d, divisor.Quotient(x));
        }

        int Drawn() => 1 + (random.Next() >> random.Next(31));
    }

    [Fact]
    public void Zero_divides_nothing() => Assert.Throws<ArgumentOutOfRangeException>(() => new Divisor(0));
}
