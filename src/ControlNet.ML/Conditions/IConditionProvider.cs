namespace ControlNet.ML.Conditions;

/// <summary>Adds kinds of conditions of another assembly to <see cref="ConditionCatalog"/>.</summary>
public interface IConditionProvider
{
    /// <summary>The kinds, in the order in which they are listed.</summary>
    IReadOnlyList<ConditionKind> Kinds { get; }
}

/// <summary>Names the class of an assembly that provides kinds of conditions.</summary>
/// <param name="provider">A public class with a parameterless constructor that implements <see cref="IConditionProvider"/>.</param>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class ConditionProviderAttribute(Type provider) : Attribute
{
    /// <summary>The class.</summary>
    public Type Provider { get; } = provider;
}
