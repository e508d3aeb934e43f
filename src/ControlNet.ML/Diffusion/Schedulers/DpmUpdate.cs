namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// One step of DPM-Solver and DPM-Solver++ (Lu et al., 2022, appendices of both papers) as factors of the sample, of the last network
/// outputs and of the noise. Orders differ in how many divided differences D_0, D_1, D_2 of the outputs over λ they use; multistep and
/// singlestep differ in the points of those differences.
/// </summary>
internal sealed class DpmUpdate(SchedulerConfig config)
{
    private readonly string _algorithm = config.AlgorithmType;
    private readonly bool _heun = config.SolverType == "heun";

    /// <summary>Whether outputs are predictions of the clean sample (the ++ algorithms) rather than of the noise.</summary>
    public bool OnOriginal => _algorithm is "dpmsolver++" or "sde-dpmsolver++";

    /// <summary>Whether steps add noise.</summary>
    public bool Stochastic => _algorithm is "sde-dpmsolver" or "sde-dpmsolver++";

    /// <summary>First order: from s to t, using the output at s. Equals DDIM.</summary>
    public Terms First(LogSnr s, LogSnr t)
    {
        var f = Factors(s, t);
        return new Terms(f.Sample, f.D0, 0, 0, f.Noise);
    }

    /// <summary>Second order, multistep: from s0 to t, using the outputs at s0 and, before it, s1.</summary>
    public Terms SecondMultistep(LogSnr s1, LogSnr s0, LogSnr t)
    {
        var f = Factors(s0, t);
        var r0 = (s0.Lambda - s1.Lambda) / (t.Lambda - s0.Lambda);
        var slope = (_heun ? f.D1 : f.D0 / 2) / r0;
        return new Terms(f.Sample, f.D0 + slope, -slope, 0, f.Noise);
    }

    /// <summary>Third order, multistep: from s0 to t, using the outputs at s0, s1 and s2.</summary>
    public Terms ThirdMultistep(LogSnr s2, LogSnr s1, LogSnr s0, LogSnr t)
    {
        var f = Factors(s0, t);
        var h = t.Lambda - s0.Lambda;
        var (r0, r1) = ((s0.Lambda - s1.Lambda) / h, (s1.Lambda - s2.Lambda) / h);

        // D_1 = a + r0 / (r0 + r1) (a - b), D_2 = (a - b) / (r0 + r1) with a = (m0 - m1) / r0, b = (m1 - m2) / r1.
        var a = (f.D1 * (1 + (r0 / (r0 + r1)))) + (f.D2 / (r0 + r1));
        var b = -(f.D1 * r0 / (r0 + r1)) - (f.D2 / (r0 + r1));
        return new Terms(f.Sample, f.D0 + (a / r0), (b / r1) - (a / r0), -b / r1, f.Noise);
    }

    /// <summary>Second order, singlestep: from s1 to t, using the outputs at s1 and, in between, s0.</summary>
    public Terms SecondSinglestep(LogSnr s1, LogSnr s0, LogSnr t)
    {
        var f = Factors(s1, t);
        var r0 = (s0.Lambda - s1.Lambda) / (t.Lambda - s1.Lambda);
        var slope = (_heun ? f.D1 : f.D0 / 2) / r0;
        return new Terms(f.Sample, slope, f.D0 - slope, 0, f.Noise);
    }

    /// <summary>Third order, singlestep: from s2 to t, using the outputs at s2 and, in between, s1 and s0.</summary>
    public Terms ThirdSinglestep(LogSnr s2, LogSnr s1, LogSnr s0, LogSnr t)
    {
        var f = Factors(s2, t);
        var h = t.Lambda - s2.Lambda;
        var (r0, r1) = ((s0.Lambda - s2.Lambda) / h, (s1.Lambda - s2.Lambda) / h);

        // D_1 = (r0 a - r1 b) / (r0 - r1), D_2 = 2 (b - a) / (r0 - r1) with a = (m1 - m2) / r1, b = (m0 - m2) / r0; without Heun D_1 = b.
        var a = _heun ? ((f.D1 * r0) - (2 * f.D2)) / (r0 - r1) : 0;
        var b = _heun ? ((2 * f.D2) - (f.D1 * r1)) / (r0 - r1) : f.D1;
        return new Terms(f.Sample, b / r0, a / r1, f.D0 - (a / r1) - (b / r0), f.Noise);
    }

    private (double Sample, double D0, double D1, double D2, double Noise) Factors(LogSnr s, LogSnr t)
    {
        var h = t.Lambda - s.Lambda;
        switch (_algorithm)
        {
            case "dpmsolver++":
                {
                    var e = Math.Exp(-h) - 1;
                    return (t.Sigma / s.Sigma, -t.Alpha * e, t.Alpha * ((e / h) + 1), -t.Alpha * (((e + h) / (h * h)) - 0.5), 0);
                }

            case "dpmsolver":
                {
                    var e = Math.Exp(h) - 1;
                    return (t.Alpha / s.Alpha, -t.Sigma * e, -t.Sigma * ((e / h) - 1), -t.Sigma * (((e - h) / (h * h)) - 0.5), 0);
                }

            case "sde-dpmsolver++":
                {
                    var e = 1 - Math.Exp(-2 * h);
                    return (
                        t.Sigma / s.Sigma * Math.Exp(-h),
                        t.Alpha * e,
                        t.Alpha * ((e / (-2 * h)) + 1),
                        t.Alpha * (((e - (2 * h)) / (4 * h * h)) - 0.5),
                        t.Sigma * Math.Sqrt(e));
                }

            default:
                {
                    var e = Math.Exp(h) - 1;
                    return (t.Alpha / s.Alpha, -2 * t.Sigma * e, -2 * t.Sigma * ((e / h) - 1), 0, t.Sigma * Math.Sqrt(Math.Exp(2 * h) - 1));
                }
        }
    }

    /// <summary>The factors of a step: of the sample, the latest output, the two outputs before it, and the noise.</summary>
    internal readonly record struct Terms(double Sample, double Latest, double Before, double Earlier, double Noise);
}
