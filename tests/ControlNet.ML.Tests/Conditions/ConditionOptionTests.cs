using System.Globalization;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>Options explain themselves, and their ranges are those that are enforced.</summary>
public sealed class ConditionOptionTests
{
    private static readonly ImageBuffer Image = new(8, 8, 3, [.. Enumerable.Range(0, 192).Select(i => (byte)i)]);

    public static TheoryData<string, string> Ranges =>
    [
        .. from kind in ConditionCatalog.Managed
           where kind.Defaults is not null
           from option in ConditionOption.Of(kind.Defaults!)
           where option.Minimum is not null
           select new TheoryDataRow<string, string>(kind.Name, option.Name),
    ];

    [Theory, MemberData(nameof(Ranges))]
    public void The_ends_of_a_range_are_taken_and_what_is_beyond_is_refused_by_parser_and_condition(string kind, string option)
    {
        var found = ConditionCatalog.Find(kind);
        var declared = ConditionOption.Of(found.Defaults!).Single(each => each.Name == option);
        var step = declared.Type == "integer" ? 1 : 0.01;
        if (declared.Maximum is { } most)
        {
            Assert.NotNull(found.Apply(Image, Parse(most)));
            Refused(most + step);
        }

        if (!declared.MinimumIsExclusive)
            Assert.NotNull(found.Apply(Image, Parse(declared.Minimum!.Value)));
        Refused(declared.MinimumIsExclusive ? declared.Minimum!.Value : declared.Minimum!.Value - step);
        if (declared.Type == "number")
            Refused(double.NaN);

        object Parse(double value) => found.ParseOptions([Setting(value)])!;

        string Setting(double value) => string.Create(CultureInfo.InvariantCulture, $"{option}={value}");

        void Refused(double value)
        {
            var message = Assert.Throws<ControlNetException>(() => Parse(value)).Message;
            Assert.StartsWith("The option ", message, StringComparison.Ordinal);
            Assert.EndsWith($"expected {declared.Range}.", message, StringComparison.Ordinal);

            // The condition itself checks what does not come from a text.
            var options = found.Defaults!.GetType().GetMethod("<Clone>$")!.Invoke(found.Defaults, null)!;
            var property = options.GetType().GetProperties().Single(each => ConditionOption.Of(options).Any(one => one.Name == option && Same(each.Name, option)));
            property.SetValue(options, Convert.ChangeType(value, property.PropertyType, CultureInfo.InvariantCulture));
            Assert.Equal(message, Assert.Throws<ControlNetException>(() => found.Apply(Image, options)).Message);
        }

        static bool Same(string property, string name) => property.Equals(name.Replace("-", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void An_option_has_a_type_a_range_and_a_default()
    {
        var options = ConditionOption.Of(new CannyOptions()).ToDictionary(option => option.Name);
        Assert.Equal(["low", "high", "l2-gradient", "aperture"], options.Keys);
        Assert.Equal(("number", "at least 0", 100.0), (options["low"].Type, options["low"].Range, options["low"].Default));
        Assert.Equal(("boolean", "", false), (options["l2-gradient"].Type, options["l2-gradient"].Range, options["l2-gradient"].Default));
        Assert.Equal(("integer", "3, 5 or 7", 3), (options["aperture"].Type, options["aperture"].Range, options["aperture"].Default));
        Assert.Equal("above 0, at most 1,000", ConditionOption.Of(new BlurOptions()).Single().Range);
        Assert.Equal(("choice", "MinMax, Maximum, Percentile or LeReS"), ConditionOption.Of(new DepthOptions())[0] is var scaling ? (scaling.Type, scaling.Range) : default);
    }

    [Fact]
    public void The_listed_palettes_are_all_there_are() =>
        Assert.Equal(SegmentationPalette.All.Select(palette => palette.Name), ConditionOption.Of(new SegmentationMapOptions())[0].Values);

    [Fact]
    public void A_name_that_no_option_has_is_answered_with_those_there_are() => Assert.Equal(
        "'scribble' has no option 'treshold'. Did you mean 'threshold'? Expected threshold.",
        Assert.Throws<ControlNetException>(() => ConditionCatalog.Find("scribble").ParseOptions(["treshold=9"])).Message);
}
