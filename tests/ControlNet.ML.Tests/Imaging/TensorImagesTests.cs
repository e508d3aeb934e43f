using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Imaging;

public class TensorImagesTests
{
    [Property(Arbitrary = [typeof(ImageSamples)])]
    public void Images_come_back_from_tensors(ImageBuffer image)
    {
        var rgb = Color.Rgb(image);
        Assert.Equal(rgb.Samples, TensorImages.FromUnit(TensorImages.ToUnit(image)).Single().Samples);
        Assert.Equal(rgb.Samples, TensorImages.FromSigned(TensorImages.ToSigned(image)).Single().Samples);
    }

    [Fact]
    public void Not_a_number_is_reported_where_it_is()
    {
        var tensor = TensorData.Zeros(2, 3, 4, 5);
        tensor.Values[60 + 20 + 5 + 3] = float.NaN;
        var error = Assert.ThrowsAny<ControlNetException>(() => TensorImages.FromSigned(tensor));
        Assert.Contains("Image 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("channel 1, row 1, column 3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_condition_has_the_size_asked_for_and_three_channels()
    {
        var tensor = ConditionImages.ToTensor(ImageSamples.Noise(9, 13, 1), 16, 24);
        Assert.Equal([1, 3, 24, 16], tensor.Shape);
        Assert.Equal(tensor.Values[..384], tensor.Values[384..768]);
        Assert.All(tensor.Values, value => Assert.InRange(value, 0, 1));
    }

    [Fact]
    public void A_size_that_diffusers_would_change_silently_is_refused() =>
        Assert.Contains("16x24", Assert.Throws<ControlNetException>(() => ConditionImages.ToTensor(new ImageBuffer(9, 9, 3), 17, 31)).Message, StringComparison.Ordinal);
}
