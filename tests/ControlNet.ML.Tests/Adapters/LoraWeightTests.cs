namespace ControlNet.ML.Tests.Adapters;

/// <summary>LoRAs with weights as text, in columns and on the command line.</summary>
public sealed class LoraWeightTests
{
    [Theory]
    [InlineData("a", "a", 1)]
    [InlineData("a:0.5", "a", 0.5)]
    [InlineData(" a.safetensors : -1e-1", "a.safetensors", -0.1)]
    [InlineData(@"C:\loras\a.safetensors", @"C:\loras\a.safetensors", 1)]
    [InlineData(@"C:\loras\a.safetensors:2", @"C:\loras\a.safetensors", 2)]
    [InlineData("a:Infinity", "a:Infinity", 1)]
    public void A_weight_is_a_number_after_the_last_colon(string text, string name, double weight) =>
        Assert.Equal(new LoraWeight(name, weight), LoraWeight.Parse(text));

    [Fact]
    public void A_list_is_separated_by_semicolons()
    {
        Assert.Equal([new("a", 0.7), new("b", 0.3)], LoraWeight.ParseList("a:0.7; b:0.3"));
        Assert.Empty(LoraWeight.ParseList(" "));
        Assert.Contains("has no name", Assert.Throws<ControlNetException>(() => LoraWeight.ParseList("a;")).Message, StringComparison.Ordinal);
        Assert.Contains("has no name", Assert.Throws<ControlNetException>(() => LoraWeight.Parse(":1")).Message, StringComparison.Ordinal);
    }
}
