using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace ControlNet.ML.Internal;

/// <summary>
/// Gives a thread a larger stack for signal handlers before it runs a network on a processor with AMX. Such a processor saves 8 KB of
/// tile registers with every signal once a thread has used them, as bfloat16 operations do; .NET's handler (as of 10.0) then no longer
/// fits into the 12 KB that the runtime sets aside, and the next <see cref="NullReferenceException"/> on that thread, caught or not, ends
/// the process with SIGSEGV.
/// </summary>
/// <remarks>
/// The memory stays reserved when the thread ends, 68 KB of address space of which two pages are used at most: a runtime may free the
/// stack that it finds on an ending thread, or only its own, and freeing it twice could take another's memory.
/// </remarks>
internal static partial class SignalStack
{
    /// <summary>The kernel's frame takes 11 KB, .NET's handler 4 KB.</summary>
    private const nint Length = 64 << 10;

    private const int ReadWrite = 3;
    private const int PrivateAnonymousStack = 0x2_0022;
    private const int AmxTile = 1 << 24;

    private static readonly bool Needed =
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64 && HasTiles();

    [ThreadStatic]
    private static bool _done;

    /// <summary>Makes room on the calling thread; does nothing the second time, or where it is not needed.</summary>
    public static void MakeRoom()
    {
        if (_done || !Needed)
            return;
        _done = true;
        if (ChangeStack(0, out var old) == 0 && old.Size < Length)
            Enlarge();
    }

    /// <summary>Without memory for it, the thread keeps the runtime's stack: all works but a null reference.</summary>
    private static void Enlarge()
    {
        var page = Environment.SystemPageSize;
        var size = Length + page;
        var start = Map(0, size, ReadWrite, PrivateAnonymousStack, -1, 0);
        if (start == -1)
            return;

        // As the runtime does: the lowest page faults, so that a handler that needs still more does not write over other memory.
        var stack = new Stack { Start = start, Size = size };
        if (Protect(start, page, 0) != 0 || ChangeStack(in stack, 0) != 0)
            _ = Unmap(start, size);
    }

    private static bool HasTiles() =>
        X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= 7 && (X86Base.CpuId(7, 0).Edx & AmxTile) != 0;

    [LibraryImport("libc", EntryPoint = "sigaltstack")]
    private static partial int ChangeStack(nint none, out Stack current);

    [LibraryImport("libc", EntryPoint = "sigaltstack")]
    private static partial int ChangeStack(in Stack stack, nint none);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nint length);

    /// <summary><c>stack_t</c> of signal.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Stack
    {
        public nint Start;
        public int Flags;
        public nint Size;
    }
}
