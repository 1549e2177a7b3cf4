/**
 * Special functions behind the intervals. Relative errors are below 1e-10 for counts up to thousands, and below 1e-8 up
 * to a million. The limit there is log-gamma's own 1e-15 of a large number. Quantiles: below 2e-8. Formulas: NIST
 * Digital Library of Mathematical Functions, chapters 5 (gamma) and 8 (incomplete gamma and beta).
 */

// Lanczos coefficients for g = 7, n = 9 (Godfrey 2001).
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const y = x - 1
  const sum = lanczos.reduce((total, c, i) => (i === 0 ? c : total + c / (y + i)), 0)
  const t = y + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum)
}

/** I_x(a, b), the distribution function of Beta(a, b), for a, b > 0 and x in [0, 1]. */
export function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const logFront = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)
  // The continued fraction converges fast only below the mean; above it, the symmetry helps.
  if (x < (a + 1) / (a + b + 2)) return (Math.exp(logFront) * betaFraction(x, a, b)) / a
  return 1 - (Math.exp(logFront) * betaFraction(1 - x, b, a)) / b
}

/** P(a, x), the distribution function of Gamma(a, 1), for a > 0 and x >= 0. */
export function regularizedGamma(a: number, x: number): number {
  if (x <= 0) return 0
  const front = Math.exp(a * Math.log(x) - x - logGamma(a))
  return x < a + 1 ? front * gammaSeries(a, x) : 1 - front * gammaFraction(a, x)
}

/** The x with I_x(a, b) = p. */
export function betaQuantile(p: number, a: number, b: number): number {
  return bisect((x) => regularizedBeta(x, a, b), p, 0, 1)
}

/** The x with P(a, x) = p. */
export function gammaQuantile(p: number, a: number): number {
  let high = a + 10
  while (regularizedGamma(a, high) < p) high *= 2
  return bisect((x) => regularizedGamma(a, x), p, 0, high)
}

export function chiSquareQuantile(p: number, degreesOfFreedom: number): number {
  return 2 * gammaQuantile(p, degreesOfFreedom / 2)
}

/** Standard normal: the z with P(|Z| < z) = confidence. */
export function normalCritical(confidence: number): number {
  return Math.sqrt(chiSquareQuantile(confidence, 1))
}

/** Student's t: the t with P(|T| < t) = confidence. */
export function studentCritical(confidence: number, degreesOfFreedom: number): number {
  const x = betaQuantile(1 - confidence, degreesOfFreedom / 2, 0.5)
  return Math.sqrt((degreesOfFreedom * (1 - x)) / x)
}

/** P(X <= k) for X ~ Binomial(n, p). */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0
  return k >= n ? 1 : regularizedBeta(1 - p, n - k, k + 1)
}

const tiny = 1e-300
const precision = 1e-15
const maxTerms = 100_000

/** Modified Lentz evaluation of b0 + a1/(b1 + a2/(b2 + ...)). */
function continuedFraction(b0: number, term: (i: number) => readonly [a: number, b: number]): number {
  let f = b0 || tiny
  let c = f
  let d = 0
  for (let i = 1; i < maxTerms; i++) {
    const [a, b] = term(i)
    d = 1 / (b + a * d || tiny)
    c = b + a / c || tiny
    f *= c * d
    if (Math.abs(c * d - 1) < precision) return f
  }
  return f
}

function betaFraction(x: number, a: number, b: number): number {
  const coefficient = (i: number): number => {
    const m = i >> 1
    if (i % 2 === 0) return (m * (b - m) * x) / ((a + i - 1) * (a + i))
    return (-(a + m) * (a + b + m) * x) / ((a + i - 1) * (a + i))
  }
  return 1 / continuedFraction(1, (i) => [coefficient(i), 1])
}

function gammaSeries(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let n = 1; n < maxTerms && term > sum * precision; n++) sum += term *= x / (a + n)
  return sum
}

function gammaFraction(a: number, x: number): number {
  return 1 / continuedFraction(x + 1 - a, (i) => [i * (a - i), x + 2 * i + 1 - a])
}

function bisect(rising: (x: number) => number, target: number, from: number, to: number): number {
  if (!(target >= 0 && target <= 1)) throw new RangeError(`there is no ${target} quantile`)
  let [low, high] = [from, to]
  // Quantiles may be tiny: halving goes on down to the smallest number there is.
  for (let i = 0; i < 1200; i++) {
    const middle = (low + high) / 2
    if (high - low <= 1e-13 * middle || middle === low || middle === high) break
    if (rising(middle) < target) low = middle
    else high = middle
  }
  return (low + high) / 2
}
