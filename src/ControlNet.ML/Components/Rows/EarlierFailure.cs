namespace ControlNet.ML.Components;

/// <summary>A row that failed in a component before, with that one's reason.</summary>
internal sealed class EarlierFailure(string reason) : Exception(reason);
