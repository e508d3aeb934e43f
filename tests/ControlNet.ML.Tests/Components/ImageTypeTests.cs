using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Tests.Components;

/// <summary>Which <c>[ImageType]</c> a class needs to read a column: docs/components.md says so, and ML.NET decides half of it.</summary>
public sealed class ImageTypeTests
{
    private readonly MLContext _ml = new();

    [Fact]
    public void Any_size_reads_what_our_components_make_and_what_they_pass_on()
    {
        var data = _ml.Data.LoadFromEnumerable(Photos.Rows(2));
        var chain = _ml.Transforms.ResizeImages("Small", 17, 13, "Photo").Append(_ml.Transforms.ControlNet().Canny("Condition", "Small"))
            .Append(_ml.Transforms.ConvertToGrayscale("Grey", "Condition"));
        foreach (var row in _ml.Data.CreateEnumerable<AnySize>(chain.Fit(data).Transform(data), reuseRowObject: false))
        {
            Assert.Equal((17, 13), (row.Small!.Width, row.Small.Height));
            Assert.Equal((17, 13), (row.Condition!.Width, row.Condition.Height));
            Assert.Equal((17, 13), (row.Grey!.Width, row.Grey.Height));
        }
    }

    [Fact]
    public void Behind_them_ML_NETs_resizing_is_read_by_its_exact_size()
    {
        var data = _ml.Data.LoadFromEnumerable(Photos.Rows(2));
        var view = _ml.Transforms.ControlNet().Canny("Condition", "Photo").Append(_ml.Transforms.ResizeImages("Small", 19, 11, "Condition")).Fit(data).Transform(data);

        // If ML.NET ever reads any size, docs/components.md may say less.
        Assert.Throws<NotImplementedException>(() => _ml.Data.CreateEnumerable<SmallOfAnySize>(view, reuseRowObject: false).ToList());
        Assert.All(_ml.Data.CreateEnumerable<SmallOfItsSize>(view, reuseRowObject: false), row => Assert.Equal((19, 11), (row.Small!.Width, row.Small.Height)));
    }

    private sealed class AnySize
    {
        [ImageType(1, 1)]
        public MLImage? Small { get; set; }

        [ImageType(1, 1)]
        public MLImage? Condition { get; set; }

        [ImageType(1, 1)]
        public MLImage? Grey { get; set; }
    }

    private sealed class SmallOfAnySize
    {
        [ImageType(1, 1)]
        public MLImage? Small { get; set; }
    }

    private sealed class SmallOfItsSize
    {
        [ImageType(11, 19)]
        public MLImage? Small { get; set; }
    }
}
