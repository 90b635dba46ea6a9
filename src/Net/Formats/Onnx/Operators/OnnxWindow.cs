namespace GpuConv.Net;

/// <summary>
/// The windows of a convolution or pooling, one entry for each dimension of the image, as the attributes <c>kernel_shape</c>, <c>strides</c>,
/// <c>dilations</c>, <c>pads</c> and <c>auto_pad</c> give them.
/// </summary>
internal sealed class OnnxWindow
{
    // Far more than any network has, and small enough that no sum or product of them leaves 32 bits unseen.
    private const int Largest = 1 << 24;

    private OnnxWindow(int[] kernel, int[] strides, int[] dilations, int[] begin, int[] end, bool isExplicit) =>
        (Kernel, Strides, Dilations, Begin, End, IsExplicit) = (kernel, strides, dilations, begin, end, isExplicit);

    public int[] Kernel { get; }

    public int[] Strides { get; }

    public int[] Dilations { get; }

    /// <summary>The padding before the image.</summary>
    public int[] Begin { get; }

    /// <summary>The padding behind it.</summary>
    public int[] End { get; }

    /// <summary>Whether the padding is given; else it follows from the sizes, and no window is left over for <c>ceil_mode</c>.</summary>
    public bool IsExplicit { get; }

    /// <summary>Reads the attributes.</summary>
    /// <param name="call">The node.</param>
    /// <param name="image">The sizes of the image, without batch and channels.</param>
    /// <param name="kernel">The kernel's sizes where they are known; null: the attribute must say them.</param>
    public static OnnxWindow Read(OnnxCall call, ReadOnlySpan<int> image, int[]? kernel)
    {
        int rank = image.Length;
        int[]? given = Sizes(call, "kernel_shape", rank, 1);
        if (kernel is null) kernel = given ?? throw call.Malformed("has no kernel_shape");
        else if (given is not null && !given.AsSpan().SequenceEqual(kernel)) throw call.Malformed($"has kernel_shape {OnnxArray.TextOf(given)}, and a kernel of {OnnxArray.TextOf(kernel)}");
        int[] strides = Sizes(call, "strides", rank, 1) ?? [.. Enumerable.Repeat(1, rank)];
        int[] dilations = Sizes(call, "dilations", rank, 1) ?? [.. Enumerable.Repeat(1, rank)];
        int[]? pads = Sizes(call, "pads", 2 * rank, 0);
        string automatic = call.Text("auto_pad", "NOTSET");
        int[] begin = pads is null ? new int[rank] : pads[..rank], end = pads is null ? new int[rank] : pads[rank..];
        if (automatic is "VALID") (begin, end) = (new int[rank], new int[rank]);
        else if (automatic is not ("SAME_UPPER" or "SAME_LOWER" or "NOTSET" or "")) throw call.Malformed($"has auto_pad '{automatic}'");
        for (int i = 0; i < rank; i++)
        {
            long span = (long)dilations[i] * (kernel[i] - 1) + 1;
            if (span > Largest) throw call.Malformed($"has a window that spans {span}");
            if (automatic is not ("SAME_UPPER" or "SAME_LOWER")) continue;
            // As many outputs as strides begin in the image; where the windows leave gaps, nothing is cut off.
            int outputs = (image[i] + strides[i] - 1) / strides[i];
            long total = Math.Max(0, (outputs - 1L) * strides[i] + span - image[i]);
            (int less, int more) = ((int)(total / 2), (int)(total - total / 2));
            (begin[i], end[i]) = automatic is "SAME_UPPER" ? (less, more) : (more, less);
        }
        return new OnnxWindow(kernel, strides, dilations, begin, end, automatic is "NOTSET" or "");
    }

    /// <summary>The windows over height and width: the last two dimensions; one dimension is an image of height 1.</summary>
    public OnnxWindow Plane()
    {
        return new OnnxWindow(Two(Kernel, 1), Two(Strides, 1), Two(Dilations, 1), Two(Begin, 0), Two(End, 0), IsExplicit);

        static int[] Two(int[] values, int lone) => values.Length == 1 ? [lone, values[0]] : values[^2..];
    }

    private static int[]? Sizes(OnnxCall call, string name, int count, int least)
    {
        if (call.Ints(name) is not { } values) return null;
        if (values.Length != count) throw call.Malformed($"has {values.Length} {name}, not {count}");
        foreach (long value in values)
        {
            // Negative padding, which crops, was never defined.
            if (value < least || value > Largest) throw call.Malformed($"has {value} among its {name}");
        }
        return Array.ConvertAll(values, v => (int)v);
    }
}
