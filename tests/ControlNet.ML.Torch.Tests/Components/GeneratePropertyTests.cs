using ControlNet.ML.Components;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Any company, any order, any batches: a row's picture is its own.</summary>
[Properties(Arbitrary = [typeof(GeneratePropertyTests)], MaxTest = 8)]
public sealed class GeneratePropertyTests(PictureRows rows) : IClassFixture<PictureRows>
{
    /// <param name="BatchSize">Rows at a time.</param>
    /// <param name="Ids">The rows in their order; negative ones have no condition.</param>
    public sealed record Trial(int BatchSize, int[] Ids);

    public static Arbitrary<Trial> Cases() => Arb.From(
        from batch in Gen.Choose(1, 5)
        from ids in Gen.Choose(-1, PictureRows.Count - 1).ListOf().Where(ids => ids.Count < 6)
        select new Trial(batch, [.. ids]));

    [Property]
    public void A_row_has_the_same_picture_in_any_company(Trial each)
    {
        var ml = new MLContext();
        var data = ml.Data.LoadFromEnumerable(each.Ids.Select(id => id < 0 ? new PictureRow { Id = id } : PictureRows.Row(id)).ToArray());
        var view = ml.Transforms.ControlNet().Generate("Picture", "Prompt", rows.Model, rows.OwnControl, PictureRows.Own with { BatchSize = each.BatchSize })
            .Fit(data).Transform(data);
        Cells.Equal(each.Ids.Select(id => (id, id < 0 ? [] : Cells.Of(rows.Expected(id, ownSettings: true)))), Cells.Read(view, "Picture"), 1);
    }
}
