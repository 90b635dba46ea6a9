namespace GpuConv.Net;

/// <summary>What computes nothing: <c>Identity</c>, <c>Constant</c>, <c>Flatten</c>, <c>Reshape</c>, <c>Transpose</c>.</summary>
internal static class OnnxShapes
{
    public static void Identity(OnnxCall call) => call.Set(0, call.Input(0));

    public static void Constant(OnnxCall call) => call.Set(0, new OnnxValue(call.Run, ConstantOf(call)));

    /// <summary>The value of a <c>Constant</c>.</summary>
    public static OnnxArray ConstantOf(OnnxCall call)
    {
        foreach (string name in (string[])["sparse_value", "value_string", "value_strings"])
            if (call.Has(name)) throw call.Unsupported($"with {name}");
        OnnxArray[] values =
        [
            .. call.Tensor("value") is { } tensor ? [tensor] : (OnnxArray[])[],
            .. call.Has("value_float") ? [new OnnxArray([], [call.Number("value_float", 0)])] : (OnnxArray[])[],
            .. call.Numbers("value_floats") is { } floats ? [new OnnxArray([floats.Length], floats)] : (OnnxArray[])[],
            .. call.Has("value_int") ? [new OnnxArray(OnnxType.Int64, [], [call.Int("value_int", 0)])] : (OnnxArray[])[],
            .. call.Ints("value_ints") is { } ints ? [new OnnxArray(OnnxType.Int64, [ints.Length], ints)] : (OnnxArray[])[],
        ];
        return values.Length == 1 ? values[0] : throw call.Malformed($"has {values.Length} values, not one");
    }

    public static void Flatten(OnnxCall call)
    {
        OnnxValue x = call.Input(0);
        int axis = call.Axis(call.Int("axis", 1), x.Shape.Length, end: true);
        call.Set(0, x.Reshape([Product(x.Shape[..axis]), Product(x.Shape[axis..])]));

        static int Product(int[] sizes) => sizes.Aggregate(1, (count, size) => checked(count * size));
    }

    /// <summary>0 takes over the input's size, unless <c>allowzero</c> says otherwise; -1 is what remains.</summary>
    public static void Reshape(OnnxCall call)
    {
        OnnxValue x = call.Input(0), target = call.Input(1);
        if (target.Type != OnnxType.Int64 || target.Shape.Length != 1) throw call.Malformed($"has a shape of {target.Type} {OnnxArray.TextOf(target.Shape)}");
        bool zeroIsZero = call.Int("allowzero", 0) != 0;
        long[] sizes = target.ToArray().Integers;
        var shape = new int[sizes.Length];
        int open = -1;
        long known = 1;
        for (int i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] == -1)
            {
                if (open >= 0) throw call.Malformed("leaves two sizes open");
                open = i;
                continue;
            }
            long size = sizes[i] == 0 && !zeroIsZero ? (i < x.Shape.Length ? x.Shape[i] : throw call.Malformed($"takes over size {i} of {OnnxArray.TextOf(x.Shape)}")) : sizes[i];
            if (size is < 0 or > int.MaxValue) throw call.Malformed($"has size {size} in its shape");
            shape[i] = (int)size;
            known = known > 0 && size > long.MaxValue / known ? long.MaxValue : known * size;
        }
        if (open >= 0)
        {
            if (known == 0 || x.Count % known != 0) throw call.Malformed($"sees {OnnxArray.TextOf(x.Shape)} as [{string.Join(", ", sizes)}]");
            shape[open] = (int)(x.Count / known);
            known *= shape[open];
        }
        if (known != x.Count) throw call.Malformed($"sees {OnnxArray.TextOf(x.Shape)} as [{string.Join(", ", sizes)}]");
        call.Set(0, x.Reshape(shape));
    }

    public static void Transpose(OnnxCall call)
    {
        OnnxValue x = call.Input(0);
        int[] order = call.Ints("perm") is { } perm ? Array.ConvertAll(perm, d => call.Axis(d, x.Shape.Length)) : [.. Enumerable.Range(0, x.Shape.Length).Reverse()];
        if (order.Length != x.Shape.Length || order.Distinct().Count() != order.Length) throw call.Malformed($"orders {x.Shape.Length} dimensions as [{string.Join(", ", order)}]");
        call.Set(0, OnnxGrid.Transpose(call, x, order));
    }
}
