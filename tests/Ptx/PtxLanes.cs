using System.Numerics;
using System.Runtime.Intrinsics;

namespace GpuConv.Tests;

/// <summary>How families of instructions run over the 32 lanes of a warp.</summary>
internal static unsafe class PtxLanes
{
    public const int Count = 32;

    public static void Copy<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged
    {
        T* a = (T*)(r + i.First.Offset), d = (T*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<T>.Count) Store(d + k, Vector512.Load(a + k), mask >> k, whole);
    }

    public static void Negate<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged
    {
        T* a = (T*)(r + i.First.Offset), d = (T*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<T>.Count) Store(d + k, -Vector512.Load(a + k), mask >> k, whole);
    }

    public static void Complement<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged
    {
        T* a = (T*)(r + i.First.Offset), d = (T*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<T>.Count) Store(d + k, ~Vector512.Load(a + k), mask >> k, whole);
    }

    public static void Magnitude<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged
    {
        T* a = (T*)(r + i.First.Offset), d = (T*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<T>.Count) Store(d + k, Vector512.Abs(Vector512.Load(a + k)), mask >> k, whole);
    }

    public static void Root(byte* r, PtxInstruction i, uint mask, bool whole)
    {
        float* a = (float*)(r + i.First.Offset), d = (float*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<float>.Count) Store(d + k, Vector512.Sqrt(Vector512.Load(a + k)), mask >> k, whole);
    }

    public static void Quotient(byte* r, PtxInstruction i, uint mask, bool whole)
    {
        float* a = (float*)(r + i.First.Offset), b = (float*)(r + i.Second.Offset), d = (float*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<float>.Count) Store(d + k, Vector512.Load(a + k) / Vector512.Load(b + k), mask >> k, whole);
    }

    public static void Reciprocal(byte* r, PtxInstruction i, uint mask, bool whole)
    {
        float* a = (float*)(r + i.First.Offset), d = (float*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<float>.Count) Store(d + k, Vector512<float>.One / Vector512.Load(a + k), mask >> k, whole);
    }

    public static void Binary<T, TOf>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged where TOf : struct, IPtxBinary<T>
    {
        T* a = (T*)(r + i.First.Offset), b = (T*)(r + i.Second.Offset), d = (T*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<T>.Count) Store(d + k, TOf.Of(Vector512.Load(a + k), Vector512.Load(b + k)), mask >> k, whole);
    }

    // Low half of the product, plus a third operand.
    public static void MultiplyAdd<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged
    {
        T* a = (T*)(r + i.First.Offset), b = (T*)(r + i.Second.Offset), c = (T*)(r + i.Third.Offset), d = (T*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<T>.Count) Store(d + k, Vector512.Load(a + k) * Vector512.Load(b + k) + Vector512.Load(c + k), mask >> k, whole);
    }

    public static void FusedMultiplyAdd(byte* r, PtxInstruction i, uint mask, bool whole)
    {
        float* a = (float*)(r + i.First.Offset), b = (float*)(r + i.Second.Offset), c = (float*)(r + i.Third.Offset), d = (float*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<float>.Count)
            Store(d + k, Vector512.FusedMultiplyAdd(Vector512.Load(a + k), Vector512.Load(b + k), Vector512.Load(c + k)), mask >> k, whole);
    }

    public static void WideUnsigned(byte* r, PtxInstruction i, uint mask, bool whole)
    {
        uint* a = (uint*)(r + i.First.Offset), b = (uint*)(r + i.Second.Offset);
        ulong* d = (ulong*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<uint>.Count)
        {
            Vector512<uint> x = Vector512.Load(a + k), y = Vector512.Load(b + k);
            Store(d + k, Vector512.WidenLower(x) * Vector512.WidenLower(y), mask >> k, whole);
            Store(d + k + 8, Vector512.WidenUpper(x) * Vector512.WidenUpper(y), mask >> (k + 8), whole);
        }
    }

    public static void WideSigned(byte* r, PtxInstruction i, uint mask, bool whole)
    {
        int* a = (int*)(r + i.First.Offset), b = (int*)(r + i.Second.Offset);
        long* d = (long*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<int>.Count)
        {
            Vector512<int> x = Vector512.Load(a + k), y = Vector512.Load(b + k);
            Store(d + k, Vector512.WidenLower(x) * Vector512.WidenLower(y), mask >> k, whole);
            Store(d + k + 8, Vector512.WidenUpper(x) * Vector512.WidenUpper(y), mask >> (k + 8), whole);
        }
    }

    /// <summary>Quotient or remainder of 32-bit integers: float64 holds both, and their quotient is never rounded up to the next integer.</summary>
    public static void Divide<T>(byte* r, PtxInstruction i, uint mask, bool whole, bool remainder) where T : unmanaged
    {
        Vector512<int>* a = (Vector512<int>*)(r + i.First.Offset), b = (Vector512<int>*)(r + i.Second.Offset);
        int* d = (int*)(r + i.Result.Offset);
        for (int k = 0; k < 2; k++)
        {
            if (((uint)Vector512.Equals(b[k], Vector512<int>.Zero).ExtractMostSignificantBits() & mask >> (16 * k)) != 0) throw new DivideByZeroException();
            Vector512<int> quotient = Vector512.Narrow(Divide(Lower<T>(a[k]), Lower<T>(b[k])), Divide(Upper<T>(a[k]), Upper<T>(b[k])));
            Store(d + 16 * k, remainder ? a[k] - quotient * b[k] : quotient, mask >> (16 * k), whole);
        }
    }

    private static Vector512<long> Lower<T>(Vector512<int> v) => typeof(T) == typeof(int) ? Vector512.WidenLower(v) : Vector512.WidenLower(v.AsUInt32()).AsInt64();

    private static Vector512<long> Upper<T>(Vector512<int> v) => typeof(T) == typeof(int) ? Vector512.WidenUpper(v) : Vector512.WidenUpper(v.AsUInt32()).AsInt64();

    private static Vector512<long> Divide(Vector512<long> a, Vector512<long> b) => Vector512.ConvertToInt64(Vector512.ConvertToDouble(a) / Vector512.ConvertToDouble(b));

    /// <summary>Shifts by what is mostly the same in all lanes; by more than the width they give what shifting on would give.</summary>
    public static void ShiftLeft<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged, IBinaryInteger<T> =>
        Shift<T>(r, i, mask, whole, (x, n) => n >= sizeof(T) * 8 ? Vector512<T>.Zero : x << n, (x, n) => n >= sizeof(T) * 8 ? T.Zero : x << n);

    public static void ShiftRight<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged, IBinaryInteger<T> =>
        Shift<T>(r, i, mask, whole, (x, n) => n >= sizeof(T) * 8 ? Vector512<T>.Zero : x >>> n, (x, n) => n >= sizeof(T) * 8 ? T.Zero : x >>> n);

    public static void ShiftRightSigned<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged, IBinaryInteger<T> =>
        Shift<T>(r, i, mask, whole, (x, n) => x >> Math.Min(n, sizeof(T) * 8 - 1), (x, n) => x >> Math.Min(n, sizeof(T) * 8 - 1));

    private static void Shift<T>(byte* r, PtxInstruction i, uint mask, bool whole, Func<Vector512<T>, int, Vector512<T>> all, Func<T, int, T> one) where T : unmanaged
    {
        T* a = (T*)(r + i.First.Offset), d = (T*)(r + i.Result.Offset);
        uint* n = (uint*)(r + i.Second.Offset);
        if (Vector512.EqualsAll(Vector512.Load(n), Vector512.Create(n[0])) && Vector512.EqualsAll(Vector512.Load(n + 16), Vector512.Create(n[0])))
            for (int k = 0; k < Count; k += Vector512<T>.Count) Store(d + k, all(Vector512.Load(a + k), (int)Math.Min(n[0], 64)), mask >> k, whole);
        else
            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                int lane = BitOperations.TrailingZeroCount(rest);
                d[lane] = one(a[lane], (int)Math.Min(n[lane], 64));
            }
    }

    public static void Widen<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged
    {
        Vector512<int>* a = (Vector512<int>*)(r + i.First.Offset);
        long* d = (long*)(r + i.Result.Offset);
        for (int k = 0; k < 2; k++)
        {
            Store(d + 16 * k, Lower<T>(a[k]), mask >> (16 * k), whole);
            Store(d + 16 * k + 8, Upper<T>(a[k]), mask >> (16 * k + 8), whole);
        }
    }

    public static void Narrow(byte* r, PtxInstruction i, uint mask, bool whole)
    {
        Vector512<long>* a = (Vector512<long>*)(r + i.First.Offset);
        int* d = (int*)(r + i.Result.Offset);
        for (int k = 0; k < 2; k++) Store(d + 16 * k, Vector512.Narrow(a[2 * k], a[2 * k + 1]), mask >> (16 * k), whole);
    }

    public static void Compare<T, TOf>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged where TOf : struct, IPtxComparison<T> =>
        Predicate(r, i, Holds<T, TOf>(r, i), mask);

    // An unordered comparison of floats is true where the opposite ordered one is false.
    public static void CompareNot<T, TOpposite>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged where TOpposite : struct, IPtxComparison<T> =>
        Predicate(r, i, ~Holds<T, TOpposite>(r, i), mask);

    public static void IsNaN(byte* r, PtxInstruction i, uint mask, bool whole)
    {
        float* a = (float*)(r + i.First.Offset);
        uint holds = 0;
        for (int k = 0; k < Count; k++)
            if (float.IsNaN(a[k])) holds |= 1u << k;
        Predicate(r, i, holds, mask);
    }

    public static void Logic<TOf>(byte* r, PtxInstruction i, uint mask, bool whole) where TOf : struct, IPtxBinary<uint> =>
        Predicate(r, i, TOf.Of(Vector512.CreateScalar(*(uint*)(r + i.First.Offset)), Vector512.CreateScalar(*(uint*)(r + i.Second.Offset))).ToScalar(), mask);

    public static void LogicCopy(byte* r, PtxInstruction i, uint mask, bool whole) => Predicate(r, i, *(uint*)(r + i.First.Offset), mask);

    public static void LogicNot(byte* r, PtxInstruction i, uint mask, bool whole) => Predicate(r, i, ~*(uint*)(r + i.First.Offset), mask);

    public static void Select<T>(byte* r, PtxInstruction i, uint mask, bool whole) where T : unmanaged
    {
        T* a = (T*)(r + i.First.Offset), b = (T*)(r + i.Second.Offset), d = (T*)(r + i.Result.Offset);
        uint first = *(uint*)(r + i.Third.Offset);
        for (int k = 0; k < Count; k += Vector512<T>.Count)
            Store(d + k, Vector512.ConditionalSelect(Lanes<T>(first >> k), Vector512.Load(a + k), Vector512.Load(b + k)), mask >> k, whole);
    }

    /// <summary>Loads a kernel's parameter, the same for all lanes; one of fewer than 4 bytes is extended by zeros.</summary>
    public static PtxOperation Parameter(int bytes) => bytes switch
    {
        1 => (r, i, mask, whole) => Fill(r, i, (uint)*(r + i.Displacement), mask, whole),
        2 => (r, i, mask, whole) => Fill(r, i, (uint)*(ushort*)(r + i.Displacement), mask, whole),
        4 => (r, i, mask, whole) => Fill(r, i, *(uint*)(r + i.Displacement), mask, whole),
        _ => (r, i, mask, whole) => Fill(r, i, *(ulong*)(r + i.Displacement), mask, whole),
    };

    /// <summary>An instruction lane by lane, for what has no vector form or must not touch inactive lanes.</summary>
    public static PtxOperation Each<TA, TD>(Func<TA, TD> of) where TA : unmanaged where TD : unmanaged => (r, i, mask, _) =>
    {
        TA* a = (TA*)(r + i.First.Offset);
        TD* d = (TD*)(r + i.Result.Offset);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            d[lane] = of(a[lane]);
        }
    };

    public static PtxOperation Each<TA, TB, TD>(Func<TA, TB, TD> of) where TA : unmanaged where TB : unmanaged where TD : unmanaged => (r, i, mask, _) =>
    {
        TA* a = (TA*)(r + i.First.Offset);
        TB* b = (TB*)(r + i.Second.Offset);
        TD* d = (TD*)(r + i.Result.Offset);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            d[lane] = of(a[lane], b[lane]);
        }
    };

    /// <summary>Loads an element of 1, 2, 4 or 8 bytes from memory into a lane, extended by zeros to the register.</summary>
    public static void Put(byte* row, int lane, byte* memory, int bytes)
    {
        switch (bytes)
        {
            case 4: ((uint*)row)[lane] = *(uint*)memory; break;
            case 8: ((ulong*)row)[lane] = *(ulong*)memory; break;
            case 2: ((uint*)row)[lane] = *(ushort*)memory; break;
            default: ((uint*)row)[lane] = *memory; break;
        }
    }

    /// <summary>Stores a lane to memory.</summary>
    public static void Take(byte* row, int lane, byte* memory, int bytes)
    {
        switch (bytes)
        {
            case 4: *(uint*)memory = ((uint*)row)[lane]; break;
            case 8: *(ulong*)memory = ((ulong*)row)[lane]; break;
            case 2: *(ushort*)memory = (ushort)((uint*)row)[lane]; break;
            default: *memory = (byte)((uint*)row)[lane]; break;
        }
    }

    /// <summary>Whether the addresses of these lanes lie at most so many bytes behind a start, and are multiples of a power of two.</summary>
    public static bool AllWithin(ulong* pointers, ulong displacement, ulong start, ulong most, int alignment, uint lanes)
    {
        uint bad = 0;
        for (int k = 0; k < Count; k += Vector512<ulong>.Count)
        {
            Vector512<ulong> address = Vector512.Load(pointers + k) + Vector512.Create(displacement);
            ulong outside = Vector512.GreaterThan(address - Vector512.Create(start), Vector512.Create(most)).ExtractMostSignificantBits();
            ulong aligned = Vector512.Equals(address & Vector512.Create((ulong)(alignment - 1)), Vector512<ulong>.Zero).ExtractMostSignificantBits();
            bad |= (uint)((outside | ~aligned) & 0xff) << k;
        }
        return (bad & lanes) == 0;
    }

    private static void Fill<T>(byte* r, PtxInstruction i, T value, uint mask, bool whole) where T : unmanaged
    {
        T* d = (T*)(r + i.Result.Offset);
        for (int k = 0; k < Count; k += Vector512<T>.Count) Store(d + k, Vector512.Create(value), mask >> k, whole);
    }

    private static uint Holds<T, TOf>(byte* r, PtxInstruction i) where T : unmanaged where TOf : struct, IPtxComparison<T>
    {
        T* a = (T*)(r + i.First.Offset), b = (T*)(r + i.Second.Offset);
        uint holds = 0;
        for (int k = 0; k < Count; k += Vector512<T>.Count)
            holds |= (uint)TOf.Of(Vector512.Load(a + k), Vector512.Load(b + k)).ExtractMostSignificantBits() << k;
        return holds;
    }

    private static void Predicate(byte* r, PtxInstruction i, uint holds, uint mask)
    {
        uint* d = (uint*)(r + i.Result.Offset);
        *d = (*d & ~mask) | (holds & mask);
    }

    private static void Store<T>(T* d, Vector512<T> value, uint mask, bool whole) where T : unmanaged
    {
        if (!whole) value = Vector512.ConditionalSelect(Lanes<T>(mask), value, Vector512.Load(d));
        value.Store(d);
    }

    // All bits of a lane, for each bit of the mask.
    private static Vector512<T> Lanes<T>(uint mask) where T : unmanaged
    {
        if (Vector512<T>.Count == 16)
        {
            Vector512<uint> bits = Vector512.Create(1u, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15);
            return Vector512.Equals(Vector512.Create(mask) & bits, bits).As<uint, T>();
        }
        Vector512<ulong> wideBits = Vector512.Create(1ul, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7);
        return Vector512.Equals(Vector512.Create((ulong)mask) & wideBits, wideBits).As<ulong, T>();
    }
}
