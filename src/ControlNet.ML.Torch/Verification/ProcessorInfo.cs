using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text;
using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Verification;

/// <summary>The properties of the processor that decide which kernels libtorch chooses.</summary>
/// <param name="Name">Its name, for instance <c>AMD EPYC</c>.</param>
/// <param name="Model">
/// Vendor, family, model and stepping, for instance <c>AuthenticAMD 25.1.1</c>; the architecture if they are unknown.
/// </param>
/// <param name="InstructionSets">The instruction sets that have kernels in libtorch and oneDNN.</param>
/// <param name="CachesAreHidden">
/// Whether a hypervisor hides the caches of an AMD processor, which makes an unrepaired oneDNN compute wrongly.
/// </param>
public sealed record ProcessorInfo(string Name, string Model, IReadOnlyList<string> InstructionSets, bool CachesAreHidden)
{
    private const string Avx512BFloat16 = "AVX-512 BF16", AmxBFloat16 = "AMX BF16";

    /// <summary>This machine's processor.</summary>
    public static ProcessorInfo Current { get; } = new(ReadName(), ReadModel(), [.. ReadInstructionSets()], HiddenCaches.AreHidden());

    /// <summary>Whether the processor multiplies bfloat16 numbers itself.</summary>
    internal bool HasBFloat16 => InstructionSets.Contains(Avx512BFloat16) || InstructionSets.Contains(AmxBFloat16);

    private static string ReadName()
    {
        var largest = unchecked((int)0x80000004);
        if (X86Base.IsSupported && (uint)X86Base.CpuId(unchecked((int)0x80000000), 0).Eax >= unchecked((uint)largest))
        {
            var bytes = new List<byte>(48);
            for (var leaf = largest - 2; leaf <= largest; leaf++)
            {
                var (a, b, c, d) = X86Base.CpuId(leaf, 0);
                foreach (var register in new[] { a, b, c, d })
                    bytes.AddRange(BitConverter.GetBytes(register));
            }

            if (Encoding.ASCII.GetString([.. bytes]).Trim('\0', ' ') is { Length: > 0 } name)
                return name;
        }

        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static string ReadModel()
    {
        if (!X86Base.IsSupported)
            return RuntimeInformation.ProcessArchitecture.ToString();
        var (_, b, c, d) = X86Base.CpuId(0, 0);
        var vendor = Encoding.ASCII.GetString([.. BitConverter.GetBytes(b), .. BitConverter.GetBytes(d), .. BitConverter.GetBytes(c)]);
        var signature = (uint)X86Base.CpuId(1, 0).Eax;
        uint family = (signature >> 8) & 0xf, model = (signature >> 4) & 0xf;
        if (family is 6 or 15)
            model += ((signature >> 16) & 0xf) << 4;
        if (family == 15)
            family += (signature >> 20) & 0xff;
        return $"{vendor} {family}.{model}.{signature & 0xf}";
    }

    private static IEnumerable<string> ReadInstructionSets()
    {
        if (AdvSimd.IsSupported)
            yield return "AdvSIMD";
        if (!X86Base.IsSupported)
            yield break;
        if (Sse41.IsSupported)
            yield return "SSE4.1";
        if (Avx2.IsSupported)
            yield return "AVX2";
        if (Fma.IsSupported)
            yield return "FMA";
        if (Avx512F.IsSupported)
            yield return "AVX-512";
        if (X86Base.CpuId(0, 0).Eax < 7)
            yield break;

        // Leaf 7: instruction sets that .NET does not report. oneDNN reads the same bits.
        var (most, _, c, d) = X86Base.CpuId(7, 0);
        var more = most >= 1 ? X86Base.CpuId(7, 1).Eax : 0;
        if ((c & (1 << 11)) != 0)
            yield return "AVX-512 VNNI";
        if ((more & (1 << 5)) != 0)
            yield return Avx512BFloat16;
        if ((d & (1 << 23)) != 0)
            yield return "AVX-512 FP16";
        if ((more & (1 << 4)) != 0)
            yield return "AVX-VNNI";
        if ((d & (1 << 24)) != 0)
            yield return (d & (1 << 22)) != 0 ? AmxBFloat16 : "AMX";
    }
}
