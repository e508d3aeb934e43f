using ControlNet.ML.Torch.Native;
using FsCheck.Xunit;

namespace ControlNet.ML.Torch.Tests.Native;

/// <summary>On the library that TorchSharp ships for Linux, which lies beside the tests there.</summary>
public sealed class ElfVersionNeedsTests
{
    private static readonly string Library = Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so");

    [Fact]
    public void Weakening_a_version_changes_two_bytes_at_most_and_can_be_repeated()
    {
        var original = Read();
        var weakened = ElfVersionNeeds.Weaken(original, "GLIBCXX_3.4.32");

        Assert.InRange(original.Zip(weakened).Count(pair => pair.First != pair.Second), 1, 2);
        Assert.Equal(weakened, ElfVersionNeeds.Weaken(weakened, "GLIBCXX_3.4.32"));
    }

    [Fact]
    public void A_version_that_is_really_used_is_refused() =>
        Assert.Contains("uses symbols", Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.Weaken(Read(), "GLIBCXX_3.4.21")).Message);

    [Fact]
    public void A_version_that_is_not_asked_for_is_refused() =>
        Assert.Contains("does not require", Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.Weaken(Read(), "GLIBCXX_9.9")).Message);

    [Property]
    public void Anything_else_is_refused_as_damaged(byte[] file) =>
        Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.Weaken([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, .. file], "GLIBCXX_3.4.32"));

    private static byte[] Read()
    {
        Assert.SkipUnless(File.Exists(Library), "TorchSharp ships another library on this system.");
        return File.ReadAllBytes(Library);
    }
}
