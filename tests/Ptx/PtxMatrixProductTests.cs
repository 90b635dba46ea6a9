namespace GpuConv.Tests;

/// <summary>The tensor cores' product and the memory that its operands pass, in text written for it.</summary>
public class PtxMatrixProductTests
{
    // Thread t's registers are elements 4 t and up of a, 2 t and up of b, 4 t and up of c.
    private const string Product = """
        ld.param.b64 %rd1, [p0];
        ld.param.b64 %rd2, [p1];
        ld.param.b64 %rd3, [p2];
        mov.b32 %r1, %tid.x;
        mul.wide.u32 %rd4, %r1, 16;
        mul.wide.u32 %rd5, %r1, 8;
        add.u64 %rd1, %rd1, %rd4;
        add.u64 %rd2, %rd2, %rd5;
        add.u64 %rd3, %rd3, %rd4;
        ld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%rd1];
        ld.global.v2.b32 {%r6, %r7}, [%rd2];
        ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd3];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1, %f2, %f3, %f4}, {	%r2, %r3, %r4, %r5}, {%r6, %r7}, {%f1, %f2, %f3, %f4};
        st.global.v4.f32 [%rd3], {%f1, %f2, %f3, %f4};
        """;

    // Where a thread's register v lies in the matrix, counted down its columns: CUTLASS's layouts of this instruction, written as they stand there,
    // as strides of thread mod 4, thread / 4, v mod 2, v / 2.
    private static int InA(int thread, int v) => 16 * (thread % 4) + thread / 4 + 8 * (v % 2) + 64 * (v / 2);

    private static int InB(int thread, int v) => 8 * (thread % 4) + thread / 4 + 32 * v;

    private static int InC(int thread, int v) => 32 * (thread % 4) + thread / 4 + 16 * (v % 2) + 8 * (v / 2);

    [Fact]
    public void The_product_is_that_of_float64_once_rounded()
    {
        var random = new Random(1);
        // Multiples of 1/16 up to 8 have few bits, and so do all sums of their products: nothing is rounded anywhere.
        double[] a = Draw(16 * 8), b = Draw(8 * 8), c = Draw(16 * 8);
        (float[] got, _) = Run(Product, a, b, c);
        for (int m = 0; m < 16; m++)
            for (int n = 0; n < 8; n++)
                Assert.Equal(c[m + 16 * n] + Enumerable.Range(0, 8).Sum(k => a[m + 16 * k] * b[n + 8 * k]), got[m + 16 * n]);

        double[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(-128, 129) / 16.0)];
    }

    // Registers 4 and 5 are a2 and a3, 6 and 7 are b0 and b1.
    [Theory]
    [InlineData("%r4, %r5}", "%r5, %r4}")]
    [InlineData("{%r6, %r7}", "{%r7, %r6}")]
    [InlineData("{%f1, %f2, %f3, %f4}, {\t", "{%f1, %f3, %f2, %f4}, {\t")]
    public void A_swapped_register_is_another_product(string from, string to)
    {
        var random = new Random(2);
        double[] a = Rounded(16 * 8), b = Rounded(8 * 8), c = new double[16 * 8];
        string[] parts = Product.Split("mma");
        string swapped = $"{parts[0]}mma{parts[1].Replace(from, to)}";
        Assert.NotEqual(Product, swapped);
        Assert.NotEqual(Run(Product, a, b, c).C, Run(swapped, a, b, c).C);

        double[] Rounded(int count) => [.. Values.Normal(random, count).Select(v => (double)BitConverter.UInt32BitsToSingle(PtxMatrixProduct.Round(BitConverter.SingleToUInt32Bits((float)v))))];
    }

    [Fact]
    public void A_factor_with_more_bits_than_TF32_is_refused()
    {
        double[] a = new double[16 * 8], b = new double[8 * 8], c = new double[16 * 8];
        Run(Product, a, b, c);
        b[InB(13, 1)] = 1 + Math.Pow(2, -10);
        Run(Product, a, b, c);
        b[InB(13, 1)] = 1 + Math.Pow(2, -11);
        PtxException e = Assert.Throws<PtxException>(() => Run(Product, a, b, c));
        Assert.Equal(PtxFault.NotRounded, e.Fault);
        Assert.Contains("thread 13", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_lanes_of_a_warp_must_take_part_with_defined_registers()
    {
        double[] a = new double[16 * 8], b = new double[8 * 8], c = new double[16 * 8];
        string some = Product.Replace("mma", "setp.lt.s32 %p1, %r1, 31;\n@!%p1 bra out;\nmma") + "\nout:";
        Assert.Equal(PtxFault.DivergentBarrier, Assert.Throws<PtxException>(() => Run(some, a, b, c)).Fault);
        PtxException e = Assert.Throws<PtxException>(() => Run(Product.Replace("{%r6, %r7}, {%f1", "{%r6, %r9}, {%f1"), a, b, c));
        Assert.Equal(PtxFault.Uninitialised, e.Fault);
        Assert.Contains("%r9", e.Message, StringComparison.Ordinal);
        Assert.Equal(PtxFault.Unknown, Assert.Throws<PtxException>(() => Run(Product.Replace("m16n8k8", "m16n8k4"), a, b, c)).Fault);
        Assert.Equal(1, Run(Product, a, b, c).Counts.Instructions.Warp.Single(i => i.Key.StartsWith("mma", StringComparison.Ordinal)).Value);
    }

    private const string Local = ".local .align 4 .b8 own[8];\n.local .align 4 .b8 other[4];";

    [Fact]
    public void Local_memory_is_each_threads_own()
    {
        var results = new uint[64];
        PtxText.Run(PtxText.Entry(1, """
            ld.param.b64 %rd1, [p0];
            mov.b32 %r1, %tid.x;
            mul.wide.u32 %rd2, %r1, 4;
            add.u64 %rd1, %rd1, %rd2;
            mov.b64 %rd3, own;
            mov.b64 %rd4, other;
            st.local.b32 [%rd3+4], %r1;
            st.local.b32 [%rd4], 7;
            ld.local.b32 %r2, [%rd3+4];
            st.global.b32 [%rd1], %r2;
            """, Local), 1, 64, results);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (uint)i), results);
    }

    [Theory]
    [InlineData("ld.local.b32 %r2, [%rd3];", PtxFault.Uninitialised)]
    [InlineData("st.local.b32 [%rd3+8], 1;", PtxFault.OutOfBounds)]
    [InlineData("st.local.b32 [%rd3+-4], 1;", PtxFault.OutOfBounds)]
    [InlineData("st.local.b32 [%rd3+2], 1;", PtxFault.Misaligned)]
    [InlineData("st.shared.b32 [%rd3], 1;", PtxFault.OutOfBounds)]
    [InlineData("st.global.b32 [%rd3], 1;", PtxFault.OutOfBounds)]
    [InlineData("st.local.b32 [%rd4], 1;", PtxFault.OutOfBounds)]
    [InlineData("ld.local.u8 %r2, [%rd3];", PtxFault.Unknown)]
    internal void Local_memory_is_checked(string access, PtxFault fault)
    {
        string body = $"mov.b64 %rd3, own;\nmov.b64 %rd4, tile;\nmov.b32 %r1, %ctaid.x;\nsetp.eq.s32 %p1, %r1, 0;\n@%p1 st.local.b32 [%rd3], 1;\n{access}";
        // What an earlier block wrote does not count.
        Assert.Equal(fault, PtxText.Refused(PtxText.Entry(0, body, $"{Local}\n.shared .align 4 .b8 tile[8];"), 2, 32).Fault);
    }

    private static (float[] C, PtxCounts Counts) Run(string body, double[] a, double[] b, double[] c)
    {
        float[] ofA = Registers(a, 4, InA), ofB = Registers(b, 2, InB), ofC = Registers(c, 4, InC), got = new float[c.Length];
        PtxCounts counts = PtxText.Run(PtxText.Entry(3, body), 1, 32, ofA, ofB, ofC);
        for (int i = 0; i < 32 * 4; i++) got[InC(i / 4, i % 4)] = ofC[i];
        return (got, counts);
    }

    private static float[] Registers(double[] matrix, int count, Func<int, int, int> place) => [.. Enumerable.Range(0, 32 * count).Select(i => (float)matrix[place(i / count, i % count)])];
}
