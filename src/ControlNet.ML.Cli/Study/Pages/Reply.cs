using Microsoft.AspNetCore.Http;

namespace ControlNet.ML.Cli.Study.Pages;

/// <summary>An answer: a page, or the address of one.</summary>
/// <param name="Status">HTTP's status.</param>
/// <param name="Page">The page as HTML, or null.</param>
/// <param name="Address">The address to see instead, or null.</param>
internal sealed record Reply(int Status, string? Page, string? Address = null)
{
    /// <summary>A page that exists.</summary>
    public static Reply Of(string page) => new(StatusCodes.Status200OK, page);

    /// <summary>To be seen at another address, by GET.</summary>
    public static Reply See(string address) => new(StatusCodes.Status303SeeOther, null, address);
}
