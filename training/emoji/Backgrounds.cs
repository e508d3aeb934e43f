namespace ControlNet.ML.EmojiTraining;

/// <summary>Background colors by their names in captions.</summary>
internal static class Backgrounds
{
    /// <summary>Name, red, green, blue.</summary>
    public static IReadOnlyList<(string Name, int Red, int Green, int Blue)> All { get; } =
    [
        ("white", 255, 255, 255), ("black", 20, 20, 24), ("gray", 150, 152, 158), ("red", 214, 48, 49), ("orange", 243, 146, 55),
        ("yellow", 250, 211, 80), ("green", 60, 160, 80), ("teal", 50, 165, 160), ("light blue", 150, 205, 240), ("blue", 50, 95, 200),
        ("purple", 125, 75, 180), ("pink", 246, 170, 195), ("brown", 130, 88, 60), ("beige", 238, 222, 195), ("lime", 176, 214, 80),
    ];
}
