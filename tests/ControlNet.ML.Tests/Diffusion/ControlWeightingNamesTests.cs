using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>One vocabulary for command lines, tables and columns.</summary>
public sealed class ControlWeightingNamesTests
{
    [Fact]
    public void Every_weighting_has_a_name_that_is_read_back_and_its_own_is_read_too()
    {
        foreach (var weighting in Enum.GetValues<ControlWeighting>())
        {
            var name = ControlWeightingNames.Of(weighting);
            Assert.Equal(weighting, ControlWeightingNames.Parse(name));
            Assert.Equal(weighting, ControlWeightingNames.Parse($" {name.ToUpperInvariant()} "));
            Assert.Equal(weighting, ControlWeightingNames.Parse(weighting.ToString().ToLowerInvariant()));
        }

        Assert.Equal(["uniform", "guess", "guess-original", "resolution"], Enum.GetValues<ControlWeighting>().Select(ControlWeightingNames.Of));
    }

    [Theory]
    [InlineData("guessed")]
    [InlineData("")]
    [InlineData("0")]
    public void Any_other_is_refused_with_the_names(string text)
    {
        var error = Assert.Throws<ControlNetException>(() => ControlWeightingNames.Parse(text));
        Assert.Contains($"'{text}' is not a control weighting, expected", error.Message, StringComparison.Ordinal);
        Assert.Contains("guess-original", error.Message, StringComparison.Ordinal);
    }
}
