using System.Runtime.Intrinsics;

namespace GpuConv.Tests;

/// <summary>Computes lanes side by side.</summary>
internal interface IPtxBinary<T>
{
    static abstract Vector512<T> Of(Vector512<T> a, Vector512<T> b);
}

/// <summary>Compares lanes: all bits of one are set where it holds.</summary>
internal interface IPtxComparison<T>
{
    static abstract Vector512<T> Of(Vector512<T> a, Vector512<T> b);
}

/// <summary>What instructions do with the values of two operands.</summary>
internal static class PtxArithmetic
{
    public readonly struct Sum<T> : IPtxBinary<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => a + b;
    }

    public readonly struct Difference<T> : IPtxBinary<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => a - b;
    }

    public readonly struct Product<T> : IPtxBinary<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => a * b;
    }

    public readonly struct Conjunction<T> : IPtxBinary<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => a & b;
    }

    public readonly struct Disjunction<T> : IPtxBinary<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => a | b;
    }

    public readonly struct Exclusion<T> : IPtxBinary<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => a ^ b;
    }

    // Of integers; of floats a NaN gives the other operand, as in PTX.
    public readonly struct Smaller<T> : IPtxBinary<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => Vector512.MinNumber(a, b);
    }

    public readonly struct Larger<T> : IPtxBinary<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => Vector512.MaxNumber(a, b);
    }

    public readonly struct Equal<T> : IPtxComparison<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => Vector512.Equals(a, b);
    }

    // False for NaN, unlike the operator of C#: setp.ne is ordered, setp.neu is not.
    public readonly struct LessOrGreater<T> : IPtxComparison<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => Vector512.LessThan(a, b) | Vector512.GreaterThan(a, b);
    }

    public readonly struct Less<T> : IPtxComparison<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => Vector512.LessThan(a, b);
    }

    public readonly struct LessOrEqual<T> : IPtxComparison<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => Vector512.LessThanOrEqual(a, b);
    }

    public readonly struct Greater<T> : IPtxComparison<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => Vector512.GreaterThan(a, b);
    }

    public readonly struct GreaterOrEqual<T> : IPtxComparison<T>
    {
        public static Vector512<T> Of(Vector512<T> a, Vector512<T> b) => Vector512.GreaterThanOrEqual(a, b);
    }
}
