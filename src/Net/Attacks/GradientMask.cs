namespace GpuConv.Net;

/// <summary>
/// At how many images a saturated softmax takes the cross-entropy's gradient, p - onehot at the scores: attacks that follow it stand still or go astray, and what looks robust need not be (Athalye et al. 2018,
/// arXiv 1802.00420; Carlini and Wagner 2017, arXiv 1608.04644, section IV).
/// </summary>
/// <param name="Vanished">The share of recognised images at which the whole gradient to the pixels is 0, or not finite.</param>
/// <param name="Saturated">The share at which the label's probability is 1 in float32, so that its own score's part is 0: the gradient leads to other classes without leaving the label's.</param>
public readonly record struct GradientMask(double Vanished, double Saturated);
