using ControlNet.ML.Components;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.ML;

namespace ControlNet.ML.Tests.Components;

/// <summary>Any kind, any settings of the component, any order of the rows.</summary>
[Properties(Arbitrary = [typeof(ComponentPropertyTests)], MaxTest = 25)]
public sealed class ComponentPropertyTests
{
    /// <param name="Kind">The condition.</param>
    /// <param name="Options">Of the component.</param>
    /// <param name="Ids">The photos in their order; negative ones are missing.</param>
    public sealed record Trial(ConditionKind Kind, ConditionComponentOptions Options, int[] Ids);

    public static Arbitrary<Trial> Cases() => Arb.From(
        from kind in Gen.Elements<ConditionKind>(ConditionCatalog.All)
        from batch in Gen.Choose(1, 6)
        from width in Gen.Choose(1, 20)
        from height in Gen.Choose(1, 20)
        from sized in Gen.Elements(true, false)
        from fit in Gen.Elements(Enum.GetValues<FitMode>())
        from ids in Gen.Choose(-2, 5).ListOf().Where(ids => ids.Count < 12)
        select new Trial(kind, new() { BatchSize = batch, Width = sized ? width : null, Height = sized ? height : null, Fit = fit }, [.. ids]));

    [Property]
    public void A_row_has_the_same_result_alone_and_in_any_company(Trial each)
    {
        var ml = new MLContext();
        var model = Model(ml, each);
        Assert.Equal(each.Ids.Select(id => (id, Alone(id))), Read(ml, model, each.Ids));
        Assert.Equal(each.Ids.Order().Select(id => (id, Alone(id))), Read(ml, model, [.. each.Ids.Order()]));

        string Alone(int id) => Read(ml, model, [id]).Single().Condition;
    }

    [Property]
    public void A_saved_model_gives_the_results_it_gave(Trial each)
    {
        var ml = new MLContext();
        var model = Model(ml, each);
        using var file = new MemoryStream();
        ml.Model.Save(model, null, file);
        file.Position = 0;
        var loaded = new MLContext().Model.Load(file, out _);
        Assert.Equal(Read(ml, model, each.Ids), Read(ml, loaded, each.Ids));

        // And it is saved as it was.
        using var again = new MemoryStream();
        ml.Model.Save(loaded, null, again);
        Assert.Equal(file.Length, again.Length);
    }

    private static ConditionTransformer Model(MLContext ml, Trial each) =>
        ml.Transforms.ControlNet().Condition("Condition", "Photo", each.Kind.Name, null, each.Options).Fit(Data(ml, [0]));

    private static IDataView Data(MLContext ml, int[] ids) =>
        ml.Data.LoadFromEnumerable(ids.Select(id => id < 0 ? new PhotoRow { Id = id } : Photos.Row(id)).ToArray());

    private static (int Id, string Condition)[] Read(MLContext ml, ITransformer model, int[] ids) => ConditionRows.Read(model.Transform(Data(ml, ids)));
}
