using System.CommandLine;

namespace ControlNet.ML.EmojiTraining;

internal static class JudgeCommand
{
    public static Command Create() => new("judge", "x");
}
