using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Conversion;

namespace ControlNet.ML.Tests.Weights.Conversion;

public sealed class WeightConverterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Models => Fixtures.Cases(
        Fixtures.Has("models") ? ["sd1", "sd1-inpaint", "sd1-lcm", "sd2-v", "sd2-depth", "sdxl"] : []);

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Models))]
    public void A_folder_becomes_one_file_and_a_folder_again_bit_for_bit(string name)
    {
        Fixtures.SkipIfNothing(name, "models");
        var model = ModelFolder.Open(Fixtures.Path("models", name));
        var file = _folder.File("model.safetensors");
        WeightConverter.ToFile(model, file, cancellationToken: TestContext.Current.CancellationToken);
        var single = ModelFolder.Open(file);
        Same(model, single);
        Assert.True(single.IsSingleFile);

        WeightConverter.ToFolder(single, _folder.File("again"), cancellationToken: TestContext.Current.CancellationToken);
        var again = ModelFolder.Open(_folder.File("again"));
        Same(model, again);
        Assert.Equal(File.ReadAllText(Path.Combine(model.Path, "tokenizer", "merges.txt")), File.ReadAllText(Path.Combine(again.Path, "tokenizer", "merges.txt")));
        WeightConverter.ToFile(again, _folder.File("twice.safetensors"), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(_folder.File("twice.safetensors")));
    }

    [Theory]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.BF16)]
    [InlineData(TensorType.F32)]
    public void Another_element_type_rounds_as_torch_does(TensorType type)
    {
        var model = ModelFolder.Open(Fixtures.Path("models", "sdxl"));
        WeightConverter.ToFile(model, _folder.File("model.safetensors"), new ConvertOptions { Type = type }, TestContext.Current.CancellationToken);
        var single = ModelFolder.Open(_folder.File("model.safetensors"));
        foreach (var part in model.Networks)
        {
            using var source = model.OpenWeights(part);
            using var result = single.OpenWeights(part);
            foreach (var (name, tensor) in source.Tensors)
            {
                Assert.Equal(type, result.Tensors[name].Type);
                Assert.Equal(Values(tensor).Select(value => type switch
                {
                    TensorType.F16 => (float)(Half)value,
                    TensorType.BF16 => Rounded(value),
                    _ => value,
                }), Values(result.Tensors[name]));
            }
        }

        // Round to nearest, ties to even.
        static float Rounded(float value)
        {
            var bits = BitConverter.SingleToUInt32Bits(value);
            return BitConverter.UInt32BitsToSingle((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000);
        }
    }

    [Fact]
    public void Files_in_the_original_naming_keep_their_tensors_through_a_folder()
    {
        var config = Fixtures.Path("models", "sd1");
        var model = ModelFolder.Open(Fixtures.Path("weights", "sd1-fp16.safetensors"), new LoadOptions { Config = config });
        WeightConverter.ToFolder(model, _folder.File("folder"), cancellationToken: TestContext.Current.CancellationToken);
        WeightConverter.ToFile(ModelFolder.Open(_folder.File("folder")), _folder.File("back.safetensors"), cancellationToken: TestContext.Current.CancellationToken);
        using var first = TensorFile.Open(Fixtures.Path("weights", "sd1-fp16.safetensors"));
        using var last = TensorFile.Open(_folder.File("back.safetensors"));
        Assert.Equal(
            first.Entries.Keys.Where(name => !name.EndsWith("position_ids", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            last.Entries.Keys.Order(StringComparer.Ordinal));
        foreach (var name in last.Entries.Keys)
            Assert.True(first.Bytes(name).SequenceEqual(last.Bytes(name)), name);
    }

    [Fact]
    public void A_control_network_becomes_a_folder_and_a_file_bit_for_bit()
    {
        var source = Fixtures.Path("models", "sd1-control-a");
        WeightConverter.ControlToFile(source, _folder.File("control.safetensors"), cancellationToken: TestContext.Current.CancellationToken);
        WeightConverter.ControlToFolder(_folder.File("control.safetensors"), _folder.File("again"), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(ControlFolder.Open(source).Config, ControlFolder.Open(_folder.File("again")).Config);
        using var first = ControlFolder.Open(source).OpenWeights();
        using var last = ControlFolder.Open(_folder.File("again")).OpenWeights();
        foreach (var (name, tensor) in first.Tensors)
            Assert.Equal(Values(tensor), Values(last.Tensors[name]));
    }

    [Fact]
    public void Nothing_is_overwritten_or_left_half_written()
    {
        var model = ModelFolder.Open(Fixtures.Path("models", "sd1"));
        Directory.CreateDirectory(_folder.File("folder"));
        _folder.Write("folder/file", [1]);
        Assert.Contains("exists already", Assert.Throws<ControlNetException>(() => WeightConverter.ToFolder(model, _folder.File("folder"))).Message, StringComparison.Ordinal);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => WeightConverter.ToFolder(model, _folder.File("other"), cancellationToken: cancelled.Token));
        Assert.Throws<OperationCanceledException>(() => WeightConverter.ToFile(model, _folder.File("other.safetensors"), cancellationToken: cancelled.Token));
        Assert.Equal(["folder"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
        Assert.Throws<ArgumentException>(() => WeightConverter.ToFolder(model, _folder.File("x"), new ConvertOptions { Type = TensorType.I8 }));
    }

    [Theory]
    [InlineData("diffusers:unet/config.json", "{", "x.safetensors: the settings in its header are invalid: unet/config.json")]
    [InlineData("diffusers:scheduler/scheduler_config.json", null, "the settings in its header are invalid: the model is incomplete: the folder 'scheduler'")]
    [InlineData("diffusers:../escaped.json", "{}", null)]
    public void The_settings_in_a_header_are_not_trusted(string key, string? value, string? message)
    {
        WeightConverter.ToFile(ModelFolder.Open(Fixtures.Path("models", "sd1")), _folder.File("sound.safetensors"), cancellationToken: TestContext.Current.CancellationToken);
        using (var sound = TensorFile.Open(_folder.File("sound.safetensors")))
        {
            var metadata = new Dictionary<string, string>(sound.Metadata);
            metadata.Remove(key);
            if (value is not null)
                metadata[key] = value;
            Written.To(
                _folder.File("x.safetensors"),
                sound.Entries.Values.Select(entry => TensorContent.FromBytes(entry.Name, entry.Type, entry.Shape, sound.Bytes(entry.Name).ToArray())).ToList(),
                metadata);
        }

        var error = Record.Exception(() => ModelFolder.Open(_folder.File("x.safetensors")));
        if (message is null)
            Assert.Null(error);
        else
            Assert.Contains(message, Assert.IsType<ControlNetException>(error).Message, StringComparison.Ordinal);
        Assert.DoesNotContain("scratch", error?.Message ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_reaches_its_end()
    {
        var reports = new List<double>();
        WeightConverter.ToFile(
            ModelFolder.Open(Fixtures.Path("models", "sd2-v")), _folder.File("x.safetensors"), new ConvertOptions { Progress = new Direct(reports) }, TestContext.Current.CancellationToken);
        Assert.Equal(reports.Order(), reports);
        Assert.InRange(reports[^1], 0.9, 1);
    }

    private static void Same(ModelFolder model, ModelFolder other)
    {
        Assert.Equal(model.Index.ClassName, other.Index.ClassName);
        Assert.Equal((model.UNet, model.Autoencoder, model.TextEncoder, model.TextEncoder2), (other.UNet, other.Autoencoder, other.TextEncoder, other.TextEncoder2));
        Assert.Equal(model.ReadScheduler(), other.ReadScheduler());
        Assert.Equal(model.ReadTokenizers().Select(tokenizer => tokenizer.Encode("a red apple!")), other.ReadTokenizers().Select(tokenizer => tokenizer.Encode("a red apple!")));
        foreach (var part in model.Networks)
        {
            using var source = model.OpenWeights(part);
            using var result = other.OpenWeights(part);
            Assert.Equal(source.Tensors.Keys.Order(StringComparer.Ordinal), result.Tensors.Keys.Order(StringComparer.Ordinal));
            foreach (var (name, tensor) in source.Tensors)
            {
                Assert.Equal(tensor.Type, result.Tensors[name].Type);
                Assert.Equal(tensor.Shape, result.Tensors[name].Shape);
                Assert.Equal(Values(tensor), Values(result.Tensors[name]));
            }
        }
    }

    private static float[] Values(WeightTensor tensor)
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return values;
    }

    private sealed class Direct(List<double> reports) : IProgress<double>
    {
        public void Report(double value) => reports.Add(value);
    }
}
