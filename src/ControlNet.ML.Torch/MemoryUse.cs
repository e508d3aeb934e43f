namespace ControlNet.ML.Torch;

/// <summary>What a model trades for memory.</summary>
/// <param name="IsTiled">Whether images are decoded and encoded in strips of rows (<see cref="LoadOptions.Tiling"/>).</param>
/// <param name="IsLow">
/// Whether the rows of a batch are computed one after the other, without text encoders in memory (<see cref="LoadOptions.LowMemory"/>).
/// </param>
internal readonly record struct MemoryUse(bool IsTiled, bool IsLow);
