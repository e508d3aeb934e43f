using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Verification;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Verification;

/// <summary>The check of the runtime finds operations that are wrong, and takes libtorch's own kernels where those are right.</summary>
public sealed class TorchRuntimeTests : IDisposable
{
    private const string CacheVariable = "CONTROLNET_CACHE";

    public TorchRuntimeTests() => TorchNative.EnsureLoaded();

    public void Dispose() => TorchContext.UseOneDnn(true);

    [Fact]
    public void An_automatic_precision_is_the_one_that_the_processor_has_instructions_for()
    {
        var auto = new LoadOptions { Device = "cpu", Precision = Precision.Auto };
        var expected = ProcessorInfo.Current.InstructionSets.Any(set => set.EndsWith("BF16", StringComparison.Ordinal)) ? Precision.BFloat16 : Precision.Float32;
        Assert.Equal(expected, TorchRuntime.PrecisionOf(auto));
        Assert.Equal(Precision.Float16, TorchRuntime.PrecisionOf(auto with { Precision = Precision.Float16 }));
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), auto);
        using var named = DiffusionModel.Load(Fixtures.Path("models", "sd1"), auto with { Precision = expected, VaePrecision = expected });
        var options = new GenerateOptions { Steps = 1, Width = 64, Height = 64 };
        var (image, same) = (model.Generate("square", options), named.Generate("square", options));
        Assert.Equal(same.Image.Samples, image.Image.Samples);
        Assert.Equal(same.Provenance["computed_by"], image.Provenance["computed_by"]);
    }

    [Fact]
    public void Every_operation_is_right_here_be_it_without_one_dnn()
    {
        var report = TorchRuntime.Verify(cancellationToken: TestContext.Current.CancellationToken);

        Assert.DoesNotContain(report.Operations, operation => operation.Outcome == OperationOutcome.Wrong);
        Assert.True(report.IsRight);
        Assert.Equal(["bfloat16", "float16", "float32"], report.Operations.Select(operation => operation.Type).Distinct().Order());
        Assert.Equal(["forward", "gradients"], report.Operations.Select(operation => operation.Pass).Distinct().Order());
        foreach (var kind in new[] { "convolution", "linear", "attention", "norm", "mean" })
            Assert.Contains(report.Operations, operation => operation.Operation.Contains(kind, StringComparison.Ordinal));
        Assert.All(
            report.Operations,
            operation => Assert.Equal(operation.Outcome == OperationOutcome.Right, operation.Error <= operation.Bound));
    }

    [Fact]
    public void The_report_says_what_computes_here()
    {
        var report = TorchRuntime.Verify([], null, TestContext.Current.CancellationToken);

        Assert.NotEmpty(report.Processor.Name);
        Assert.NotEmpty(report.Processor.InstructionSets);
        Assert.Matches(@"^\d+\.\d+\.\d+", report.LibtorchVersion);
        Assert.Matches(@"^0\.\d+\.\d+", report.TorchSharpVersion);
        Assert.Equal(get_num_threads(), report.Threads);
        Assert.All(report.NativeLibraries.Values, path => Assert.True(File.Exists(path), path));
        Assert.Contains(report.NativeLibraries.Keys, name => name.Contains("torch_cpu", StringComparison.Ordinal));
    }

    [Theory, InlineData(double.NaN), InlineData(double.PositiveInfinity), InlineData(0.1)]
    public void What_is_wrong_with_one_dnn_alone_is_computed_without_it(double error)
    {
        var report = Verify(x => TorchContext.UsesOneDnn == true ? Spoil(x, error) : x.clone());

        Assert.True(report.IsRight);
        Assert.False(report.UsesOneDnn);
        Assert.False(TorchContext.UsesOneDnn);
        Assert.Equal(OperationOutcome.RightWithoutOneDnn, report.Operations[0].Outcome);
        Assert.Equal(OperationOutcome.Right, report.Operations[2].Outcome);
        var problem = Assert.Single(report.Problems());
        Assert.Contains("spoilt, float32, forward", problem, StringComparison.Ordinal);
        Assert.Contains("switched off", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("copy", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_wrong_either_way_is_told_and_one_dnn_stays()
    {
        var report = Verify(x => Spoil(x, double.NaN));

        Assert.False(report.IsRight);
        Assert.True(report.UsesOneDnn);
        Assert.True(TorchContext.UsesOneDnn);
        Assert.Equal(OperationOutcome.Wrong, report.Operations[0].Outcome);
        Assert.Contains("spoilt, float32, forward", Assert.Single(report.Problems()), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_wrong_backward_alone_is_found()
    {
        // Values of x, gradients twice too large.
        var report = Verify(x => x.Plus(x).Plus(x.detach().neg()));

        Assert.Equal((OperationOutcome.Right, OperationOutcome.Wrong), (report.Operations[0].Outcome, report.Operations[1].Outcome));
    }

    [Fact]
    public void The_check_can_be_cancelled()
    {
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => TorchRuntime.Verify(new CancelAt(source), source.Token));
    }

    [Fact]
    public void A_machine_is_checked_once()
    {
        using var folder = new TemporaryFolder();
        var before = Environment.GetEnvironmentVariable(CacheVariable);
        Environment.SetEnvironmentVariable(CacheVariable, folder.Path);
        try
        {
            Assert.NotNull(TorchRuntime.VerifyOnce(cancellationToken: TestContext.Current.CancellationToken));
            Assert.Null(TorchRuntime.VerifyOnce(cancellationToken: TestContext.Current.CancellationToken));

            // A damaged entry is no entry; one that says so switches oneDNN off.
            var entry = Assert.Single(Directory.GetFiles(folder.Path, "*.json", SearchOption.AllDirectories));
            var text = File.ReadAllText(entry);
            File.WriteAllText(entry, text[..20]);
            Assert.NotNull(TorchRuntime.VerifyOnce(cancellationToken: TestContext.Current.CancellationToken));
            File.WriteAllText(entry, text.Replace("true", "false", StringComparison.Ordinal));
            Assert.Null(TorchRuntime.VerifyOnce(cancellationToken: TestContext.Current.CancellationToken));
            Assert.False(TorchContext.UsesOneDnn);
        }
        finally
        {
            Environment.SetEnvironmentVariable(CacheVariable, before);
        }
    }

    [Fact]
    public void Where_no_cache_folder_can_be_written_each_start_checks()
    {
        using var folder = new TemporaryFolder();
        var before = Environment.GetEnvironmentVariable(CacheVariable);
        Environment.SetEnvironmentVariable(CacheVariable, folder.Write("file", [0]));
        try
        {
            Assert.NotNull(TorchRuntime.VerifyOnce(cancellationToken: TestContext.Current.CancellationToken));
            Assert.NotNull(TorchRuntime.VerifyOnce(cancellationToken: TestContext.Current.CancellationToken));
        }
        finally
        {
            Environment.SetEnvironmentVariable(CacheVariable, before);
        }
    }

    private static RuntimeReport Verify(Func<Tensor, Tensor> spoilt) => TorchRuntime.Verify(
        [Check("spoilt", spoilt), Check("copy", x => x.clone())], null, TestContext.Current.CancellationToken);

    private static OperationCheck Check(string name, Func<Tensor, Tensor> operation) => new(
        name, ScalarType.Float32, () => null, _ => new DoubleComparison(ScalarType.Float32, [[2, 3]], x => operation(x[0]), (x, _) => x[0].clone()));

    private static Tensor Spoil(Tensor x, double error)
    {
        var values = zeros(2, 3);
        values[0, 1].FillInPlace(error);
        return x.Plus(values);
    }

    private sealed class CancelAt(CancellationTokenSource source) : IProgress<double>
    {
        public void Report(double value) => source.Cancel();
    }
}
