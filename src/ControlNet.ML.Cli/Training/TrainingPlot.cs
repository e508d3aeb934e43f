using System.Text;
using ControlNet.ML.Torch.Training;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace ControlNet.ML.Cli.Training;

/// <summary>Plots runs as an SVG image: validation losses with right and with exchanged conditions, and so the gap between them.</summary>
internal static class TrainingPlot
{
    private const int Width = 1100;
    private const int Height = 420;

    /// <summary>
    /// Plots validation losses with right and exchanged conditions or, for a run without validation, the running mean of the training loss.
    /// </summary>
    /// <param name="file">The SVG file.</param>
    /// <param name="histories">Runs by name; a single run's curves get a color each.</param>
    public static void Write(string file, IReadOnlyList<(string Name, TrainingHistory History)> histories)
    {
        var model = new PlotModel { Background = OxyColors.White, PlotAreaBorderColor = OxyColors.Gray };
        model.Legends.Add(new Legend
        {
            LegendPosition = LegendPosition.RightTop,
            LegendPlacement = LegendPlacement.Outside,
            LegendLineSpacing = 6,
            LegendBackground = OxyColors.White,
            LegendBorder = OxyColors.LightGray,
        });
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Bottom,
            Title = "step",
            AxisTitleDistance = 8,
            Minimum = 0,
            StringFormat = "N0",
            MajorGridlineStyle = LineStyle.Dot,
        });
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Left,
            Title = "validation loss",
            MajorGridlineStyle = LineStyle.Dot,
            AxisTitleDistance = 22,
        });
        foreach (var (i, (name, history)) in histories.Index())
        {
            // Each run has a color; the lines of a single run have one each.
            OxyColor Color(int line) => model.DefaultColors[(histories.Count == 1 ? line : i) % model.DefaultColors.Count];
            if (history.Convergence.Count == 0)
            {
                model.Series.Add(Line(histories.Count == 1 ? "training" : name, Color(0), Smooth(history.Losses)));
                continue;
            }

            var (right, exchanged) = histories.Count == 1
                ? ("right condition", "exchanged condition")
                : (name + ", right", name + ", exchanged");
            var readings = history.Convergence;
            model.Series.Add(Line(right, Color(0), readings.Select(r => new DataPoint(r.Step, r.Loss))));
            model.Series.Add(Line(exchanged, Color(1), readings.Select(r => new DataPoint(r.Step, r.ExchangedLoss)), LineStyle.Dash));
        }

        var svg = new SvgExporter { Width = Width, Height = Height, UseVerticalTextAlignmentWorkaround = true }.ExportToString(model);
        AtomicFile.Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(svg)));
    }

    private static LineSeries Line(string title, OxyColor color, IEnumerable<DataPoint> points, LineStyle style = LineStyle.Solid)
    {
        // The legend's box is measured with a narrow font; the spaces keep a viewer with a wider font from cutting off words.
        var line = new LineSeries
        {
            Title = title + new string('\u00a0', title.Length),
            Color = color,
            LineStyle = style,
            StrokeThickness = 2,
        };
        line.Points.AddRange(points);
        return line;
    }

    /// <summary>Mean of the last hundred losses, at five hundred points at most.</summary>
    private static IEnumerable<DataPoint> Smooth(IReadOnlyList<(long Step, double Loss)> losses)
    {
        const int window = 100;
        var stride = Math.Max(1, losses.Count / 500);
        for (var i = Math.Min(window, losses.Count) - 1; i < losses.Count; i += stride)
        {
            var first = Math.Max(0, i - window + 1);
            yield return new DataPoint(losses[i].Step, losses.Skip(first).Take(i - first + 1).Average(entry => entry.Loss));
        }
    }
}
