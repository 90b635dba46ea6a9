using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using GpuConv.Net;

namespace GpuConv.Tests;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_small_file_has_the_bytes_that_the_format_demands()
    {
        var file = new SafetensorsFile(
            [new("b", [2], [1f, -2f]), new("a", [1, 1], [0.5f])],
            new Dictionary<string, string> { ["z"] = "1", ["k"] = "v \"ü\"" });
        byte[] zeros = Bytes(new string('0', 64));
        Assert.Equal(Bytes(Convert.ToHexStringLower(SHA256.HashData(zeros))), file.ToBytes());

        static byte[] Bytes(string checksum)
        {
            byte[] json = Encoding.UTF8.GetBytes(
                $$$"""{"__metadata__":{"gpuconv.sha256":"{{{checksum}}}","k":"v \"ü\"","z":"1"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}}""");
            int padded = (json.Length + 7) / 8 * 8;
            return
            [
                (byte)padded, 0, 0, 0, 0, 0, 0, 0, .. json, .. Enumerable.Repeat((byte)' ', padded - json.Length),
                0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f,
            ];
        }
    }

    [Fact]
    public void What_is_written_is_read_to_the_bit()
    {
        float[] odd = [float.NaN, BitConverter.Int32BitsToSingle(0x7f800001), -0f, float.Epsilon, float.PositiveInfinity, float.MaxValue];
        var file = new SafetensorsFile(
            [new("conv1.weight", [2, 3], odd), new("scalar", [], [3]), new("nothing", [3, 0], []), new("name with \"quotes\", \n and ü", [1], [1])],
            new Dictionary<string, string> { ["empty"] = "", ["network"] = "{\"layers\":[1]}\n" });
        file.Write(folder["a.safetensors"]);
        SafetensorsFile read = SafetensorsFile.Read(folder["a.safetensors"]);
        Assert.Equal(file.Tensors.Select(t => t.Name), read.Tensors.Select(t => t.Name));
        Assert.Equal(file.Tensors.SelectMany(t => t.Shape), read.Tensors.SelectMany(t => t.Shape));
        Assert.Equal(odd.Select(BitConverter.SingleToInt32Bits), read.Tensors[0].Values.Select(BitConverter.SingleToInt32Bits));
        Assert.Equal([3f], read.Tensors[1].Values);
        Assert.Equal(file.Metadata.OrderBy(m => m.Key), read.Metadata.OrderBy(m => m.Key));
        Assert.Equal(file.ToBytes(), read.ToBytes());
    }

    [Fact]
    public void An_empty_file_is_sound() => Assert.Empty(SafetensorsFile.Parse(new SafetensorsFile([]).ToBytes(), "x").Tensors);

    [Fact]
    public void Other_types_are_read_as_float32()
    {
        byte[] data =
        [
            .. BitConverter.GetBytes(1.5), .. BitConverter.GetBytes(-16777216L), .. BitConverter.GetBytes(int.MinValue),
            .. BitConverter.GetBytes((Half)0.25f), 0xc0, 0x3f, 255,
        ];
        byte[] file = File("""
            {"f64":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"i64":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},
            "i32":{"dtype":"I32","shape":[1],"data_offsets":[16,20]},"f16":{"dtype":"F16","shape":[1],"data_offsets":[20,22]},
            "bf16":{"dtype":"BF16","shape":[1],"data_offsets":[22,24]},"u8":{"dtype":"U8","shape":[],"data_offsets":[24,25]}}
            """, data);
        Assert.Equal([1.5f, -16777216f, int.MinValue, 0.25f, 1.5f, 255f], SafetensorsFile.Parse(file, "x").Tensors.Select(t => t.Values.Single()));
    }

    [Fact]
    public void Integers_of_all_sizes_and_truth_values_are_read_as_float32()
    {
        byte[] data =
        [
            .. BitConverter.GetBytes(1UL << 63), .. BitConverter.GetBytes(0xffffff00u), .. BitConverter.GetBytes((ushort)65535), .. BitConverter.GetBytes((short)-32768), 0x80, 0, 1,
        ];
        byte[] file = File("""
            {"u64":{"dtype":"U64","shape":[1],"data_offsets":[0,8]},"u32":{"dtype":"U32","shape":[1],"data_offsets":[8,12]},
            "u16":{"dtype":"U16","shape":[1],"data_offsets":[12,14]},"i16":{"dtype":"I16","shape":[1],"data_offsets":[14,16]},
            "i8":{"dtype":"I8","shape":[1],"data_offsets":[16,17]},"bool":{"dtype":"BOOL","shape":[2],"data_offsets":[17,19]}}
            """, data);
        Assert.Equal([9223372036854775808f, 4294967040f, 65535f, -32768f, -128f, 0f, 1f], SafetensorsFile.Parse(file, "x").Tensors.SelectMany(t => t.Values));
    }

    [Fact]
    public void Tensors_may_stand_in_the_header_in_another_order_than_in_the_data()
    {
        byte[] file = File("""{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}}""", [10, 20]);
        Assert.Equal([("b", 20f), ("a", 10f)], SafetensorsFile.Parse(file, "x").Tensors.Select(t => (t.Name, t.Values[0])));
    }

    public static TheoryData<string, byte[]> Damaged => new()
    {
        { "x ends at offset 3, within the header's length (8 bytes): it is no safetensors file, or cut off.", [1, 2, 3] },
        { "x, offset 0: the header's length is given as 99 bytes, but only 2 follow: it is no safetensors file, or cut off.", [99, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d] },
        { "x, offset 0: the header's length is given as 18446744073709551615 bytes, but only 1 follow", [255, 255, 255, 255, 255, 255, 255, 255, 0] },
        { "x, offset 8: the header must start with '{': it is no safetensors file.", [0, 0, 0, 0, 0, 0, 0, 0] },
        { "x, offset 8: the header must start with '{': it is no safetensors file.", File("[1]", []) },
        { "x, offset 12: the header is not valid JSON: the file is damaged.", File("""{"a",}""", []) },
        { "x, line 2 of the header, byte 0: the header is not valid JSON: the file is damaged.", File("{\n1}", []) },
        { "the header is not valid JSON", File("""{"a":{}""", []) },
        { "the header is not valid JSON", File(new string('{', 1), []) },
        { "the header is not valid JSON", File("{\"a\":" + new string('[', 5000) + new string(']', 5000) + "}", []) },
        { "x: the header holds a string that is not valid Unicode: the file is damaged.", File("""{"\ud800":{}}""", []) },
        { "x: the header has 'a' twice.", File("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", []) },
        { "x: __metadata__ must be an object of strings.", File("""{"__metadata__":7}""", []) },
        { "x: __metadata__, 'a' is not a string.", File("""{"__metadata__":{"a":7}}""", []) },
        { "x: __metadata__ has 'a' twice.", File("""{"__metadata__":{"a":"7","a":"8"}}""", []) },
        { "x: a tensor has an empty name.", File("""{"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", []) },
        { "x: tensor 'a' is not described by an object with dtype, shape and data_offsets.", File("""{"a":1}""", []) },
        { "x: tensor 'a' lacks its dtype.", File("""{"a":{"shape":[0],"data_offsets":[0,0]}}""", []) },
        { "x: tensor 'a' lacks its shape.", File("""{"a":{"dtype":"U8","data_offsets":[0,0]}}""", []) },
        { "x: tensor 'a' lacks its data_offsets.", File("""{"a":{"dtype":"U8","shape":[0]}}""", []) },
        { "x: tensor 'a' has 'shape' twice.", File("""{"a":{"shape":[0],"shape":[0]}}""", []) },
        { "x: tensor 'a' has an unknown entry 'strides'.", File("""{"a":{"strides":[0]}}""", []) },
        { "x: tensor 'a': dtype is not a string.", File("""{"a":{"dtype":null}}""", []) },
        { "x: tensor 'a' has the type 'C64'; F32, F64, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL can be read. Convert it to F32.", File("""{"a":{"dtype":"C64","shape":[0],"data_offsets":[0,0]}}""", []) },
        { "x: tensor 'a': shape is not a list of whole numbers.", File("""{"a":{"shape":3}}""", []) },
        { "x: tensor 'a': shape has '-1' where a whole number from 0 is expected.", File("""{"a":{"shape":[-1]}}""", []) },
        { "x: tensor 'a': shape has '1.5' where a whole number from 0 is expected.", File("""{"a":{"shape":[1.5]}}""", []) },
        { "x: tensor 'a': shape has '99999999999999999999' where a whole number from 0 is expected.", File("""{"a":{"shape":[99999999999999999999]}}""", []) },
        { "x: tensor 'a': shape has '\"2\"' where a whole number from 0 is expected.", File("""{"a":{"shape":["2"]}}""", []) },
        { "x: tensor 'a': data_offsets must be [begin, end] with begin not after end, not [1, 0].", File("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[1,0]}}""", []) },
        { "x: tensor 'a': data_offsets must be [begin, end] with begin not after end, not [0, 0, 0].", File("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}""", []) },
        { "x: tensor 'a': shape [3] of F32 does not take the 8 bytes of data_offsets [0, 8].", File("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", new byte[8]) },
        { "does not take the 0 bytes of data_offsets [0, 0].", File("""{"a":{"dtype":"F32","shape":[4294967296,4294967296,1073741824],"data_offsets":[0,0]}}""", []) },
        { "x: tensor 'a' reaches to offset 4611686018427388001, but the file ends at 97", File("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[4611686018427387903,4611686018427387904]}}""", []) },
        { "but the file ends at", File("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", [1, 2]) },
        { "x: tensor 'b' starts at offset 121, within the tensor before it (expected 123): the header is damaged.", File("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}        """, [1, 2, 3]) },
        { "x: tensor 'a' starts at offset 63, after a gap (expected 62): the header is damaged.", File("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}} """, [1, 2, 3]) },
        { "x: the tensors end at offset 62, but the file at 65: 3 bytes belong to no tensor.", File("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}} """, [1, 2, 3]) },
        { "an integer that float32 does not hold exactly. Store it as float32 or leave it out.", File("""{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", BitConverter.GetBytes(16777217L)) },
        { "element 0 of 'a' is 9223372036854775807, an integer", File("""{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", BitConverter.GetBytes(long.MaxValue)) },
        { "element 0 of 'a' is 18446744073709551615, an integer", File("""{"a":{"dtype":"U64","shape":[1],"data_offsets":[0,8]}}""", BitConverter.GetBytes(ulong.MaxValue)) },
        { "element 0 of 'a' is 4294967295, an integer", File("""{"a":{"dtype":"U32","shape":[1],"data_offsets":[0,4]}}""", BitConverter.GetBytes(uint.MaxValue)) },
        { "element 1 of 'a' is 2, and a truth value is 0 or 1.", File("""{"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}""", [1, 2]) },
        // 640 is how a pickle starts, too.
        { "x, offset 0: the header's length is given as 640 bytes, but only 2 follow: it is no safetensors file, or cut off.", [0x80, 2, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d] },
        { "x: tensor 'evil?[31m' lacks its dtype.", File("""{"evil\u001b[31m":{}}""", []) },
    };

    [Theory, MemberData(nameof(Damaged))]
    public void A_damaged_file_says_what_is_wrong(string message, byte[] bytes)
    {
        string shown = Assert.Throws<ModelFileException>(() => SafetensorsFile.Parse(bytes, "x")).Message;
        Assert.Contains(message, shown, StringComparison.Ordinal);
        Assert.StartsWith("x", shown, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', shown);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_told()
    {
        Assert.Equal($"{folder["none"]} does not exist. Check the name of the weights file.", Assert.Throws<ModelFileException>(() => SafetensorsFile.Read(folder["none"])).Message);
        Assert.Equal($"{folder.Path} is a folder, not a safetensors file.", Assert.Throws<ModelFileException>(() => SafetensorsFile.Read(folder.Path)).Message);
    }

    [Fact]
    public void Cutting_at_any_byte_is_noticed()
    {
        byte[] whole = Small().ToBytes();
        for (int length = 0; length < whole.Length; length++)
        {
            byte[] cut = whole[..length];
            Assert.Throws<ModelFileException>(() => SafetensorsFile.Parse(cut, "cut"));
        }
        Assert.Throws<ModelFileException>(() => SafetensorsFile.Parse([.. whole, 0], "longer"));
    }

    [Fact]
    public void Flipped_bytes_give_the_documented_error_or_a_sound_file()
    {
        byte[] whole = Small().ToBytes();
        var random = new Random(1);
        for (int trial = 0; trial < 20_000; trial++)
        {
            byte[] flipped = [.. whole];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                // Half of the changes are to digits and punctuation, which reach deeper than noise.
                byte value = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)"0123456789[]{},:\"-e. \\u"[random.Next(23)];
                flipped[random.Next(flipped.Length)] = value;
            }
            try
            {
                SafetensorsFile read = SafetensorsFile.Parse(flipped, "flipped");
                _ = read.ToBytes();
            }
            catch (ModelFileException)
            {
                // as documented
            }
        }
    }

    [Fact]
    public void What_cannot_be_a_file_is_refused_before_writing()
    {
        Assert.Throws<ArgumentException>(() => new SafetensorsFile([new("a", [2], [1])]));
        Assert.Throws<ArgumentException>(() => new SafetensorsFile([new("a", [-1, -1], [1])]));
        Assert.Throws<ArgumentException>(() => new SafetensorsFile([new("a", [1], [1]), new("a", [1], [1])]));
        Assert.Throws<ArgumentException>(() => new SafetensorsFile([new("__metadata__", [1], [1])]));
        Assert.Throws<ArgumentException>(() => new SafetensorsFile([new("", [1], [1])]));
        Assert.Throws<ArgumentException>(() => new SafetensorsFile([], new Dictionary<string, string> { ["gpuconv.sha256"] = "" }));
    }

    private static SafetensorsFile Small() => new([new("conv1.weight", [2, 1, 1], [1, 2]), new("conv1.bias", [2], [3, 4])], new Dictionary<string, string> { ["network"] = "x" });

    private static byte[] File(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. data];
    }
}
