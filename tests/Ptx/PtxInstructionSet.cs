using System.Numerics;
using static GpuConv.Tests.PtxArithmetic;

namespace GpuConv.Tests;

/// <summary>An instruction that computes: the widths of its destination and operands (<see cref="PtxRegister.Width"/>), and how it runs.</summary>
internal sealed record PtxForm(string Widths, PtxOperation Operation);

/// <summary>
/// The instructions that the interpreter can compute, by name with all modifiers: what our kernels use and their siblings. What is not
/// here is refused. The semantics are those of the PTX ISA manual, version 8.0; <c>mul.f32</c> and <c>add.f32</c> round each, though the
/// assembler may fuse them.
/// </summary>
internal static unsafe class PtxInstructionSet
{
    private static readonly Dictionary<string, PtxForm> Forms = Make();

    public static PtxForm? Find(string name) => Forms.GetValueOrDefault(name);

    private static Dictionary<string, PtxForm> Make()
    {
        var forms = new Dictionary<string, PtxForm>();
        void Add(string names, string widths, PtxOperation operation)
        {
            foreach (string name in names.Split(' ')) forms.Add(name, new PtxForm(widths, operation));
        }

        Add("mov.b16 mov.b32 mov.u32 mov.s32 mov.f32", "WW", PtxLanes.Copy<uint>);
        Add("mov.b64 mov.u64 mov.s64 mov.f64 cvta.to.global.u64 cvta.to.shared.u64", "DD", PtxLanes.Copy<ulong>);
        Add("mov.pred", "PP", PtxLanes.LogicCopy);

        Add("add.f32 add.rn.f32", "WWW", PtxLanes.Binary<float, Sum<float>>);
        Add("sub.f32 sub.rn.f32", "WWW", PtxLanes.Binary<float, Difference<float>>);
        Add("mul.f32 mul.rn.f32", "WWW", PtxLanes.Binary<float, Product<float>>);
        Add("div.rn.f32", "WWW", PtxLanes.Quotient);
        Add("fma.rn.f32", "WWWW", PtxLanes.FusedMultiplyAdd);
        Add("min.f32", "WWW", PtxLanes.Binary<float, Smaller<float>>);
        Add("max.f32", "WWW", PtxLanes.Binary<float, Larger<float>>);
        Add("neg.f32", "WW", PtxLanes.Negate<float>);
        Add("abs.f32", "WW", PtxLanes.Magnitude<float>);
        Add("rcp.rn.f32", "WW", PtxLanes.Reciprocal);
        Add("sqrt.rn.f32", "WW", PtxLanes.Root);
        // A GPU's are good to about 2^-22; these are rounded from float64.
        Add("ex2.approx.f32", "WW", PtxLanes.Each((float x) => (float)Math.Pow(2, x)));
        Add("lg2.approx.f32", "WW", PtxLanes.Each((float x) => (float)Math.Log2(x)));
        Add("rsqrt.approx.f32", "WW", PtxLanes.Each((float x) => (float)(1 / Math.Sqrt(x))));
        Add("tanh.approx.f32", "WW", PtxLanes.Each((float x) => (float)Math.Tanh(x)));
        Add("testp.notanumber.f32", "PW", PtxLanes.IsNaN);

        AddIntegers<int, uint>(Add, "s32", "u32", "b32", 'W');
        AddIntegers<long, ulong>(Add, "s64", "u64", "b64", 'D');
        Add("div.s32", "WWW", (r, i, mask, whole) => PtxLanes.Divide<int>(r, i, mask, whole, remainder: false));
        Add("div.u32", "WWW", (r, i, mask, whole) => PtxLanes.Divide<uint>(r, i, mask, whole, remainder: false));
        Add("rem.s32", "WWW", (r, i, mask, whole) => PtxLanes.Divide<int>(r, i, mask, whole, remainder: true));
        Add("rem.u32", "WWW", (r, i, mask, whole) => PtxLanes.Divide<uint>(r, i, mask, whole, remainder: true));
        Add("div.s64", "DDD", PtxLanes.Each((long x, long y) => x / y));
        Add("div.u64", "DDD", PtxLanes.Each((ulong x, ulong y) => x / y));
        Add("rem.s64", "DDD", PtxLanes.Each((long x, long y) => x % y));
        Add("rem.u64", "DDD", PtxLanes.Each((ulong x, ulong y) => x % y));
        Add("mul.wide.u32", "DWW", PtxLanes.WideUnsigned);
        Add("mul.wide.s32", "DWW", PtxLanes.WideSigned);
        Add("mul.hi.u32", "WWW", PtxLanes.Each((uint a, uint b) => (uint)((ulong)a * b >> 32)));
        Add("mul.hi.s32", "WWW", PtxLanes.Each((int a, int b) => (int)((long)a * b >> 32)));
        Add("mul.hi.u64", "DDD", PtxLanes.Each((ulong a, ulong b) => Math.BigMul(a, b, out _)));

        Add("and.pred", "PPP", PtxLanes.Logic<Conjunction<uint>>);
        Add("or.pred", "PPP", PtxLanes.Logic<Disjunction<uint>>);
        Add("xor.pred", "PPP", PtxLanes.Logic<Exclusion<uint>>);
        Add("not.pred", "PP", PtxLanes.LogicNot);
        Add("selp.b32 selp.f32 selp.s32 selp.u32", "WWWP", PtxLanes.Select<uint>);
        Add("selp.b64 selp.f64 selp.s64 selp.u64", "DDDP", PtxLanes.Select<ulong>);

        AddComparisons<float>(Add, "f32", 'W');
        Add("setp.equ.f32", "PWW", PtxLanes.CompareNot<float, LessOrGreater<float>>);
        Add("setp.neu.f32", "PWW", PtxLanes.CompareNot<float, Equal<float>>);
        Add("setp.ltu.f32", "PWW", PtxLanes.CompareNot<float, GreaterOrEqual<float>>);
        Add("setp.leu.f32", "PWW", PtxLanes.CompareNot<float, Greater<float>>);
        Add("setp.gtu.f32", "PWW", PtxLanes.CompareNot<float, LessOrEqual<float>>);
        Add("setp.geu.f32", "PWW", PtxLanes.CompareNot<float, Less<float>>);

        AddIntegerConversions(Add);
        Add("cvt.rn.f32.s32", "WW", PtxLanes.Each((int x) => (float)x));
        Add("cvt.rn.f32.u32", "WW", PtxLanes.Each((uint x) => (float)x));
        Add("cvt.rn.f32.s64", "WD", PtxLanes.Each((long x) => (float)x));
        Add("cvt.rn.f32.u64", "WD", PtxLanes.Each((ulong x) => (float)x));
        // Out of range they saturate, and NaN gives 0, in C# since .NET 9 as in PTX.
        Add("cvt.rzi.s32.f32", "WW", PtxLanes.Each((float x) => (int)x));
        Add("cvt.rzi.u32.f32", "WW", PtxLanes.Each((float x) => (uint)x));
        Add("cvt.rni.f32.f32", "WW", PtxLanes.Each((float x) => MathF.Round(x, MidpointRounding.ToEven)));
        Add("cvt.rmi.f32.f32", "WW", PtxLanes.Each((float x) => MathF.Floor(x)));
        Add("cvt.rpi.f32.f32", "WW", PtxLanes.Each((float x) => MathF.Ceiling(x)));
        Add("cvt.rzi.f32.f32", "WW", PtxLanes.Each((float x) => MathF.Truncate(x)));
        Add("cvt.rna.tf32.f32", "WW", PtxLanes.Each((uint x) => PtxMatrixProduct.Round(x)));
        return forms;
    }

    private static void AddIntegers<TSigned, TUnsigned>(Action<string, string, PtxOperation> add, string s, string u, string b, char width)
        where TSigned : unmanaged, IBinaryInteger<TSigned> where TUnsigned : unmanaged, IBinaryInteger<TUnsigned>
    {
        string two = new(width, 2), three = new(width, 3), four = new(width, 4), shift = $"{width}{width}W";
        add($"add.{s} add.{u}", three, PtxLanes.Binary<TSigned, Sum<TSigned>>);
        add($"sub.{s} sub.{u}", three, PtxLanes.Binary<TSigned, Difference<TSigned>>);
        add($"mul.lo.{s} mul.lo.{u}", three, PtxLanes.Binary<TSigned, Product<TSigned>>);
        add($"mad.lo.{s} mad.lo.{u}", four, PtxLanes.MultiplyAdd<TSigned>);
        add($"min.{s}", three, PtxLanes.Binary<TSigned, Smaller<TSigned>>);
        add($"min.{u}", three, PtxLanes.Binary<TUnsigned, Smaller<TUnsigned>>);
        add($"max.{s}", three, PtxLanes.Binary<TSigned, Larger<TSigned>>);
        add($"max.{u}", three, PtxLanes.Binary<TUnsigned, Larger<TUnsigned>>);
        add($"neg.{s}", two, PtxLanes.Negate<TSigned>);
        add($"abs.{s}", two, PtxLanes.Magnitude<TSigned>);
        add($"and.{b}", three, PtxLanes.Binary<TUnsigned, Conjunction<TUnsigned>>);
        add($"or.{b}", three, PtxLanes.Binary<TUnsigned, Disjunction<TUnsigned>>);
        add($"xor.{b}", three, PtxLanes.Binary<TUnsigned, Exclusion<TUnsigned>>);
        add($"not.{b}", two, PtxLanes.Complement<TUnsigned>);
        add($"shl.{b}", shift, PtxLanes.ShiftLeft<TUnsigned>);
        add($"shr.{u} shr.{b}", shift, PtxLanes.ShiftRight<TUnsigned>);
        add($"shr.{s}", shift, PtxLanes.ShiftRightSigned<TSigned>);
        add($"popc.{b}", $"W{width}", PtxLanes.Each((TUnsigned x) => uint.CreateTruncating(TUnsigned.PopCount(x))));
        add($"clz.{b}", $"W{width}", PtxLanes.Each((TUnsigned x) => uint.CreateTruncating(TUnsigned.LeadingZeroCount(x))));
        AddComparisons<TSigned>(add, s, width);
        string names = $"PWW".Replace('W', width);
        add($"setp.eq.{u} setp.eq.{b}", names, PtxLanes.Compare<TUnsigned, Equal<TUnsigned>>);
        add($"setp.ne.{u} setp.ne.{b}", names, PtxLanes.Compare<TUnsigned, LessOrGreater<TUnsigned>>);
        add($"setp.lo.{u} setp.lt.{u}", names, PtxLanes.Compare<TUnsigned, Less<TUnsigned>>);
        add($"setp.ls.{u} setp.le.{u}", names, PtxLanes.Compare<TUnsigned, LessOrEqual<TUnsigned>>);
        add($"setp.hi.{u} setp.gt.{u}", names, PtxLanes.Compare<TUnsigned, Greater<TUnsigned>>);
        add($"setp.hs.{u} setp.ge.{u}", names, PtxLanes.Compare<TUnsigned, GreaterOrEqual<TUnsigned>>);
    }

    private static void AddComparisons<T>(Action<string, string, PtxOperation> add, string type, char width) where T : unmanaged
    {
        string widths = $"P{width}{width}";
        add($"setp.eq.{type}", widths, PtxLanes.Compare<T, Equal<T>>);
        add($"setp.ne.{type}", widths, PtxLanes.Compare<T, LessOrGreater<T>>);
        add($"setp.lt.{type}", widths, PtxLanes.Compare<T, Less<T>>);
        add($"setp.le.{type}", widths, PtxLanes.Compare<T, LessOrEqual<T>>);
        add($"setp.gt.{type}", widths, PtxLanes.Compare<T, Greater<T>>);
        add($"setp.ge.{type}", widths, PtxLanes.Compare<T, GreaterOrEqual<T>>);
    }

    // cvt.destination.source: the source's bits, extended by its sign or zeros, cut to the destination and extended by its own.
    private static void AddIntegerConversions(Action<string, string, PtxOperation> add)
    {
        add("cvt.s64.s32 cvt.u64.s32", "DW", PtxLanes.Widen<int>);
        add("cvt.u64.u32 cvt.s64.u32", "DW", PtxLanes.Widen<uint>);
        add("cvt.s32.s64 cvt.u32.s64 cvt.s32.u64 cvt.u32.u64", "WD", PtxLanes.Narrow);
        string[] types = ["s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64"];
        foreach (string to in types)
            foreach (string from in types.Where(t => t != to && !(t[1..] is "32" or "64" && to[1..] is "32" or "64" && t[1..] != to[1..])))
            {
                string widths = $"{Width(to)}{Width(from)}", name = $"cvt.{to}.{from}";
                Func<long, long> read = Extend(from), write = Extend(to);
                add(name, widths, widths switch
                {
                    "WW" => PtxLanes.Each((uint x) => (uint)write(read(x))),
                    "WD" => PtxLanes.Each((long x) => (uint)write(read(x))),
                    "DW" => PtxLanes.Each((uint x) => write(read(x))),
                    _ => PtxLanes.Each((long x) => write(read(x))),
                });
            }
    }

    private static char Width(string type) => type.EndsWith("64", StringComparison.Ordinal) ? 'D' : 'W';

    private static Func<long, long> Extend(string type) => type switch
    {
        "s8" => x => (sbyte)x,
        "u8" => x => (byte)x,
        "s16" => x => (short)x,
        "u16" => x => (ushort)x,
        "s32" => x => (int)x,
        "u32" => x => (uint)x,
        _ => x => x,
    };
}
