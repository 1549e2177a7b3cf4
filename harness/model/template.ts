/** Values of placeholders by name: `port` for `{port}`. */
export type Values = Readonly<Record<string, string | number | undefined>>

/** A text with its placeholders filled in. What is no placeholder of ours, as the braces of JSON, stays. */
export function fill(text: string, values: Values): string {
  return text.replaceAll(/\{([A-Za-z]+)\}/g, (all, name: string) =>
    Object.hasOwn(values, name) ? String(values[name] ?? '') : all,
  )
}

/** The same in every text of a value. A text that is one placeholder and no more becomes its value: `{seed}` a number. */
export function fillIn(value: unknown, values: Readonly<Record<string, unknown>>): unknown {
  if (typeof value === 'string') return fillText(value, values)
  if (Array.isArray(value)) return value.map((one) => fillIn(one, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fillIn(one, values)]))
}

function fillText(text: string, values: Readonly<Record<string, unknown>>): unknown {
  const [, alone] = /^\{([A-Za-z]+)\}$/.exec(text) ?? []
  return alone !== undefined && Object.hasOwn(values, alone) ? values[alone] : fill(text, values as Values)
}
