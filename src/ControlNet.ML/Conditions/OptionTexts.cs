using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Conditions;

/// <summary>Parses options, which are records, from texts such as <c>threshold=64</c> on a command line.</summary>
internal static class OptionTexts
{
    // NaN is parsed: the options' own check refuses it, with its message.
    private static readonly JsonSerializerOptions Lenient = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Applies settings to options.</summary>
    /// <typeparam name="TOptions">A record type, or object for any record.</typeparam>
    /// <param name="defaults">A record whose properties are bool, int, double, string or an enum, or may be null.</param>
    /// <param name="settings">NAME=VALUE each; names are those of the properties, without regard to case, dashes and underscores.</param>
    /// <param name="what">The owner of the options, for messages.</param>
    /// <returns>A new record.</returns>
    /// <exception cref="ControlNetException">A name is unknown or a value cannot be parsed.</exception>
    public static TOptions Parse<TOptions>(TOptions defaults, IEnumerable<string> settings, string what)
        where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(defaults);
        ArgumentNullException.ThrowIfNull(settings);
        var type = defaults.GetType();
        var options = JsonSerializer.SerializeToNode(defaults, type, Lenient)!.AsObject();
        foreach (var setting in settings)
        {
            if (setting.Split('=', 2) is not [var name, var value])
                throw new ControlNetException($"The option '{setting}' of '{what}' cannot be parsed, expected NAME=VALUE.");
            var property = Find(type, name) ?? throw Unknown(name, ConditionOption.Of(defaults), what);
            options[property.Name] = Read(value, property.PropertyType, property.Name, what);
        }

        return ConditionOption.Check((TOptions)options.Deserialize(type, Lenient)!, what);
    }

    /// <summary>Whether a setting, NAME=VALUE, names one of the options.</summary>
    /// <param name="options">The options.</param>
    /// <param name="setting">The setting.</param>
    public static bool Has(object options, string setting)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(setting);
        return Find(options.GetType(), setting.Split('=', 2)[0]) is not null;
    }

    private static ControlNetException Unknown(string name, IReadOnlyList<ConditionOption> options, string what)
    {
        string[] names = [.. options.Select(option => option.Name)];
        var nearest = NearestName.Suggest(name.Replace('_', '-'), names);
        return new($"'{what}' has no option {Message.Name(name)}.{(nearest is null ? "" : $" Did you mean '{nearest}'?")} Expected "
            + $"{Message.Choices(names)}.");
    }

    private static PropertyInfo? Find(Type type, string name)
    {
        var plain = name.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal);
        return type.GetProperties().FirstOrDefault(p => p.CanWrite && p.Name.Equals(plain, StringComparison.OrdinalIgnoreCase));
    }

    private static JsonNode Read(string text, Type declared, string name, string what)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        var invariant = CultureInfo.InvariantCulture;
        if (type == typeof(string))
            return text;
        if (type.IsEnum)
        {
            return Enum.GetNames(type).FirstOrDefault(value => value.Equals(text, StringComparison.OrdinalIgnoreCase))
                ?? throw new ControlNetException(
                    $"The option {name} of '{what}' is '{text}', expected one of {string.Join(", ", Enum.GetNames(type))}.");
        }

        if (type == typeof(bool) && bool.TryParse(text, out var truth))
            return truth;
        if (type == typeof(int) && int.TryParse(text, NumberStyles.Integer, invariant, out var whole))
            return whole;
        if (type == typeof(double) && double.TryParse(text, NumberStyles.Float, invariant, out var number))
            return double.IsFinite(number) ? JsonValue.Create(number) : JsonValue.Create(number.ToString(invariant));
        var expected = type == typeof(bool) ? "true or false" : type == typeof(int) ? "whole number" : "number";
        throw new ControlNetException($"The option {name} of '{what}': '{text}' is no {expected}.");
    }
}
