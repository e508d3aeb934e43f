using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace ControlNet.ML.Cli;

/// <summary>
/// The library's help, in lines that can be read wherever they go, and without what it adds to subcommands of commands with arguments
/// (<c>score merge</c>): the parent's arguments, although they do not apply.
/// </summary>
internal sealed class HelpLayout(HelpAction help) : SynchronousCommandLineAction
{
    /// <summary>Replaces a root command's help.</summary>
    /// <param name="root">The root command.</param>
    /// <param name="width">The length of a line.</param>
    public static void Use(RootCommand root, int width)
    {
        foreach (var option in root.Options.OfType<HelpOption>())
        {
            if (option.Action is not HelpAction help)
                continue;
            help.MaxWidth = width;
            option.Action = new HelpLayout(help);
        }
    }

    public override bool ClearsParseErrors => help.ClearsParseErrors;

    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        var parent = command.Parents.OfType<Command>().FirstOrDefault();
        if (parent is null or RootCommand || parent.Arguments.Count == 0)
            return help.Invoke(parseResult);

        foreach (var argument in parent.Arguments)
            argument.Hidden = true;
        try
        {
            return help.Invoke(parseResult);
        }
        finally
        {
            foreach (var argument in parent.Arguments)
                argument.Hidden = false;
        }
    }
}
