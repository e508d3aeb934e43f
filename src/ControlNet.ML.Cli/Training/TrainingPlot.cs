using System.Text;
using ControlNet.ML.Torch.Training;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace ControlNet.ML.Cli.Training;

/// <summary>A run's curves as a picture (SVG): losses above, the gap of held-out rows below.</summary>
internal static class TrainingPlot
{
    private const int Width = 900;
    private const int Height = 420;

    /// <summary>Draws the loss of training (its running mean), and of held-out rows with right and exchanged conditions.</summary>
    /// <param name="file">The SVG file.</param>
    /// <param name="histories">Runs by their names; one for a single run.</param>
    public static void Write(string file, IReadOnlyList<(string Name, TrainingHistory History)> histories)
    {
        var model = new PlotModel { Background = OxyColors.White, PlotAreaBorderColor = OxyColors.Gray };
        model.Legends.Add(new Legend { LegendPosition = LegendPosition.RightTop, LegendBackground = OxyColors.White, LegendBorder = OxyColors.LightGray });
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Title = "step", Minimum = 0, StringFormat = "N0", MajorGridlineStyle = LineStyle.Dot });
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Left, Title = "loss of held-out rows", MajorGridlineStyle = LineStyle.Dot, AxisTitleDistance = 10 });
        foreach (var (name, history) in histories)
        {
            var prefix = histories.Count == 1 ? "" : name + ", ";
            if (history.Convergence.Count == 0)
            {
                model.Series.Add(Line(prefix + "training", Smooth(history.Losses)));
                continue;
            }

            model.Series.Add(Line(prefix + "right condition", history.Convergence.Select(r => new DataPoint(r.Step, r.Loss))));
            model.Series.Add(Line(prefix + "exchanged condition", history.Convergence.Select(r => new DataPoint(r.Step, r.ExchangedLoss)), LineStyle.Dash));
        }

        var svg = new SvgExporter { Width = Width, Height = Height }.ExportToString(model);
        AtomicFile.Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(svg)));
    }

    private static LineSeries Line(string title, IEnumerable<DataPoint> points, LineStyle style = LineStyle.Solid)
    {
        var line = new LineSeries { Title = title, LineStyle = style, StrokeThickness = 2 };
        line.Points.AddRange(points);
        return line;
    }

    /// <summary>The mean of the last hundred, at five hundred places at most.</summary>
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
