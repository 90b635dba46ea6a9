using System.Numerics;

namespace GpuConv.Tests;

/// <summary>Each instruction on odd values in all lanes of full, partial and diverged warps, against C# one value at a time.</summary>
public class PtxInstructionTests
{
    private const int Threads = 199;
    private const ulong Untouched = 0x5a5a;

    // Operand kinds, the destination first: w and f 32 bits, d 64 bits, p a predicate.
    private static readonly Dictionary<string, (string Kinds, Func<ulong, ulong, ulong, ulong> Of)> Instructions = new()
    {
        ["mov.b32"] = ("ww", (a, _, _) => (uint)a),
        ["mov.b64"] = ("dd", (a, _, _) => a),
        ["add.s32"] = ("www", (a, b, _) => (uint)(a + b)),
        ["sub.s32"] = ("www", (a, b, _) => (uint)(a - b)),
        ["mul.lo.s32"] = ("www", (a, b, _) => (uint)(a * b)),
        ["mul.hi.u32"] = ("www", (a, b, _) => (ulong)(uint)a * (uint)b >> 32),
        ["mul.hi.s32"] = ("www", (a, b, _) => (uint)((BigInteger)(int)a * (int)b >> 32 & uint.MaxValue)),
        ["mul.wide.u32"] = ("dww", (a, b, _) => (ulong)(uint)a * (uint)b),
        ["mul.wide.s32"] = ("dww", (a, b, _) => (ulong)((long)(int)a * (int)b)),
        ["mad.lo.s32"] = ("wwww", (a, b, c) => (uint)(a * b + c)),
        ["div.s32"] = ("www", (a, b, _) => (uint)(long)((BigInteger)(int)a / (int)b)),
        ["rem.s32"] = ("www", (a, b, _) => (uint)(long)((BigInteger)(int)a % (int)b)),
        ["div.u32"] = ("www", (a, b, _) => (uint)a / (uint)b),
        ["rem.u32"] = ("www", (a, b, _) => (uint)a % (uint)b),
        ["min.s32"] = ("www", (a, b, _) => (uint)((int)a < (int)b ? a : b)),
        ["max.s32"] = ("www", (a, b, _) => (uint)((int)a > (int)b ? a : b)),
        ["min.u32"] = ("www", (a, b, _) => (uint)a < (uint)b ? a : b),
        ["max.u32"] = ("www", (a, b, _) => (uint)a > (uint)b ? a : b),
        ["neg.s32"] = ("ww", (a, _, _) => (uint)(0 - a)),
        ["abs.s32"] = ("ww", (a, _, _) => (int)a < 0 ? (uint)(0 - a) : a),
        ["and.b32"] = ("www", (a, b, _) => a & b),
        ["or.b32"] = ("www", (a, b, _) => a | b),
        ["xor.b32"] = ("www", (a, b, _) => a ^ b),
        ["not.b32"] = ("ww", (a, _, _) => (uint)~a),
        ["shl.b32"] = ("www", (a, b, _) => b > 31 ? 0 : (uint)(a << (int)b)),
        ["shr.u32"] = ("www", (a, b, _) => b > 31 ? 0 : (uint)a >> (int)b),
        ["shr.s32"] = ("www", (a, b, _) => (uint)((int)a >> (int)Math.Min(b, 31))),
        ["popc.b32"] = ("ww", (a, _, _) => (ulong)Enumerable.Range(0, 32).Count(i => (a >> i & 1) != 0)),
        ["clz.b32"] = ("ww", (a, _, _) => (ulong)Enumerable.Range(0, 33).First(i => i == 32 || (a >> (31 - i) & 1) != 0)),
        ["add.s64"] = ("ddd", (a, b, _) => a + b),
        ["add.u64"] = ("ddd", (a, b, _) => a + b),
        ["sub.s64"] = ("ddd", (a, b, _) => a - b),
        ["mul.lo.s64"] = ("ddd", (a, b, _) => a * b),
        ["mad.lo.u64"] = ("dddd", (a, b, c) => a * b + c),
        ["div.s64"] = ("ddd", (a, b, _) => (ulong)((long)a / (long)b)),
        ["rem.u64"] = ("ddd", (a, b, _) => a % b),
        ["shr.u64"] = ("ddw", (a, b, _) => b > 63 ? 0 : a >> (int)b),
        ["shl.b64"] = ("ddw", (a, b, _) => b > 63 ? 0 : a << (int)b),
        ["selp.b32"] = ("wwwp", (a, b, c) => c != 0 ? a : b),
        ["selp.b64"] = ("dddp", (a, b, c) => c != 0 ? a : b),
        ["and.pred"] = ("ppp", (a, b, _) => a & b),
        ["or.pred"] = ("ppp", (a, b, _) => a | b),
        ["xor.pred"] = ("ppp", (a, b, _) => a ^ b),
        ["not.pred"] = ("pp", (a, _, _) => 1 - a),
        ["setp.eq.s32"] = ("pww", (a, b, _) => Bit((int)a == (int)b)),
        ["setp.ne.s32"] = ("pww", (a, b, _) => Bit((int)a != (int)b)),
        ["setp.lt.s32"] = ("pww", (a, b, _) => Bit((int)a < (int)b)),
        ["setp.le.s32"] = ("pww", (a, b, _) => Bit((int)a <= (int)b)),
        ["setp.gt.s32"] = ("pww", (a, b, _) => Bit((int)a > (int)b)),
        ["setp.ge.s32"] = ("pww", (a, b, _) => Bit((int)a >= (int)b)),
        ["setp.lo.u32"] = ("pww", (a, b, _) => Bit((uint)a < (uint)b)),
        ["setp.hs.u32"] = ("pww", (a, b, _) => Bit((uint)a >= (uint)b)),
        ["setp.lt.s64"] = ("pdd", (a, b, _) => Bit((long)a < (long)b)),
        ["cvt.s64.s32"] = ("dw", (a, _, _) => (ulong)(long)(int)a),
        ["cvt.u64.u32"] = ("dw", (a, _, _) => (uint)a),
        ["cvt.s32.s64"] = ("wd", (a, _, _) => (uint)a),
        ["cvt.s32.u8"] = ("ww", (a, _, _) => (byte)a),
        ["cvt.s32.s8"] = ("ww", (a, _, _) => (uint)(sbyte)a),
        ["cvt.u16.u32"] = ("ww", (a, _, _) => (ushort)a),
        ["cvt.rn.f32.s32"] = ("fw", (a, _, _) => Bits((float)(double)(int)a)),
        ["cvt.rn.f32.u32"] = ("fw", (a, _, _) => Bits((float)(double)(uint)a)),
        ["cvt.rzi.s32.f32"] = ("wf", (a, _, _) => (uint)(float.IsNaN(Float(a)) ? 0 : (int)Math.Clamp(Math.Truncate((double)Float(a)), int.MinValue, int.MaxValue))),
        ["add.f32"] = ("fff", (a, b, _) => Bits(Float(a) + Float(b))),
        ["sub.f32"] = ("fff", (a, b, _) => Bits(Float(a) - Float(b))),
        ["mul.f32"] = ("fff", (a, b, _) => Bits(Float(a) * Float(b))),
        ["div.rn.f32"] = ("fff", (a, b, _) => Bits(Float(a) / Float(b))),
        ["fma.rn.f32"] = ("ffff", (a, b, c) => Bits(MathF.FusedMultiplyAdd(Float(a), Float(b), Float(c)))),
        ["neg.f32"] = ("ff", (a, _, _) => a ^ 0x80000000),
        ["abs.f32"] = ("ff", (a, _, _) => a & 0x7fffffff),
        ["min.f32"] = ("fff", (a, b, _) => Bits(float.IsNaN(Float(a)) ? Float(b) : float.IsNaN(Float(b)) ? Float(a) : MathF.Min(Float(a), Float(b)))),
        ["max.f32"] = ("fff", (a, b, _) => Bits(float.IsNaN(Float(a)) ? Float(b) : float.IsNaN(Float(b)) ? Float(a) : MathF.Max(Float(a), Float(b)))),
        ["rcp.rn.f32"] = ("ff", (a, _, _) => Bits(1 / Float(a))),
        ["sqrt.rn.f32"] = ("ff", (a, _, _) => Bits(MathF.Sqrt(Float(a)))),
        ["ex2.approx.f32"] = ("ff", (a, _, _) => Bits((float)Math.Pow(2, Float(a)))),
        ["lg2.approx.f32"] = ("ff", (a, _, _) => Bits((float)Math.Log2(Float(a)))),
        ["cvt.rna.tf32.f32"] = ("ff", (a, _, _) => Bits(ToTf32(Float(a)))),
        ["testp.notanumber.f32"] = ("pf", (a, _, _) => Bit(float.IsNaN(Float(a)))),
        ["setp.eq.f32"] = ("pff", (a, b, _) => Bit(Float(a) == Float(b))),
        ["setp.ne.f32"] = ("pff", (a, b, _) => Bit(Float(a) < Float(b) || Float(a) > Float(b))),
        ["setp.lt.f32"] = ("pff", (a, b, _) => Bit(Float(a) < Float(b))),
        ["setp.ge.f32"] = ("pff", (a, b, _) => Bit(Float(a) >= Float(b))),
        ["setp.neu.f32"] = ("pff", (a, b, _) => Bit(Float(a) != Float(b))),
        ["setp.ltu.f32"] = ("pff", (a, b, _) => Bit(!(Float(a) >= Float(b)))),
        ["setp.leu.f32"] = ("pff", (a, b, _) => Bit(!(Float(a) > Float(b)))),
        ["setp.gtu.f32"] = ("pff", (a, b, _) => Bit(!(Float(a) <= Float(b)))),
        ["setp.geu.f32"] = ("pff", (a, b, _) => Bit(!(Float(a) < Float(b)))),
    };

    public static TheoryData<string> Names => [.. Instructions.Keys];

    [Theory, MemberData(nameof(Names))]
    public void An_instruction_computes_what_it_says(string name)
    {
        (string kinds, Func<ulong, ulong, ulong, ulong> of) = Instructions[name];
        bool divides = name.StartsWith("div.s", StringComparison.Ordinal) || name.StartsWith("div.u", StringComparison.Ordinal) || name.StartsWith("rem", StringComparison.Ordinal);
        bool shifts = name.StartsWith("sh", StringComparison.Ordinal);
        var random = new Random(name.Length);
        foreach (bool sameInAllLanes in new[] { false, true })
        {
            ulong[][] operands = [.. Enumerable.Range(1, 3).Select(o => Values(random, o < kinds.Length ? kinds[o] : 'w', shifts && o == 2, noZero: divides && o == 2))];
            if (sameInAllLanes) Array.Fill(operands[1], operands[1][0]);
            if (divides)
                // The one quotient that does not fit.
                for (int t = 0; t < Threads; t++)
                    if ((long)operands[1][t] == -1 || (uint)operands[1][t] == uint.MaxValue) operands[1][t] = 3;
            ulong[] result = new ulong[Threads];
            string load = string.Concat(kinds.Skip(1).Select((k, o) => Load(k, o)));
            PtxText.Run(PtxText.Entry(4, $"""
                mov.b32 %r1, %tid.x;
                mul.wide.u32 %rd1, %r1, 8;
                ld.param.b64 %rd2, [p0];
                add.u64 %rd2, %rd2, %rd1;
                ld.param.b64 %rd3, [p1];
                add.u64 %rd3, %rd3, %rd1;
                ld.param.b64 %rd4, [p2];
                add.u64 %rd4, %rd4, %rd1;
                ld.param.b64 %rd5, [p3];
                add.u64 %rd5, %rd5, %rd1;
                {load}
                {Initialise(kinds[0])}
                and.b32 %r2, %r1, 3;
                setp.ne.s32 %p1, %r2, 1;
                setp.lt.s32 %p2, %r1, 64;
                or.pred %p1, %p1, %p2;
                @%p1 {name} {Register(kinds[0], 9)}, {string.Join(", ", kinds.Skip(1).Select((k, o) => Register(k, o + 6)))};
                {Store(kinds[0])}
                """), 1, Threads, operands[0], operands[1], operands[2], result);
            for (int t = 0; t < Threads; t++)
            {
                ulong expected = t % 4 != 1 || t < 64 ? of(operands[0][t], operands[1][t], operands[2][t]) : kinds[0] == 'p' ? 0 : Untouched;
                if (kinds[0] is 'f' && float.IsNaN(Float(expected))) Assert.True(float.IsNaN(Float(result[t])));
                else if (expected != result[t]) Assert.Fail($"{name} of {operands[0][t]:x}, {operands[1][t]:x}, {operands[2][t]:x} in thread {t} is {result[t]:x}, not {expected:x}.");
            }
        }
    }

    [Fact]
    public void Two_unequal_zeros_and_the_smallest_integer_are_kept()
    {
        var results = new uint[32];
        PtxText.Run(PtxText.Entry(1, """
            ld.param.b64 %rd1, [p0];
            mov.b32 %r1, %laneid;
            mul.wide.u32 %rd2, %r1, 4;
            add.u64 %rd1, %rd1, %rd2;
            mov.b32 %r2, -2147483648;
            neg.s32 %r3, %r2;
            mov.f32 %f1, 0f00000000;
            neg.f32 %f2, %f1;
            min.f32 %f3, %f1, %f2;
            setp.eq.s32 %p1, %r1, 0;
            mov.b32 %r4, %f3;
            selp.b32 %r5, %r3, %r4, %p1;
            st.global.b32 [%rd1], %r5;
            """), 1, 32, results);
        Assert.Equal(0x80000000, results[0]);
        Assert.All(results[1..], r => Assert.Equal(0x80000000, r));
    }

    [Fact]
    public void Shuffles_and_votes_reach_other_lanes()
    {
        var results = new uint[5 * 32];
        PtxText.Run(PtxText.Entry(1, """
            ld.param.b64 %rd1, [p0];
            mov.b32 %r1, %tid.x;
            mul.wide.u32 %rd2, %r1, 4;
            add.u64 %rd1, %rd1, %rd2;
            mul.lo.s32 %r2, %r1, 10;
            shfl.sync.down.b32 %r3, %r2, 4, 31, -1;
            st.global.b32 [%rd1], %r3;
            shfl.sync.up.b32 %r3, %r2, 1, 0, -1;
            st.global.b32 [%rd1+128], %r3;
            shfl.sync.bfly.b32 %r3, %r2, 16, 31, -1;
            st.global.b32 [%rd1+256], %r3;
            shfl.sync.idx.b32 %r3, %r2, 7, 31, -1;
            st.global.b32 [%rd1+384], %r3;
            setp.lt.s32 %p1, %r1, 5;
            vote.sync.ballot.b32 %r3, %p1, -1;
            st.global.b32 [%rd1+512], %r3;
            """), 1, 32, results);
        for (uint lane = 0; lane < 32; lane++)
        {
            Assert.Equal(10 * (lane < 28 ? lane + 4 : lane), results[lane]);
            Assert.Equal(10 * (lane > 0 ? lane - 1 : 0), results[32 + lane]);
            Assert.Equal(10 * (lane ^ 16), results[64 + lane]);
            Assert.Equal(70u, results[96 + lane]);
            Assert.Equal(31u, results[128 + lane]);
        }
    }

    [Fact]
    public void Vectors_of_two_and_four_elements_are_loaded_and_stored()
    {
        float[] x = [.. Enumerable.Range(0, 128).Select(i => (float)i)], y = new float[128];
        PtxText.Run(PtxText.Entry(2, """
            ld.param.b64 %rd1, [p0];
            ld.param.b64 %rd2, [p1];
            mov.b32 %r1, %tid.x;
            mul.wide.u32 %rd3, %r1, 16;
            add.u64 %rd1, %rd1, %rd3;
            add.u64 %rd2, %rd2, %rd3;
            mov.b64 %rd4, tile;
            add.u64 %rd4, %rd4, %rd3;
            ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];
            st.shared.v4.f32 [%rd4], {%f4, %f3, %f2, %f1};
            ld.shared.v2.f32 {%f5, %f6}, [%rd4+8];
            ld.shared.v2.f32 {%f7, %f8}, [%rd4];
            st.global.v2.f32 [%rd2], {%f5, %f6};
            st.global.v2.f32 [%rd2+8], {%f7, %f8};
            """, ".shared .align 16 .b8 tile[512];"), 1, 32, x, y);
        Assert.Equal(Enumerable.Range(0, 128).Select(i => (float)(i / 4 * 4 + new[] { 1, 0, 3, 2 }[i % 4])), y);
    }

    // Eleven significant bits, halves away from zero: float64 divides by a power of two exactly.
    private static float ToTf32(float value)
    {
        if (!float.IsFinite(value) || value == 0) return value;
        double spacing = Math.Pow(2, Math.Max(Math.ILogB(value), -126) - 10);
        return (float)(Math.Round(value / spacing, MidpointRounding.AwayFromZero) * spacing);
    }

    private static ulong Bit(bool value) => value ? 1ul : 0;

    private static ulong Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    private static float Float(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    private static string Register(char kind, int number) => kind switch { 'p' => "%p", 'd' => "%rd", 'f' => "%f", _ => "%r" } + number;

    private static string Load(char kind, int operand) => kind switch
    {
        'p' => $"ld.global.b32 %r5, [%rd{operand + 2}];\nsetp.ne.s32 %p{operand + 6}, %r5, 0;\n",
        'd' => $"ld.global.b64 %rd{operand + 6}, [%rd{operand + 2}];\n",
        'f' => $"ld.global.f32 %f{operand + 6}, [%rd{operand + 2}];\n",
        _ => $"ld.global.b32 %r{operand + 6}, [%rd{operand + 2}];\n",
    };

    private static string Initialise(char kind) => kind switch
    {
        'p' => "mov.pred %p9, 0;",
        'd' => $"mov.b64 %rd9, {Untouched};",
        _ => $"mov.b32 {Register(kind, 9)}, {Untouched};",
    };

    private static string Store(char kind) => kind switch
    {
        'p' => "selp.b32 %r9, 1, 0, %p9;\nst.global.b32 [%rd5], %r9;",
        'd' => "st.global.b64 [%rd5], %rd9;",
        _ => $"st.global.b32 [%rd5], {Register(kind, 9)};",
    };

    private static ulong[] Values(Random random, char kind, bool isShift, bool noZero)
    {
        float[] odd = [0f, -0f, 1f, -1f, 1.5f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.Epsilon, 1e-39f, 3e9f, 1.00048828125f, -1.00146484375f, 1.0004882f, -2147483648f, 0.1f];
        ulong[] values = new ulong[Threads];
        for (int i = 0; i < Threads; i++)
        {
            ulong any = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            values[i] = kind switch
            {
                'p' => any & 1,
                'f' => random.Next(2) == 0 ? Bits(odd[random.Next(odd.Length)]) : Bits(random.NextSingle() * 20 - 10),
                _ when isShift => (ulong)random.Next(70),
                'd' => random.Next(4) switch { 0 => any, 1 => (uint)any, 2 => (ulong)(random.Next(7) - 3), _ => 1ul << random.Next(64) },
                _ => (uint)(random.Next(4) switch { 0 => any, 1 => (ulong)(random.Next(7) - 3), 2 => 1u << random.Next(32), _ => any & 0xffff }),
            };
            if (noZero && values[i] == 0) values[i] = 7;
        }
        return values;
    }
}
