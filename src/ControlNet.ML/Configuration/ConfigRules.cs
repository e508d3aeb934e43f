using System.Numerics;

namespace ControlNet.ML.Configuration;

/// <summary>Checks the values of a configuration before anything is created or allocated from them.</summary>
internal readonly struct ConfigRules(string source)
{
    public const int MostLevels = 8;
    public const int MostLayers = 32;
    public const int MostChannels = 1 << 16;

    public void Range<T>(string key, T value, T least, T most)
        where T : INumber<T>
    {
        if (!(value >= least && value <= most))
            throw Error(key, $"{value}", $"{least} to {most}");
    }

    public void Positive(string key, double value)
    {
        if (!(value > 0 && double.IsFinite(value)))
            throw Error(key, $"{value}", "a number above 0");
    }

    public void Each(string key, int[] values, int least, int most)
    {
        foreach (var value in values)
            Range(key, value, least, most);
    }

    public void Levels<T>(string key, T[] values)
    {
        if (values.Length is < 1 or > MostLevels)
            throw Error(key, $"a list of {values.Length}", $"1 to {MostLevels} entries");
    }

    public void Length<T>(string key, T[] values, int levels)
    {
        if (values.Length != levels)
            throw Error(key, $"a list of {values.Length}", $"{levels}, one for each entry of 'block_out_channels'");
    }

    public void OneOf(string key, string value, params ReadOnlySpan<string> allowed)
    {
        if (!allowed.Contains(value))
            throw Error(key, Message.Name(value), Message.Choice(allowed.ToArray()));
    }

    public void Divides(string key, int divisor, string of, int value)
    {
        if (value % divisor != 0)
            throw Error(key, $"{divisor}", $"a divisor of {of}, which is {value}");
    }

    public ControlNetException Error(string key, string found, string expected) =>
        new($"{source}: '{key}' is {found}, expected {expected}.");
}
