namespace ControlNet.ML.Onnx.Tests.Export;

/// <summary>The networks of fixtures/modules.</summary>
public static class ModuleCases
{
    public const double Tolerance = 2e-5;

    public static TheoryData<string> Text() => Families("text");

    public static TheoryData<string> UNet() => Families("unet");

    public static TheoryData<string> Autoencoder() => Families("vae");

    private static TheoryData<string> Families(string part) => Fixtures.Cases(
        Fixtures.Has("modules")
            ? Directory.EnumerateFiles(Fixtures.Path("modules"), $"*-{part}.safetensors")
                .Select(file => Path.GetFileNameWithoutExtension(file)[..^(part.Length + 1)]).Order(StringComparer.Ordinal)
            : []);
}
