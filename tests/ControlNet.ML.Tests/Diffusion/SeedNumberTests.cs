using System.Globalization;
using ControlNet.ML.Diffusion;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>What torch.Generator.manual_seed takes, from texts and from numbers alike.</summary>
public sealed class SeedNumberTests
{
    [Property]
    public void A_whole_number_is_its_twos_complement_however_it_is_written(long number)
    {
        var seed = unchecked((ulong)number);
        var text = number.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(seed, SeedNumber.Parse(text));
        Assert.Equal(seed, SeedNumber.Parse(text + ".0"));
        Assert.Equal(seed, SeedNumber.Of(number));
        Assert.Equal(unchecked((ulong)(int)number), SeedNumber.Of((int)number));
        Assert.Equal(seed, SeedNumber.Of(seed));
    }

    [Theory]
    [InlineData("-1", ulong.MaxValue)]
    [InlineData("-9223372036854775808", 1UL << 63)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("\u00a07 ", 7UL)]
    [InlineData("1e3", 1000UL)]
    [InlineData("-9223372036854775809", null)]
    [InlineData("18446744073709551616", null)]
    [InlineData("0.5", null)]
    [InlineData("", null)]
    [InlineData("seed", null)]
    public void The_ends_of_the_range(string text, ulong? seed) => Assert.Equal(seed, SeedNumber.Parse(text));

    [Theory]
    [InlineData(9007199254740992.0, 9007199254740992UL)]
    [InlineData(-2.0, ulong.MaxValue - 1)]
    [InlineData(9007199254740994.0, null)]
    [InlineData(0.5, null)]
    [InlineData(double.NaN, null)]
    [InlineData(double.PositiveInfinity, null)]
    public void Doubles_up_to_where_they_have_every_whole_number(double number, ulong? seed) => Assert.Equal(seed, SeedNumber.Of(number));
}
