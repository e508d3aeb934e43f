using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace ControlNet.ML.Cli;

/// <summary>
/// The help as the library writes it, but for subcommands of commands that take arguments themselves (<c>score merge</c>): it would name the
/// parent's arguments, which do not go with them.
/// </summary>
internal sealed class SubcommandHelp(HelpAction help) : SynchronousCommandLineAction
{
    /// <summary>Puts it in the place of a root command's help.</summary>
    public static void Use(RootCommand root)
    {
        foreach (var option in root.Options.OfType<HelpOption>())
        {
            if (option.Action is HelpAction help)
                option.Action = new SubcommandHelp(help);
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
