using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Internal;

public sealed class NearestNameTests
{
    private static readonly string[] Samplers = ["ddim", "ddpm", "euler", "euler-ancestral", "dpmpp-2m", "unipc"];

    [Theory]
    [InlineData("euler", "euler")]
    [InlineData("eulr", "euler")]
    [InlineData("uelre", "euler")]
    [InlineData("EULER", "euler")]
    [InlineData("dppm", "ddpm")]
    [InlineData("euler_ancestral", "euler-ancestral")]
    [InlineData("dpmpp2m", "dpmpp-2m")]
    public void The_name_with_the_fewest_typing_errors_is_suggested(string typed, string expected) =>
        Assert.Equal(expected, NearestName.Suggest(typed, Samplers));

    [Theory]
    [InlineData("karras-sde")]
    [InlineData("strawberry")]
    public void What_is_near_to_nothing_gets_no_suggestion(string typed) => Assert.Null(NearestName.Suggest(typed, Samplers));

    [Fact]
    public void Nothing_known_is_nothing_suggested() => Assert.Null(NearestName.Suggest("euler", []));

    [Fact]
    public void A_name_of_any_length_is_answered() => Assert.Null(NearestName.Suggest(new string('e', 10_000_000), Samplers));

    [Property]
    public bool A_known_name_suggests_itself(NonEmptyString name) => NearestName.Suggest(name.Get, [.. Samplers, name.Get])!.Equals(name.Get, StringComparison.OrdinalIgnoreCase);

    [Property]
    public bool One_wrong_letter_is_forgiven_in_a_name_of_three_or_more(PositiveInt at, char letter)
    {
        const string Name = "butterfly";
        var typed = Name.ToCharArray();
        typed[at.Get % typed.Length] = letter;
        return NearestName.Suggest(new string(typed), ["rocket", Name, "tulip"]) == Name;
    }

    [Property]
    public bool The_suggestion_does_not_depend_on_the_order_of_what_is_known(NonEmptyString typed) =>
        NearestName.Suggest(typed.Get, Samplers) == NearestName.Suggest(typed.Get, [.. Samplers.Reverse()]);
}
