using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace ControlNet.ML.Cli;

/// <summary>
/// An option that had another name in earlier versions. The former name still works, so that scripts keep running; the help omits it, and
/// using it prints a notice.
/// </summary>
/// <param name="name">The option's name.</param>
/// <param name="formerName">Its name in earlier versions.</param>
internal sealed class RenamedOption<T>(string name, string formerName) : Option<T>(name, formerName), IRenamedOption
{
    public string FormerName { get; } = formerName;
}

/// <summary>A <see cref="RenamedOption{T}"/> of any type.</summary>
internal interface IRenamedOption
{
    string FormerName { get; }
}

/// <summary>Notices for renamed options, and help without their former names.</summary>
internal static class RenamedOptions
{
    /// <summary>Prints a notice for each former name on the command line.</summary>
    public static void Notify(ParseResult parsed, Terminal terminal)
    {
        foreach (var option in parsed.CommandResult.Command.Options)
        {
            if (option is IRenamedOption renamed && parsed.GetResult(option)?.IdentifierToken?.Value == renamed.FormerName)
                terminal.Say($"{renamed.FormerName} is now called {option.Name}.");
        }
    }

    /// <summary>Keeps former names out of the help of a root command.</summary>
    public static void HideFromHelp(RootCommand root)
    {
        foreach (var option in root.Options.OfType<HelpOption>())
        {
            if (option.Action is SynchronousCommandLineAction help)
                option.Action = new CurrentNamesOnly(help);
        }
    }

    /// <summary>
    /// The library lists all aliases of an option and cannot hide one, so the former names are removed while it writes the help.
    /// </summary>
    private sealed class CurrentNamesOnly(SynchronousCommandLineAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => help.ClearsParseErrors;

        public override int Invoke(ParseResult parseResult)
        {
            var renamed = parseResult.CommandResult.Command.Options.Where(option => option is IRenamedOption).ToList();
            foreach (var option in renamed)
                option.Aliases.Remove(((IRenamedOption)option).FormerName);
            try
            {
                return help.Invoke(parseResult);
            }
            finally
            {
                foreach (var option in renamed)
                    option.Aliases.Add(((IRenamedOption)option).FormerName);
            }
        }
    }
}
