using GpuConv.Kernels;
using GpuConv.Net;
using ProtoBuf;

namespace GpuConv.Tests;

/// <summary>Files as others make them: every way of storing a tensor, and files that are damaged or lie.</summary>
[Collection<ProcessWide>]
public class OnnxFileTests
{
    private const long Memory = 64 << 20;

    [Fact]
    public void Each_type_reads_the_same_from_raw_data_and_from_its_list()
    {
        TensorProto List(OnnxType type, Action<TensorProto> fill)
        {
            var tensor = new TensorProto { DataType = (int)type, Dims = { 3 } };
            fill(tensor);
            return tensor;
        }
        (TensorProto Listed, byte[] Raw)[] cases =
        [
            (List(OnnxType.Float, t => t.FloatData.AddRange([1.5f, -2, float.NaN])), [.. new[] { 1.5f, -2, float.NaN }.SelectMany(BitConverter.GetBytes)]),
            (List(OnnxType.Double, t => t.DoubleData.AddRange([1.5, -2, 0.1])), [.. new[] { 1.5, -2, 0.1 }.SelectMany(BitConverter.GetBytes)]),
            (List(OnnxType.Float16, t => t.Int32Data.AddRange([0x3e00, 0xc000, 0x7c00])), [0x00, 0x3e, 0x00, 0xc0, 0x00, 0x7c]),
            (List(OnnxType.BFloat16, t => t.Int32Data.AddRange([0x3fc0, 0xc000, 0x7f80])), [0xc0, 0x3f, 0x00, 0xc0, 0x80, 0x7f]),
            (List(OnnxType.Int64, t => t.Int64Data.AddRange([1, -2, long.MinValue])), [.. new long[] { 1, -2, long.MinValue }.SelectMany(BitConverter.GetBytes)]),
            (List(OnnxType.Int32, t => t.Int32Data.AddRange([1, -2, int.MinValue])), [.. new int[] { 1, -2, int.MinValue }.SelectMany(BitConverter.GetBytes)]),
            (List(OnnxType.UInt64, t => t.UInt64Data.AddRange([1, 2, ulong.MaxValue])), [.. new ulong[] { 1, 2, ulong.MaxValue }.SelectMany(BitConverter.GetBytes)]),
            (List(OnnxType.UInt32, t => t.UInt64Data.AddRange([1, 2, uint.MaxValue])), [.. new uint[] { 1, 2, uint.MaxValue }.SelectMany(BitConverter.GetBytes)]),
            (List(OnnxType.Int16, t => t.Int32Data.AddRange([1, -2, short.MinValue])), [.. new short[] { 1, -2, short.MinValue }.SelectMany(BitConverter.GetBytes)]),
            (List(OnnxType.UInt16, t => t.Int32Data.AddRange([1, 2, ushort.MaxValue])), [.. new ushort[] { 1, 2, ushort.MaxValue }.SelectMany(BitConverter.GetBytes)]),
            (List(OnnxType.Int8, t => t.Int32Data.AddRange([1, -2, -128])), [1, 0xfe, 0x80]),
            (List(OnnxType.UInt8, t => t.Int32Data.AddRange([1, 2, 255])), [1, 2, 255]),
            (List(OnnxType.Bool, t => t.Int32Data.AddRange([1, 0, 1])), [1, 0, 1]),
        ];
        foreach ((TensorProto listed, byte[] raw) in cases)
        {
            OnnxArray a = OnnxArray.From(Again(listed), "list"), b = OnnxArray.From(new TensorProto { DataType = listed.DataType, Dims = { 3 }, RawData = raw }, "raw");
            Assert.Equal(a.Floats, b.Floats);
            Assert.Equal(a.Integers, b.Integers);
            Assert.Equal(3, a.Floats.Length + a.Integers.Length);
            // What is written is what was read; float64 only as far as float32 goes.
            if (a.Type != OnnxType.Double) Assert.Equal(raw, b.ToProto("x").RawData);
        }
        Assert.Equal([1.5f, -2, float.PositiveInfinity], OnnxArray.From(cases[2].Listed, "half").Floats);
        Assert.Equal([1.5f, -2, float.PositiveInfinity], OnnxArray.From(cases[3].Listed, "bfloat16").Floats);
    }

    [Fact]
    public void Tensors_that_contradict_themselves_are_refused_in_a_line()
    {
        static TensorProto Of(params long[] dims)
        {
            var tensor = new TensorProto { Name = "w", DataType = (int)OnnxType.Float, RawData = new byte[24] };
            tensor.Dims.AddRange(dims);
            return tensor;
        }
        Assert.Equal([2, 3], OnnxArray.From(Of(2, 3), "file").Shape);
        Refused(Of(2, 4), "has 8 elements");
        Refused(Of(5), "has 5 elements");
        Refused(Of(-1, 6), "size 0 is -1");
        Refused(Of(long.MaxValue), "size 0 is");
        // A product that overflows to a small number.
        Refused(Of(int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue), "elements");
        TensorProto tensor = Of(5);
        tensor.RawData = new byte[23];
        Refused(tensor, "raw_data of 23 bytes");
        tensor = Of(6);
        tensor.DataType = null;
        Refused(tensor, "no type");
        tensor = new TensorProto { Name = "w", DataType = (int)OnnxType.UInt8, Dims = { 1 }, Int32Data = { 300 } };
        Refused(tensor, "300");
        tensor = Of(6);
        tensor.DataLocation = 1;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "/etc/passwd" });
        Refused(tensor, "in another file, which is not read unless asked for");
        tensor = Of(6);
        tensor.DataType = (int)OnnxType.Complex64;
        Assert.Throws<OnnxUnsupportedException>(() => OnnxArray.From(tensor, "file"));

        static void Refused(TensorProto tensor, string why)
        {
            ModelFileException e = Assert.Throws<ModelFileException>(() => OnnxArray.From(tensor, "file"));
            Assert.Contains(why, e.Message, StringComparison.Ordinal);
            Assert.Contains("'w'", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Files_cut_off_anywhere_are_damaged_or_smaller_models()
    {
        byte[] whole = Sample();
        foreach (int length in Enumerable.Range(0, 400).Select(i => (int)((long)whole.Length * i / 400)).Append(whole.Length - 1))
            Survives(whole[..length], $"the first {length} bytes");
    }

    [Fact]
    public void Files_with_bytes_changed_at_random_never_crash_or_take_memory_without_bounds()
    {
        byte[] whole = Sample();
        var random = new Random(5);
        for (int i = 0; i < 1500; i++)
        {
            byte[] changed = [.. whole];
            int changes = random.Next(1, 5);
            // The structure is at the beginning and between the weights: half of the changes go there.
            for (int c = 0; c < changes; c++) changed[random.Next(random.Next(2) == 0 ? Math.Min(700, whole.Length) : whole.Length)] = (byte)random.Next(256);
            Survives(changed, $"seed 5, file {i}");
        }
    }

    [Fact]
    public void Lengths_that_lie_take_no_memory()
    {
        // raw_data, and a list of floats, that say they have 2 GB; and 600 groups, each in the other.
        Survives([0x3a, 0x88, 0x80, 0x80, 0x08, 0x2a, 0x80, 0x80, 0x80, 0x08, 0x4a, 0xff, 0xff, 0xff, 0xff, 0x07, 0x01], "raw_data");
        Survives([0x3a, 0x88, 0x80, 0x80, 0x08, 0x2a, 0x80, 0x80, 0x80, 0x08, 0x22, 0xff, 0xff, 0xff, 0xff, 0x07, 0x01], "float_data");
        Survives([.. Enumerable.Repeat((byte)0x0b, 100_000)], "groups");
        Survives([.. Enumerable.Repeat((byte)0x3a, 100_000)], "graphs");
        // Attributes can hold graphs, and those nodes with attributes.
        Survives([0x3a, 0x7f, .. Enumerable.Repeat<byte[]>([0x0a, 0x7f, 0x2a, 0x7f, 0x32, 0x7f], 20_000).SelectMany(b => b)], "nested graphs");
    }

    [Fact]
    public void A_graph_that_asks_for_gigabytes_is_refused_before_it_gets_them()
    {
        byte[] bytes = new MadeGraph().Input("x", 1, 1, 2, 2).Constant("w", [1, 1, 1, 1])
            .Node("Conv", "x, w", "y", ("pads", new[] { 1 << 23, 1 << 23, 1 << 23, 1 << 23 })).Output("y", 1, 1, "h", "w").ToBytes();
        long before = GC.GetTotalAllocatedBytes();
        var inputs = new Dictionary<string, OnnxArray> { ["x"] = new([1, 1, 2, 2], [1, 2, 3, 4]) };
        Assert.Throws<ModelFileException>(() => OnnxGraph.Parse(bytes, "padded").Run(TestDevices.Get("cpu"), inputs, cancellation: TestContext.Current.CancellationToken));
        bytes = new MadeGraph().Input("x", 1, 1, 2, 2).Constant("a", [100_000, 1]).Node("Transpose", "a", "b").Node("MatMul", "a, b", "z").Output("z").ToBytes();
        Assert.Contains("more than 1024 MB", Assert.Throws<ModelFileException>(() => OnnxGraph.Parse(bytes, "product").Run(TestDevices.Get("cpu"), inputs, cancellation: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        Assert.True(GC.GetTotalAllocatedBytes() - before < Memory);
    }

    // A file with constants, attributes of every kind and several nodes.
    private static byte[] Sample() => new MadeGraph(opset: 13).Input("x", 1, 2, 7, 6)
        .Constant("w", [4, 2, 3, 3]).Constant("b", [4]).Constant("m", [4]).Constant("v", [4], [1, 2, 3, 4]).Constant("g", [5, 4]).Constant("shape", 0, -1)
        .Node("Conv", "x, w, b", "c", ("auto_pad", "SAME_LOWER"), ("group", 1), ("strides", new[] { 2, 1 }))
        .Node("BatchNormalization", "c, b, m, m, v", "n", ("epsilon", 1e-3f))
        .Node("Relu", "n", "r")
        .Node("Add", "r, n", "a")
        .Node("MaxPool", "a", "p", ("kernel_shape", new[] { 2, 2 }), ("ceil_mode", 1))
        .Node("GlobalAveragePool", "p", "q")
        .Node("Reshape", "q, shape", "f")
        .Node("Gemm", "f, g", "s", ("transB", 1), ("alpha", 0.5f))
        .Node("LogSoftmax", "s", "y")
        .Output("y", 1, 5).ToBytes();

    // Read as a graph and run, and read as a model: each works or says in one line why not, and takes no more memory than it should.
    private static void Survives(byte[] bytes, string what)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Device device = TestDevices.Get("cpu");
        Try(() =>
        {
            OnnxGraph graph = OnnxGraph.Parse(bytes, "damaged.onnx");
            var inputs = graph.Inputs.DistinctBy(e => e.Name).ToDictionary(e => e.Name, _ => new OnnxArray([1, 2, 7, 6], new float[84]));
            graph.Run(device, inputs, Memory);
        });
        Try(() => OnnxImport.Parse(bytes, "damaged.onnx", () => new ModelContext(new Shape(2, 7, 6), 0, 1, "")));
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(taken < Memory, $"{what}: {taken:n0} bytes");

        void Try(Action action)
        {
            try
            {
                action();
            }
            catch (Exception e) when (e is ModelFileException or OnnxUnsupportedException or ArgumentException { ParamName: "inputs" })
            {
                if (e is not ArgumentException) Assert.DoesNotContain(e.Message, char.IsControl);
            }
            catch (Exception e)
            {
                Assert.Fail($"{what}: {e}");
            }
        }
    }

    private static TensorProto Again(TensorProto tensor)
    {
        var bytes = new MemoryStream();
        Serializer.Serialize(bytes, tensor);
        return Serializer.Deserialize<TensorProto>((ReadOnlyMemory<byte>)bytes.ToArray());
    }
}
