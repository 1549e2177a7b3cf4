/** `98.5 %`: significant digits, and as many more as it takes for only 1 to read 100 %. */
export function percentOf(share: number, digits = 3): string {
  return `${roundedShort(share * 100, 100, digits)} %`
}

/** `0.9850`: decimals, and as many more as it takes for only 1 to read 1. */
export function shareText(share: number): string {
  for (let digits = 4; digits < 9; digits++) if (Number(share.toFixed(digits)) < 1) return share.toFixed(digits)
  return share.toFixed(4)
}

function roundedShort(value: number, whole: number, digits: number): number {
  const rounded = Number(value.toPrecision(digits))
  return rounded < whole || value >= whole || digits >= 12 ? rounded : roundedShort(value, whole, digits + 1)
}
