using System.Security.Cryptography;

namespace ControlNet.ML.Cli.Study.Pages;

/// <summary>What all pages have: the head, the frame, and the files that they refer to.</summary>
internal static class PageLayout
{
    /// <summary>The files, by name: bytes, type, and the address with a digest, so that a browser never shows an old one.</summary>
    public static IReadOnlyDictionary<string, (byte[] Bytes, string Type, string Address)> Assets { get; } =
        new (string Name, string Type)[]
        {
            ("study.css", "text/css; charset=utf-8"),
            ("study.js", "text/javascript; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
        }.ToDictionary(asset => asset.Name, asset =>
        {
            var bytes = StudyAssets.Bytes(asset.Name);
            return (bytes, asset.Type, $"/{asset.Name}?v={Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 4))}");
        });

    /// <summary>A whole page.</summary>
    /// <param name="title">Its title.</param>
    /// <param name="content">What it shows.</param>
    public static string Page(string title, Html content)
    {
        Html page = $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{title} · Image study</title>
            <link rel="stylesheet" href="{Assets["study.css"].Address}">
            <link rel="icon" href="{Assets["icon.svg"].Address}">
            <script src="{Assets["study.js"].Address}" defer></script>
            </head>
            <body>
            <main>
            {content}
            </main>
            </body>
            </html>

            """;
        return page.ToString();
    }

    /// <summary>A page of a heading and a paragraph: what went wrong, and what helps.</summary>
    public static string Message(string heading, string text)
    {
        Html content = $"""
            <h1>{heading}</h1>
            <p>{text}</p>
            """;
        return Page(heading, content);
    }
}
