using Microsoft.ML;

// Outside of ControlNet.ML on purpose: a program has that one using alone.
namespace ProgramOfAUser;

/// <summary>The components are where ML.NET's own are: found by whoever has found <c>mlContext.Transforms</c>.</summary>
public sealed class CatalogTests
{
    [Fact]
    public void Components_need_no_further_using()
    {
        var ml = new MLContext();
        Assert.NotNull(ml.Transforms.ControlNet().Canny("Edges", "Photo"));
    }
}
