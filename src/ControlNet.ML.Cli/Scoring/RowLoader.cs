using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Opens the control networks once, and loads the images of each row for them.</summary>
internal sealed class RowLoader : IDisposable
{
    private readonly ScorePlan _plan;
    private readonly Disposables<ControlNetwork> _networks = new();
    private readonly RowConditions _conditions;

    private RowLoader(ScorePlan plan, RowConditions conditions) => (_plan, _conditions) = (plan, conditions);

    /// <summary>The distinct control networks.</summary>
    public IReadOnlyCollection<ControlNetwork> Networks => _networks.Values;

    /// <summary>Loads the control networks.</summary>
    public static RowLoader Open(ScorePlan plan, Func<string, LoadOptions> options, CancellationToken cancellationToken)
    {
        var loader = new RowLoader(plan, RowConditions.Open(plan));
        try
        {
            foreach (var name in plan.Controls.Select(control => control.Name).Distinct())
                loader._networks.Add(name, ControlNetwork.Load(name, options(name), cancellationToken));
            return loader;
        }
        catch
        {
            loader.Dispose();
            throw;
        }
    }

    /// <summary>Reads a row's images and makes its conditions.</summary>
    /// <exception cref="RowException">A file is missing or not an image, or its condition cannot be made.</exception>
    public LoadedRow Load(RowRequest request)
    {
        List<ControlInput> controls = [];
        Dictionary<string, string> provenance = [];
        for (var i = 0; i < request.Controls.Count; i++)
        {
            var control = request.Controls[i];
            if (control.File is null || !control.Unit.TakesPart)
                continue;
            var source = _conditions.Source(control, i, request.Size);
            controls.Add(source.For(_networks[_plan.Controls[i].Name], control.Unit));
            foreach (var (key, value) in source.Provenance)
                provenance[$"control_{controls.Count}_{key}"] = value;
        }

        if (request.Start is { } start)
        {
            foreach (var (key, value) in Read(() => start.Provenance(_plan.Settings.Fit).ToArray()))
                provenance[key] = value;
        }

        var options = request.Options with
        {
            Image = request.Start is { } image ? Read(() => image.Read(request.Size, _plan.Settings.Fit)) : null,
        };
        return new LoadedRow(request, new GenerateRequest(request.Prompt, controls, options), provenance);

        static T Read<T>(Func<T> read) => RowConditions.Reading("image", read);
    }

    public void Dispose()
    {
        _conditions.Dispose();
        _networks.Dispose();
    }
}

/// <summary>A row with its images.</summary>
/// <param name="Request">The row.</param>
/// <param name="Image">The request to the model.</param>
/// <param name="Provenance">Names and hashes of its files.</param>
internal sealed record LoadedRow(RowRequest Request, GenerateRequest Image, IReadOnlyDictionary<string, string> Provenance);
