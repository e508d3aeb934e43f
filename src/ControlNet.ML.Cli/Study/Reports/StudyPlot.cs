using System.Text;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace ControlNet.ML.Cli.Study.Reports;

/// <summary>Plots what a study found, as SVG images.</summary>
internal static class StudyPlot
{
    private const int Width = 900, LeastHeight = 220, RowHeight = 60;

    // From the worst rank to the best; readable for the color-blind, and in grey.
    private static readonly OxyColor Worst = OxyColor.FromRgb(0xd9, 0x8b, 0x4f), Middle = OxyColor.FromRgb(0xe9, 0xe6, 0xdf);
    private static readonly OxyColor Best = OxyColor.FromRgb(0x1f, 0x5f, 0xa8);

    /// <summary>The average human rank of each method with its interval, one mark for each question.</summary>
    public static void WriteRanks(string file, StudyFigures figures)
    {
        var model = Model(figures.Methods, "average human rank (larger is better)", 1, figures.Methods.Count);
        foreach (var (i, question) in figures.Questions.Index())
        {
            // The marks of several questions stand beside each other.
            var offset = (i - ((figures.Questions.Count - 1) / 2.0)) * -0.24;
            var color = i == 0 ? Best : Worst;
            var marks = new ScatterSeries
            {
                Title = Title(StudyNames.Of(question.Question)),
                MarkerType = i == 0 ? MarkerType.Circle : MarkerType.Diamond,
                MarkerSize = 6,
                MarkerFill = color,
            };
            foreach (var (method, found) in question.Methods.Index())
            {
                var y = Row(method, figures.Methods.Count) + offset;
                marks.Points.Add(new ScatterPoint(found.Mean, y));
                var bar = new LineSeries { Color = color, StrokeThickness = 2 };
                bar.Points.AddRange([new DataPoint(found.Interval.Low, y), new DataPoint(found.Interval.High, y)]);
                model.Series.Add(bar);
            }

            model.Series.Add(marks);
        }

        Save(file, model, figures.Methods.Count);
    }

    /// <summary>How often each method was given each rank, as shares of a bar.</summary>
    public static void WriteShares(string file, QuestionFigures question)
    {
        var count = question.Methods.Count;
        var model = Model([.. question.Methods.Select(method => method.Method)], "share of the rankings", 0, 1);
        for (var rank = 1; rank <= count; rank++)
        {
            var bars = new RectangleBarSeries
            {
                Title = Title(rank == 1 ? "rank 1 (worst)" : rank == count ? $"rank {count} (best)" : $"rank {rank}"),
                FillColor = Shade((rank - 1.0) / (count - 1)),
                StrokeThickness = 0,
            };
            foreach (var (method, found) in question.Methods.Index())
            {
                var before = found.Ranks.Take(rank - 1).Sum() / (double)question.Rankings;
                var after = before + (found.Ranks[rank - 1] / (double)question.Rankings);
                var y = Row(method, count);
                bars.Items.Add(new RectangleBarItem(before, y - 0.3, after, y + 0.3));
            }

            model.Series.Add(bars);
        }

        Save(file, model, count);
    }

    /// <summary>The share of right answers of each rater, with their mean and chance.</summary>
    public static void WritePrecision(string file, PrecisionFigures found)
    {
        var model = Model([""], "share of right answers", 0, 1);
        model.Annotations.Add(new LineAnnotation
        {
            Type = LineAnnotationType.Vertical,
            X = 0.5,
            Color = OxyColors.Gray,
            Text = "chance",
            TextOrientation = AnnotationTextOrientation.Horizontal,
            TextVerticalAlignment = VerticalAlignment.Top,
        });
        var raters = new ScatterSeries { Title = Title("a rater"), MarkerType = MarkerType.Circle, MarkerSize = 5, MarkerFill = Worst };
        foreach (var same in found.PerRater.GroupBy(share => share))
        {
            // Raters with the same share stand above each other.
            var step = Math.Min(0.07, 0.5 / same.Count());
            foreach (var (i, share) in same.Index())
                raters.Points.Add(new ScatterPoint(share, -0.05 + (step * i)));
        }

        var bar = new LineSeries { Color = Best, StrokeThickness = 2 };
        bar.Points.AddRange([new DataPoint(found.Interval.Low, -0.25), new DataPoint(found.Interval.High, -0.25)]);
        var mean = new ScatterSeries
        {
            Title = Title("mean, 95% interval"),
            MarkerType = MarkerType.Diamond,
            MarkerSize = 7,
            MarkerFill = Best,
        };
        mean.Points.Add(new ScatterPoint(found.Mean, -0.25));
        model.Series.Add(raters);
        model.Series.Add(bar);
        model.Series.Add(mean);
        Save(file, model, 1);
    }

    /// <summary>A plot with a row for each label, the first on top.</summary>
    private static PlotModel Model(IReadOnlyList<string> labels, string title, double from, double to)
    {
        // The labels are measured with a narrow font; a margin of their length keeps a viewer with a wider one from cutting them off.
        var model = new PlotModel
        {
            Background = OxyColors.White,
            PlotAreaBorderColor = OxyColors.Gray,
            DefaultFont = "Helvetica, Arial, sans-serif",
            PlotMargins = new OxyThickness(20 + (7 * labels.Max(label => Short(label).Length)), double.NaN, double.NaN, double.NaN),
        };
        model.Legends.Add(new Legend
        {
            LegendPosition = LegendPosition.RightTop,
            LegendPlacement = LegendPlacement.Outside,
            LegendLineSpacing = 6,
        });
        var margin = (to - from) * 0.04;
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Bottom,
            Title = title,
            AxisTitleDistance = 8,
            Minimum = from - margin,
            Maximum = to + margin,
            MajorStep = to - from > 1 ? 1 : 0.1,
            MinorTickSize = 0,
            MajorGridlineStyle = LineStyle.Dot,
        });
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Left,
            Minimum = -0.5,
            Maximum = labels.Count - 0.5,
            MajorStep = 1,
            MinorTickSize = 0,
            MajorTickSize = 0,
            LabelFormatter = value => (int)Math.Round(value) is var row && row >= 0 && row < labels.Count && Math.Abs(value - row) < 1e-6
                ? Short(labels[labels.Count - 1 - row])
                : "",
        });
        return model;
    }

    private static double Row(int index, int count) => count - 1 - index;

    private static string Short(string name) => name.Length <= 28 ? name : $"{name[..27]}…";

    // The legend's box is measured with a narrow font; the spaces keep a viewer with a wider font from cutting off words.
    private static string Title(string text) => text + new string('\u00a0', text.Length / 2);

    private static OxyColor Shade(double share) => share < 0.5
        ? OxyColor.Interpolate(Worst, Middle, share * 2)
        : OxyColor.Interpolate(Middle, Best, (share - 0.5) * 2);

    private static void Save(string file, PlotModel model, int rows)
    {
        var height = LeastHeight + (RowHeight * Math.Max(0, rows - 2));
        var svg = new SvgExporter { Width = Width, Height = height, UseVerticalTextAlignmentWorkaround = true }.ExportToString(model);
        AtomicFile.Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(svg)));
    }
}
