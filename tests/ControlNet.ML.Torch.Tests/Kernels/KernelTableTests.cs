using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Verification;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Kernels;

/// <summary>Kernels are chosen by their results, then by their times, once, and the choice is cached.</summary>
public sealed class KernelTableTests : IDisposable
{
    private const string Fast = "fast", CacheVariable = "CONTROLNET_CACHE", Key = "a machine";

    private readonly TemporaryFolder _folder = new();
    private readonly string? _before = Environment.GetEnvironmentVariable(CacheVariable);

    public KernelTableTests()
    {
        TorchNative.EnsureLoaded();
        Environment.SetEnvironmentVariable(CacheVariable, _folder.Path);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(CacheVariable, _before);
        _folder.Dispose();
    }

    [Fact]
    public void A_faster_kernel_with_the_same_result_is_taken()
    {
        var (table, fake) = (new KernelTable(), new Fake(x => x.clone()));

        Assert.Equal(1, table.Choose(fake, [Input()]));
        var measurement = Assert.Single(table.Measurements);
        Assert.Equal(Fast, measurement.Chosen);
        Assert.Equal(["plain", Fast], measurement.Kernels.Select(timing => timing.Kernel));
        Assert.All(measurement.Kernels, timing => Assert.True(timing is { IsRight: true, Distance: 0 }));
        Assert.InRange(table.MeasuringSeconds, double.Epsilon, 3);
    }

    /// <summary>The other numbers are wrong by more than rounding: a little, not at all numbers, in another shape, or the kernel fails.</summary>
    [Theory, InlineData("offset"), InlineData("nan"), InlineData("one nan"), InlineData("shape"), InlineData("failure")]
    public void A_wrong_kernel_is_never_taken_however_fast(string fault)
    {
        var calls = 0;
        var table = new KernelTable();
        var fake = new Fake(x =>
        {
            calls++;
            return fault switch
            {
                "offset" => x.Plus(2e-4),
                "nan" => full_like(x, double.NaN),
                "one nan" => OneNaN(x),
                "shape" => x.reshape(-1),
                _ => x.view(3, 5),
            };
        });

        Assert.Equal(0, table.Choose(fake, [Input()]));
        var timing = Assert.Single(table.Measurements).Kernels[1];
        Assert.False(timing.IsRight);
        Assert.Equal(fault == "offset", timing.Distance is not null);
        Assert.Equal(1, calls);

        using var result = table.Run(fake, [Input()]);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_slower_kernel_is_not_taken()
    {
        var table = new KernelTable();

        Assert.Equal(0, table.Choose(new Fake(x => Slow(x, 60)), [Input()]));
        Assert.Equal("plain", Assert.Single(table.Measurements).Chosen);
    }

    [Fact]
    public void Beyond_the_budget_operations_stay_plain_and_are_not_cached()
    {
        var table = new KernelTable(Key, budget: 1e-4);

        Assert.Equal(0, table.Choose(new Fake(x => x.clone()), [Input()]));
        table.Save();
        Assert.Empty(table.Measurements);
        Assert.Empty(Files());
    }

    [Fact]
    public void Results_of_nothing_but_zeros_decide_nothing()
    {
        var table = new KernelTable();

        Assert.Equal(0, table.Choose(new Fake(x => x.clone()), [zeros(4)]));
        Assert.Empty(table.Measurements);
    }

    [Fact]
    public void A_choice_is_cached_and_read()
    {
        var table = new KernelTable(Key, budget: 3);
        Assert.Equal(1, table.Choose(new Fake(x => x.clone()), [Input()]));
        Assert.Empty(Files());
        table.Save();
        Assert.Single(Files());

        // The cached choice holds, though this kernel is no longer the faster one: nothing is measured again.
        var later = new KernelTable(Key, budget: 3);
        Assert.Equal(1, later.Choose(new Fake(x => Slow(x, 60)), [Input()]));
        Assert.Equal(0, later.MeasuringSeconds);
        Assert.Equivalent(table.Measurements, later.Measurements);

        // Another machine has its own, and another process's measurements are kept.
        Assert.Empty(new KernelTable("another machine", budget: 3).Measurements);
        var other = new KernelTable(Key, budget: 3);
        Assert.Equal(1, other.Choose(new Fake(x => x.clone(), "another shape"), [Input()]));
        other.Save();
        Assert.Equal(2, new KernelTable(Key, budget: 3).Measurements.Count);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"Key\":\"a machine\",\"Value\":[null,{}]}")]
    [InlineData("{\"Key\":\"a machine\",\"Value\":[{\"Operation\":\"fake\",\"Chosen\":\"fast\",\"Kernels\":[null,{\"Kernel\":\"fast\"}]}]}")]
    [InlineData("{\"Key\":\"a machine\",\"Value\":[{\"Operation\":\"fake\",\"Chosen\":\"unheard of\",\"Kernels\":[{\"Kernel\":\"unheard of\",\"IsRight\":true}]}]}")]
    [InlineData("{\"Key\":\"another\",\"Value\":[{\"Operation\":\"fake\",\"Chosen\":\"fast\",\"Kernels\":[{\"Kernel\":\"fast\",\"IsRight\":true}]}]}")]
    public void A_damaged_file_is_no_choice(string content)
    {
        var first = new KernelTable(Key, budget: 3);
        first.Choose(new Fake(x => x.clone()), [Input()]);
        first.Save();
        File.WriteAllText(Assert.Single(Files()), content);

        var table = new KernelTable(Key, budget: 3);
        Assert.Equal(0, table.Choose(new Fake(x => Slow(x, 60)), [Input()]));
        Assert.NotEqual(0, table.MeasuringSeconds);
        table.Save();
        Assert.Equal("plain", new KernelTable(Key, budget: 3).Measurements.Single(m => m.Operation == "fake").Chosen);
    }

    [Fact]
    public void The_table_of_this_machine_is_one_for_all_models()
    {
        Assert.Same(KernelTable.OfThisMachine(), KernelTable.OfThisMachine());
        Assert.Contains(ProcessorInfo.Current.Name, TorchRuntime.CacheKey(), StringComparison.Ordinal);
    }

    private static Tensor Input() => ones(8, 8);

    private static Tensor OneNaN(Tensor x)
    {
        var spoilt = x.clone();
        spoilt[0, 0].fill_(double.NaN);
        return spoilt;
    }

    private static Tensor Slow(Tensor x, int milliseconds)
    {
        Thread.Sleep(milliseconds);
        return x.clone();
    }

    private string[] Files() => Directory.Exists(_folder.Path) ? Directory.GetFiles(_folder.Path, "*.json", SearchOption.AllDirectories) : [];

    /// <summary>An operation whose plain kernel takes 20 milliseconds.</summary>
    private sealed record Fake(Func<Tensor, Tensor> Other, string Name = "fake") : KernelOperation(ScalarType.Float32)
    {
        public override IReadOnlyList<string> Kernels { get; } = [Plain, Fast];

        public override double Flops => 1e9;

        public override Tensor Run(int kernel, Tensor[] inputs) => kernel == 0 ? Slow(inputs[0], 20) : Other(inputs[0]);

        public override Tensor[] Part(Tensor[] inputs) => inputs;

        public override string ToString() => Name;
    }
}
