using System.Text;
using System.Text.Json;

namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>One of diffusers' scheduler classes: its name, its keys with their defaults, and its factory.</summary>
internal sealed class SchedulerClass
{
    private static readonly string?[] Schedules = ["linear", "scaled_linear", "squaredcos_cap_v2"];
    private static readonly string?[] Predictions = ["epsilon", "sample", "v_prediction"];
    private static readonly string?[] Spacings = ["linspace", "leading", "trailing"];
    private static readonly string?[] FinalSigmas = ["zero", "sigma_min"];

    private readonly Dictionary<string, IReadOnlyList<string?>> _choices = new()
    {
        ["beta_schedule"] = Schedules,
        ["prediction_type"] = Predictions,
        ["timestep_spacing"] = Spacings,
        ["final_sigmas_type"] = FinalSigmas,
    };

    /// <summary>Describes a class.</summary>
    /// <param name="name">diffusers' name for it.</param>
    /// <param name="defaults">The arguments of its constructor with their defaults, as JSON.</param>
    /// <param name="create">Creates the scheduler.</param>
    public SchedulerClass(string name, string defaults, Func<SchedulerConfig, int, SchedulerOptions, Scheduler> create)
    {
        Name = name;
        Create = create;
        Defaults = PythonJson.ParseObject(Encoding.UTF8.GetBytes(defaults), "(defaults)").EnumerateObject()
            .ToDictionary(entry => entry.Name, entry => entry.Value);
    }

    public string Name { get; }

    public IReadOnlyDictionary<string, JsonElement> Defaults { get; }

    public Func<SchedulerConfig, int, SchedulerOptions, Scheduler> Create { get; }

    /// <summary>The allowed values of keys, where they differ from those of most classes.</summary>
    public Dictionary<string, string?[]> Choices
    {
        init
        {
            foreach (var (key, words) in value)
                _choices[key] = words;
        }
    }

    /// <summary>Values of a sister class that diffusers silently replaces: (key, found) to the replacement.</summary>
    public Dictionary<(string Key, string Found), string> Replacements { get; init; } = [];

    /// <summary>
    /// The names of the <see cref="SchedulerOptions"/> that this class takes, in addition to those that all classes take.
    /// </summary>
    public string[] Options { get; init; } = [];

    /// <summary>The allowed values of a key; null if they are not restricted.</summary>
    public IReadOnlyList<string?>? ChoicesOf(string key) => _choices.GetValueOrDefault(key);
}
