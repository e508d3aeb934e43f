using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace ControlNet.ML.Conditions;

/// <summary>
/// An option of a condition, as its property declares it: the type, the range (<see cref="RangeAttribute"/> or
/// <see cref="AllowedValuesAttribute"/>) and the default. Lists of options and checks of their values both come from here.
/// </summary>
internal sealed class ConditionOption
{
    private static readonly JsonNamingPolicy Typed = JsonNamingPolicy.KebabCaseLower;

    // Conditions are checked for each image, and attributes are slow to read.
    private static readonly ConcurrentDictionary<Type, ConditionOption[]> Known = [];

    private readonly PropertyInfo _property;
    private readonly Type _type;
    private readonly RangeAttribute? _range;

    private ConditionOption(PropertyInfo property)
    {
        _property = property;
        _type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        _range = property.GetCustomAttribute<RangeAttribute>();
        Values = _type.IsEnum
            ? Enum.GetNames(_type)
            : [.. (property.GetCustomAttribute<AllowedValuesAttribute>()?.Values ?? []).Select(Text)];
    }

    private ConditionOption(ConditionOption declared, object? value) => (_property, _type, _range, Values, Default) =
        (declared._property, declared._type, declared._range, declared.Values, value);

    /// <summary>The name as users type it: <c>score-threshold</c>.</summary>
    public string Name => Typed.ConvertName(_property.Name);

    /// <summary>What kind of value it takes: <c>boolean</c>, <c>integer</c>, <c>number</c>, <c>choice</c> or <c>text</c>.</summary>
    public string Type =>
        _type == typeof(bool) ? "boolean"
        : _type.IsEnum ? "choice"
        : _type == typeof(int) ? "integer"
        : _type == typeof(double) ? "number"
        : Values.Count > 0 ? "choice" : "text";

    /// <summary>The value without a setting; null if it depends on other things.</summary>
    public object? Default { get; }

    /// <summary>The possible values, if they are listed; otherwise empty.</summary>
    public IReadOnlyList<string> Values { get; }

    /// <summary>The minimum; null if there is none.</summary>
    public double? Minimum => _range is null ? null : Limit(_range.Minimum);

    /// <summary>Whether the minimum itself is out of range.</summary>
    public bool MinimumIsExclusive => _range?.MinimumIsExclusive ?? false;

    /// <summary>The maximum; null if there is none.</summary>
    public double? Maximum => _range is null ? null : Limit(_range.Maximum);

    /// <summary>The range in words: <c>0 to 255</c>, <c>3, 5 or 7</c>; empty if every value of the type is valid.</summary>
    public string Range => (Minimum, Maximum) switch
    {
        _ when Values.Count > 0 => Message.Choices(Values),
        (null, null) => "",
        ({ } least, null) => $"{(MinimumIsExclusive ? "above" : "at least")} {Number(least)}",
        (null, { } most) => $"at most {Number(most)}",
        ({ } least, { } most) when MinimumIsExclusive => $"above {Number(least)}, at most {Number(most)}",
        ({ } least, { } most) => $"{Number(least)} to {Number(most)}",
    };

    /// <summary>The options of a record.</summary>
    /// <param name="defaults">The record with its default values.</param>
    public static IReadOnlyList<ConditionOption> Of(object defaults)
    {
        ArgumentNullException.ThrowIfNull(defaults);
        return [.. Declared(defaults.GetType()).Select(option => new ConditionOption(option, option._property.GetValue(defaults)))];
    }

    /// <summary>Returns options if each value is in its range.</summary>
    /// <param name="options">The options, a record.</param>
    /// <param name="what">The name of the condition, for the message.</param>
    /// <exception cref="ControlNetException">A value is not; the message names the option and the range.</exception>
    public static TOptions Check<TOptions>(TOptions options, string what)
        where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var option in Declared(options.GetType()))
        {
            var value = option._property.GetValue(options);
            if (!option.IsInRange(value))
                throw new ControlNetException($"The option {option._property.Name} of '{what}' is {Text(value)}, expected {option.Range}.");
        }

        return options;
    }

    /// <summary>A value as users type it.</summary>
    public static string Text(object? value) => value switch
    {
        null => "",
        bool truth => truth ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static ConditionOption[] Declared(Type type) => Known.GetOrAdd(
        type,
        static key => [.. key.GetProperties().Where(property => property.CanWrite).Select(property => new ConditionOption(property))]);

    private bool IsInRange(object? value)
    {
        if (value is null || _type.IsEnum)
            return true;
        if (Values.Count > 0)
            return Values.Contains(Text(value), StringComparer.OrdinalIgnoreCase);
        if (_range is null)
            return true;

        // NaN is in no range.
        var number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        var least = Convert.ToDouble(_range.Minimum, CultureInfo.InvariantCulture);
        var most = Convert.ToDouble(_range.Maximum, CultureInfo.InvariantCulture);
        return (MinimumIsExclusive ? number > least : number >= least) && number <= most;
    }

    /// <summary>The end of a range; null if it is the end of the type.</summary>
    private static double? Limit(object end) => end switch
    {
        int.MaxValue or double.MaxValue => null,
        _ => Convert.ToDouble(end, CultureInfo.InvariantCulture),
    };

    private static string Number(double value) => value.ToString("#,0.##", CultureInfo.InvariantCulture);
}
