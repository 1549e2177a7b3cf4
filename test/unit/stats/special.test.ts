import { expect, test } from 'vitest'
import {
  betaQuantile,
  binomialCdf,
  chiSquareQuantile,
  gammaQuantile,
  logGamma,
  normalCritical,
  regularizedBeta,
  regularizedGamma,
  studentCritical,
} from '../../../harness/stats/special.ts'

test('logGamma is the logarithm of the factorial', () => {
  expect(logGamma(1)).toBeCloseTo(0, 12)
  expect(logGamma(11)).toBeCloseTo(Math.log(3_628_800), 10)
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12)
  expect(logGamma(0.25)).toBeCloseTo(1.2880225246980774, 11)
})

test('the regularised incomplete beta agrees with binomial sums', () => {
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k)
  for (const [n, p] of [
    [10, 0.3],
    [25, 0.94],
    [40, 0.01],
  ] as const)
    for (let k = 0, sum = 0; k < n; k++) {
      sum += choose(n, k) * p ** k * (1 - p) ** (n - k)
      expect(binomialCdf(k, n, p)).toBeCloseTo(sum, 11)
    }
  expect(regularizedBeta(0.5, 2, 2)).toBeCloseTo(0.5, 14)
  expect(regularizedBeta(0, 2, 2)).toBe(0)
  expect(regularizedBeta(1, 2, 2)).toBe(1)
})

test('the regularised incomplete gamma agrees with Poisson sums and the exponential', () => {
  expect(regularizedGamma(1, 2)).toBeCloseTo(1 - Math.exp(-2), 13)
  const poissonBelow5 = Math.exp(-7) * (1 + 7 + 49 / 2 + 343 / 6 + 2401 / 24)
  expect(1 - regularizedGamma(5, 7)).toBeCloseTo(poissonBelow5, 12)
  expect(regularizedGamma(5, 0)).toBe(0)
})

test('critical values are those of the tables', () => {
  expect(normalCritical(0.95)).toBeCloseTo(1.959964, 6)
  expect(normalCritical(0.99)).toBeCloseTo(2.575829, 6)
  expect(studentCritical(0.95, 1)).toBeCloseTo(12.7062, 3)
  expect(studentCritical(0.95, 10)).toBeCloseTo(2.228139, 5)
  expect(chiSquareQuantile(0.95, 3)).toBeCloseTo(7.814728, 5)
  expect(betaQuantile(0.5, 3, 3)).toBeCloseTo(0.5, 12)
})

test('large counts neither overflow nor lose the answer', () => {
  expect(regularizedBeta(0.9998, 999_800, 201)).toBeGreaterThan(0.4)
  expect(regularizedBeta(0.9998, 999_800, 201)).toBeLessThan(0.6)
  expect(regularizedGamma(1e5, 1e5)).toBeCloseTo(0.5, 2)
})

test('quantiles of the gamma distribution may be tiny', () => {
  // Its leading term: the x with x^a / Gamma(a + 1) = p; about 6e-101.
  const x = gammaQuantile(1e-10, 0.1)
  expect(x / (1e-10 * Math.exp(logGamma(1.1))) ** 10).toBeCloseTo(1, 6)
})
