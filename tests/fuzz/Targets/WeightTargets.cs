using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using ControlNet.ML.Adapters;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>Files of weights and what names them.</summary>
internal static partial class WeightTargets
{
    private const int MostToCopy = 1 << 16;

    private static readonly string[] Words = ["__metadata__", "dtype", "shape", "data_offsets", "F32", "F16", "BF16", "I64", "BOOL", "F8_E4M3"];

    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        byte[][] files = [Tensors("""{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F16","shape":[],"data_offsets":[24,26]},"c":{"dtype":"I64","shape":[0],"data_offsets":[26,26]}}""", 26)];
        yield return new Reader("safetensors", files, input => ReadTensors(folder.Write("x.safetensors", input))) { Words = Words };

        // The header as such: its length is made right, and data for it is there.
        yield return new Reader("safetensors-header", [.. files.Select(Header)], input => ReadTensors(folder.Write("h.safetensors", WithHeader(input, 26)))) { IsJson = true, Words = Words };

        byte[][] controls = [Header(Workplace.Fixture("models", "sd1-control-a", "diffusion_pytorch_model.safetensors"))];
        yield return new Reader("control-file", controls, input =>
        {
            using var weights = ControlFile.Open(folder.Write("c.safetensors", WithHeader(input, 1 << 20))).OpenWeights();
        })
        { IsJson = true, Words = ["control_model.", "input_hint_block.0.weight", "controlnet_cond_embedding.conv_in.weight", "lora_controlnet", .. Words] };

        // Of LoRAs and textual inversions, the names and shapes decide; their numbers are zeros.
        var names = LoraNames.Of("sd1", ModelFolder.Open(Workplace.FixturePath("models", "sd1")));
        byte[][] loras = [.. ((string[])["peft", "kohya"]).Select(naming => Header(Workplace.Fixture("adapters", $"lora-a-{naming}.safetensors"))), Header(Workplace.Fixture("adapters", "lora-metadata.safetensors"))];
        yield return new Reader("lora", loras, input => Lora.Read(folder.Write("l.safetensors", WithHeader(input, DataOf(input))), null, names)) { IsJson = true, Words = [".lora_A.weight", ".lora_down.weight", ".alpha", "lora_adapter_metadata", .. Words] };

        byte[][] inversions = [Header(Workplace.Fixture("adapters", "ti-diffusers.safetensors")), Header(Workplace.Fixture("adapters", "ti-sdxl.safetensors"))];
        yield return new Reader("textual-inversion", inversions, input => TextualInversion.Read(folder.Write("t.safetensors", WithHeader(input, DataOf(input))), null, input.Length % 2 == 0 ? [16] : [16, 24], 75)) { IsJson = true, Words = ["emb_params", "clip_l", "clip_g", "string_to_param.*", .. Words] };

        byte[][] indices = ["""{"metadata":{"total_size":26},"weight_map":{"a":"m-00001-of-00001.safetensors","b":"m-00001-of-00001.safetensors","c":"m-00001-of-00001.safetensors"}}"""u8.ToArray()];
        folder.Write("shards/m-00001-of-00001.safetensors", files[0]);
        yield return new Reader("shard-index", indices, input => ShardIndex.Read(folder.Write("shards/m.safetensors.index.json", input), "m.safetensors.index.json")) { IsJson = true, Words = ["weight_map", "../", ".safetensors", "CON", "NUL.safetensors"] };
    }

    /// <summary>What torch.save writes: the zip container, the pickle in it, the older container, and base models of one file.</summary>
    public static IEnumerable<Reader> Checkpoints(Workplace folder)
    {
        string[] words = ["torch._utils", "_rebuild_tensor_v2", "_rebuild_parameter", "collections", "OrderedDict", "torch", "FloatStorage", "storage", "state_dict", "os", "system"];
        byte[][] zips = [.. ((string[])["ok-views", "ok-parameter", "ok-other-root"]).Select(name => Workplace.Fixture("weights", "broken", "pickle", name + ".pth"))];
        yield return new Reader("checkpoint-zip", zips, input => ReadTensors(folder.Write("z.pth", input))) { Words = words };
        yield return new Reader("checkpoint-pickle", [.. zips.Select(Pickle)], input => ReadTensors(folder.Write("p.pth", Zip(input)))) { Words = words };
        yield return new Reader("checkpoint-legacy", [Workplace.Fixture("weights", "broken", "pickle", "ok-legacy.pth")], input => ReadTensors(folder.Write("l.pth", input))) { Words = words };

        foreach (var (file, family) in new[] { ("sd1-fp16", "sd1"), ("sd2-v", "sd2-v"), ("sdxl", "sdxl") })
        {
            var config = Path.Combine(Workplace.Checkout, "tests", "fixtures", "models", family);
            var whole = Workplace.Fixture("weights", file + ".safetensors");
            var header = Header(whole);
            yield return new Reader("single-file-" + family, [header], input =>
            {
                var model = ModelFolder.Open(
                    folder.Write("s.safetensors", WithHeader(input, whole.Length - 8 - header.Length)), new LoadOptions { Config = config });
                foreach (var part in model.Networks)
                    model.OpenWeights(part).Dispose();
            })
            { IsJson = true, Words = ["model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.", "cond_stage_model.model.", "conditioner.embedders.1.model.", "diffusers:model_index.json", .. Words] };
        }
    }

    private static byte[] Pickle(byte[] zip)
    {
        using var archive = new ZipArchive(new MemoryStream(zip));
        using var stream = archive.Entries.Single(entry => entry.Name == "data.pkl").Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static byte[] Zip(byte[] pickle)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in new[] { ("archive/data.pkl", pickle), ("archive/data/0", new byte[32]) })
            {
                using var entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(bytes);
            }
        }

        return stream.ToArray();
    }

    private static void ReadTensors(string path)
    {
        using var file = TensorFile.Open(path);
        foreach (var (name, entry) in file.Entries)
        {
            if (entry.ByteLength <= MostToCopy)
            {
                _ = file.Bytes(name).ToArray();
                file.CopyTo(name, new float[entry.Count]);
            }
        }
    }

    private static byte[] Tensors(string header, int data) => WithHeader(Encoding.UTF8.GetBytes(header), data);

    /// <summary>The number of bytes of data that a header describes, as far as it can be seen.</summary>
    private static int DataOf(byte[] header) => Offsets().Matches(Encoding.Latin1.GetString(header))
        .Select(match => int.TryParse(match.Groups[1].Value, out var end) ? Math.Min(end, 1 << 20) : 0).DefaultIfEmpty(0).Max();

    [GeneratedRegex(@"\[\s*\d+\s*,\s*(\d+)\s*\]\s*\}")]
    private static partial Regex Offsets();

    private static byte[] WithHeader(byte[] header, int data)
    {
        var file = new byte[8 + header.Length + data];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        return file;
    }

    private static byte[] Header(byte[] file) => file[8..(8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file))];
}
