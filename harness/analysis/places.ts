/** `worker-1.2` is the name of the node `worker-1` after its second return with a new identity. */
export function nodeOf(executor: string): string {
  return executor.replace(/\.\d+$/, '')
}

/** Who executed a step that nobody can tell: any node may have. */
export const anybody = 'unknown'

/** Whether this node may be who executed it. */
export function mayBe(node: string, executor: string): boolean {
  return node === executor || executor === anybody
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
