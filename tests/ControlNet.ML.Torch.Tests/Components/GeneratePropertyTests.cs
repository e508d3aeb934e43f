using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Any company, any order, any batches: a row's image is its own.</summary>
[Properties(Arbitrary = [typeof(GeneratePropertyTests)], MaxTest = 8)]
public sealed class GeneratePropertyTests(ImageRows rows) : IClassFixture<ImageRows>
{
    /// <param name="BatchSize">Rows at a time.</param>
    /// <param name="Ids">The rows in their order; negative ones have no condition.</param>
    public sealed record Trial(int BatchSize, int[] Ids);

    public static Arbitrary<Trial> Cases() => Arb.From(
        from batch in Gen.Choose(1, 5)
        from ids in Gen.Choose(-1, ImageRows.Count - 1).ListOf().Where(ids => ids.Count < 6)
        select new Trial(batch, [.. ids]));

    [Property]
    public void A_row_has_the_same_image_in_any_company(Trial each)
    {
        var ml = new MLContext();
        var data = ml.Data.LoadFromEnumerable(each.Ids.Select(id => id < 0 ? new ImageRow { Id = id } : ImageRows.Row(id)).ToArray());
        var view = ml.Transforms.ControlNet().Generate("Image", "Prompt", rows.Model, rows.OwnControl, ImageRows.Own with { BatchSize = each.BatchSize })
            .Fit(data).Transform(data);
        Cells.Equal(each.Ids.Select(id => (id, id < 0 ? [] : Cells.Of(rows.Expected(id, ownSettings: true)))), Cells.Read(view, "Image"), 1);
    }
}
