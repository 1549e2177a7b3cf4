/** `worker-1.2` is the name of the node `worker-1` after its second return with a new identity. */
export function nodeOf(executor: string): string {
  return executor.replace(/\.\d+$/, '')
}

/** `worker-1` is of the role `worker`. */
export function roleOf(node: string): string {
  return node.replace(/-\d+$/, '')
}

/** From and to: `time` itself included, so that an instant may meet an interval. */
export type Span = readonly [number, number]

export function overlap(a: Span, b: Span): boolean {
  return a[0] < b[1] && b[0] < a[1]
}
