using ControlNet.ML.Diffusion;
using ControlNet.ML.Pipelines;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Pipelines;

/// <summary>Which images are denoised together.</summary>
public sealed class BatchPlannerTests
{
    [Property]
    public void Every_item_is_in_one_batch_with_others_that_it_can_be_with(byte[] choices, byte most)
    {
        var items = choices.Select((choice, i) => (Index: i, Key: Key(choice))).ToArray();
        var batches = BatchPlanner.Plan(items, item => item.Key, (most % 4) + 1);
        Assert.Equal(items.Select(item => item.Index), batches.SelectMany(batch => batch).Select(item => item.Index).Order());
        foreach (var batch in batches)
        {
            Assert.InRange(batch.Length, 1, (most % 4) + 1);
            Assert.Equal(batch.Select(item => item.Index).Order(), batch.Select(item => item.Index));
            Assert.All(batch, item => Assert.Equal(batch[0].Key.Settings, item.Key.Settings));
        }
    }

    [Property]
    public void A_whole_batch_has_an_item_with_all_of_its_networks(byte[] choices)
    {
        foreach (var batch in BatchPlanner.Plan(choices.Select(Key), key => key))
        {
            var widest = batch.MaxBy(key => key.Networks.Count)!;
            Assert.All(batch, key => Assert.True(widest.Covers(key)));
            Assert.All(batch, key => Assert.Null(widest.Difference(key)));
        }
    }

    [Fact]
    public void Rows_without_a_network_run_with_those_that_have_it()
    {
        BatchKey[] keys = [With("a", "b"), With("b"), With("b", "a"), With(), With("a")];
        Assert.Equal([[0, 1, 3, 4], [2]], BatchPlanner.Plan(keys.Index(), item => item.Item).Select(batch => batch.Select(item => item.Index).ToArray()));
    }

    [Theory]
    [InlineData(8, 8, 2, "", null, "one size: found 8x16 and 8x8")]
    [InlineData(8, 16, 3, "", null, "one number of steps: found 2 and 3")]
    [InlineData(8, 16, 2, "lcm", null, "one scheduler")]
    [InlineData(8, 16, 2, "", 0.5, "one strength, or all start from noise")]
    public void What_keeps_two_apart_is_said(int width, int height, int steps, string scheduler, double? strength, string expected)
    {
        var key = new BatchKey(8, 16, 2, "", null, ["a"]);
        Assert.Equal(expected, key.Difference(new BatchKey(width, height, steps, scheduler, strength, ["a"])));
        Assert.Equal("the same control networks in the same order", With("a", "b").Difference(With("b", "a")));
        Assert.Equal("the same LoRAs with the same weights", With("a").Difference(With("a") with { Loras = "x:0.5" }));
        Assert.Equal("the same control networks in the same order", With("a").Difference(With("a", "a") with { Networks = ["b", "c"] }));
    }

    [Fact]
    public void Prompts_of_other_lengths_run_on_their_own()
    {
        BatchKey[] keys = [With("a") with { Tokens = 77 }, With() with { Tokens = 154 }, With() with { Tokens = 77 }];
        Assert.Equal([[0, 2], [1]], BatchPlanner.Plan(keys.Index(), item => item.Item).Select(batch => batch.Select(item => item.Index).ToArray()));
        Assert.Equal("one number of text tokens: found 77 and 154", keys[0].Difference(keys[1]));
    }

    private static BatchKey With(params object[] networks) => new(8, 16, 2, "", null, networks);

    private static BatchKey Key(byte choice) =>
        new(8, 8 << (choice & 1), 1 + ((choice >> 1) & 1), "", (choice & 4) == 0 ? null : 0.5, [.. new object[] { "a", "b", "a" }.Where((_, i) => (choice & (8 << i)) != 0)]);
}
